/*
 * pipeline.h - the way of one request: route, address, identity, access, service, audit, answer.
 *
 * Invariants:
 *   W1  a request that failed a step is not seen by a later one, but is recorded and answered in
 *       the dialect of its route;
 *   W2  nothing here blocks when may_block is false: what would is asked for again on a worker;
 *   W3  every request of a row that is not ACTION_PUBLIC leaves a decision record, and a refusal's
 *       record is durable before its answer is described.
 *   W4  that there is nothing at an address is told to those only who may know what there is.
 * Threads: a pipeline may be used from all loops and workers at once.
 */
#ifndef GATEWAY_PIPELINE_H
#define GATEWAY_PIPELINE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/own.h"
#include "exchange/exchange.h"
#include "gateway/host.h"

struct pipeline;

struct pipeline_settings {
    const struct exchange_world *world;
    const struct routes *routes;
    const struct dialect *dialects[DIALECT_COUNT];
    struct host_names hosts;
};

MUST_CHECK struct pipeline *pipeline_new(const struct pipeline_settings *settings, struct err *err);
void pipeline_free(struct pipeline *pipeline);
DEFINE_OWN(pipeline);

/* pipeline_set_names(p, names): further bare hosts from now on; ${names} (NULL-terminated) must
 * live as long as the pipeline.  From any thread. */
void pipeline_set_names(struct pipeline *pipeline, const char *const *names);

/* pipeline_run(p, x, may_block): 0 when x->answer is described; 1 when it has to run on a worker.
 */
MUST_CHECK int pipeline_run(struct pipeline *pipeline, struct exchange *x, bool may_block);

/* pipeline_malformed(p, address, status, err): record a request that could not be parsed. */
void pipeline_malformed(struct pipeline *pipeline, const char *address, int status,
                        const struct err *err);

#endif /* GATEWAY_PIPELINE_H */
