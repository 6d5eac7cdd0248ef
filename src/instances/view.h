/*
 * view.h - a container group as a reader sees it: what is stored, and what runnerd says now.
 *
 * Invariants:
 *   V1  nothing secret and nothing of our own bookkeeping is shown;
 *   V2  a reader gets an answer also when runnerd gives none: then an event says so.
 */
#ifndef INSTANCES_VIEW_H
#define INSTANCES_VIEW_H

#include <jansson.h>

#include "base/err.h"
#include "resource/resource.h"
#include "runner/message.h"
#include "runner/plan.h"

struct instances;

/* view_fill(room, x, r, properties, err): complete ${properties}, a copy of what is stored. */
MUST_CHECK int view_fill(struct instances *room, struct exchange *x, const struct resource *r,
                         json_t *properties, struct err *err);

/* view_group_state(state, restart): "Running", "Stopped", "Succeeded", "Failed" or "Pending". */
const char *view_group_state(const struct runner_group_state *state, enum plan_restart restart);

/* view_run(run): a ContainerState, or NULL for a run that never was. */
json_t *view_run(const struct runner_run *run);

#endif /* INSTANCES_VIEW_H */
