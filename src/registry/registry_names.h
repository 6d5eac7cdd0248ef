/*
 * registry_names.h - which registries there are, and what their resource ids are.
 *
 * Invariants:
 *   N1  a registry that was made is found at most 2 ms later; one that was deleted is gone after
 *       at most a second;
 *   N2  a lookup that does not read anew allocates only in the caller's arena.
 * Threads: from any thread.
 */
#ifndef REGISTRY_REGISTRY_NAMES_H
#define REGISTRY_REGISTRY_NAMES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/own.h"
#include "base/text.h"

#define REGISTRY_TYPE    "Microsoft.ContainerRegistry/registries"
#define REGISTRY_DEFAULT "holdfast" /* what a bare host serves */

struct registry_names;
struct resources;

struct registry_names *registry_names_new(const char *subscription_id); /* NULL: out of memory */
void registry_names_free(struct registry_names *names);
DEFINE_OWN(registry_names);

/* registry_names_use(names, resources): from now on ask there. */
void registry_names_use(struct registry_names *names, struct resources *resources);

/* registry_names_forget(names): something was removed: read again at the next lookup. */
void registry_names_forget(struct registry_names *names);

/* registry_names_find(names, name, arena, scope, err): the id of a registry; 0, 1 none. */
MUST_CHECK int registry_names_find(struct registry_names *names, struct text name,
                                   struct arena *arena, struct text *scope, struct err *err);

#endif /* REGISTRY_REGISTRY_NAMES_H */
