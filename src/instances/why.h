/*
 * why.h - why is this container allowed to run?  The chain from push to run, out of the decision
 * records: nothing is told that no record says.
 */
#ifndef INSTANCES_WHY_H
#define INSTANCES_WHY_H

#include <jansson.h>

#include "base/err.h"
#include "resource/resource.h"

struct instances;

/* why_tell(room, x, r, err): a new document about a container group, or NULL. */
MUST_CHECK json_t *why_tell(struct instances *room, struct exchange *x, const struct resource *r,
                            struct err *err);

#endif /* INSTANCES_WHY_H */
