/* health.h - /healthz, /readyz and /metrics: is it alive, does it serve, what does it do. */
#ifndef DAEMON_HEALTH_H
#define DAEMON_HEALTH_H

#include "exchange/exchange.h"

struct gateway;
struct runner;

/* What the rows look at; everything borrowed. */
struct health {
    struct gateway *gateway;
    struct runner *runner; /* NULL: containers are not run */
    struct database *database;
    const char *subscription_id;
};

extern const struct route health_routes[]; /* the room is struct health */
extern const struct dialect health_dialect;

#endif /* DAEMON_HEALTH_H */
