/*
 * rooms.h - every room of holdfastd, opened bottom up and closed top down.
 *
 * The one place that knows them all: it hands each what it stands on, mounts their tables of rows,
 * and gives the gateway their dialects.
 */
#ifndef DAEMON_ROOMS_H
#define DAEMON_ROOMS_H

#include "base/err.h"
#include "base/own.h"
#include "daemon/options.h"
#include "rt/keeper.h"

struct gateway;
struct rooms;

/*
 * rooms_open(o, keeper, runs_containers, err): open everything and begin to serve.  ${keeper} is
 * borrowed.  When it returns the first request is answered; holdfast-runnerd may still be starting.
 */
MUST_CHECK struct rooms *rooms_open(const struct options *o, struct keeper *keeper,
                                    bool runs_containers, struct err *err);

/* rooms_free(r): drain the gateway, then close top down. */
void rooms_free(struct rooms *r);
DEFINE_OWN(rooms);

struct gateway *rooms_gateway(struct rooms *r);

/*
 * rooms_reload(r, o, err): certificates and what may change while serving: further names and the
 * log level.  ${o} must live as long as the rooms.  On failure what was in force stays.
 */
MUST_CHECK int rooms_reload(struct rooms *r, const struct options *o, struct err *err);

/* rooms_tick(r): about once a second: start again what has died, sweep what is old. */
void rooms_tick(struct rooms *r);

#endif /* DAEMON_ROOMS_H */
