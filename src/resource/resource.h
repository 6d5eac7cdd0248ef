/*
 * resource.h - Azure Resource Manager: one engine for all resource types.
 *
 * A service registers a type; the engine parses ids, keeps id, name, location, tags, properties,
 * etag and provisioning state, lists, merges, and records.  A type may refuse or complete what is
 * put, and say what a reader sees.
 *
 * Invariants:
 *   P1  ids are compared by segments without regard to ASCII case, and keep the spelling they were
 *       created with; "//" in a path counts as "/";
 *   P2  a change, its etag and its decision record are one transaction;
 *   P3  what is not there answers with the right ARM error, never with a made-up success;
 *   P4  a type's secret properties are never returned by any read.
 */
#ifndef RESOURCE_RESOURCE_H
#define RESOURCE_RESOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/own.h"
#include "base/text.h"
#include "exchange/exchange.h"

struct resources;

extern const struct migration resource_migrations[];

#define RESOURCE_ID_MAX       1024
#define RESOURCE_DOCUMENT_MAX ((uint64_t)2 * 1024 * 1024)

/* One stored resource. */
struct resource {
    struct text id; /* "/subscriptions/S/resourceGroups/G/providers/NS/TYPE/NAME" */
    struct text name;
    struct text type; /* "Microsoft.ContainerRegistry/registries" */
    struct text group;
    struct text location;
    json_t *tags;       /* object */
    json_t *properties; /* object, as stored */
    json_t *extra;      /* object: sku, identity, zones ... what ARM keeps beside properties */
    struct text etag;
    struct text provisioning_state; /* Creating, Succeeded, Failed, Deleting */
    int64_t created_at_us;
    int64_t changed_at_us;
};

/* What a type adds to the engine; every function may be NULL. */
struct resource_type {
    const char *type;          /* "Microsoft.ContainerInstance/containerGroups" */
    const char *action_prefix; /* the same as in action strings */
    int created_status;        /* for a PUT that creates: 201 or 200 */

    /*
     * Check and complete what a PUT would store (${old} NULL when it creates); may set
     * provisioning_state to "Creating" when work goes on after the answer.
     */
    int (*accept)(void *room, struct exchange *x, const struct resource *old, struct resource *now,
                  struct err *err);
    /* In the same transaction, after the resource row was written. */
    int (*stored)(void *room, struct db *db, const struct resource *old, const struct resource *now,
                  struct err *err);
    /* After the change is durable: start the work. */
    void (*begun)(void *room, const struct resource *now);
    /* Refuse a deletion, or do its work; 1: goes on after the answer (202), 0: done. */
    int (*removing)(void *room, struct exchange *x, const struct resource *old, struct err *err);
    /* What a reader sees of properties: fill in what is live (instanceView), drop secrets. */
    int (*shown)(void *room, struct exchange *x, const struct resource *r, json_t *properties,
                 struct err *err);
};

MUST_CHECK struct resources *resources_open(struct database *database,
                                            const struct exchange_world *world, struct err *err);
void resources_free(struct resources *resources);
DEFINE_OWN(resources);

/* ${type} is kept.  Types are registered before the first request. */
MUST_CHECK int resources_register(struct resources *resources, const struct resource_type *type,
                                  void *room, struct err *err);

/*
 * resources_routes(rs): the rows of the engine and of every registered type; the room is ${rs}.
 * Asked once, after the last registration; lives as long as ${rs}.
 */
const struct route *resources_routes(struct resources *resources);
const struct dialect *resource_dialect(struct resources *resources);

/*
 * resource_answer(x, status, document): describe an ARM answer: the x-ms-* fields, and ${document}
 * (NULL: no body; it stays the caller's).  For every handler that speaks DIALECT_ARM.
 */
void resource_answer(struct exchange *x, int status, const json_t *document);

/*
 * resources_operation(rs, x, id, err): remember that work on ${id} goes on after the answer, and
 * add the fields by which a client follows it (Azure-AsyncOperation, Location, Retry-After) to the
 * answer, which must have its status already.
 */
MUST_CHECK int resources_operation(struct resources *resources, struct exchange *x, struct text id,
                                   struct err *err);

/*
 * resources_observe(rs, type, removed, room, err): rooms that keep things of their own under
 * resources of a type they did not register (the registry: its repositories).  ${removed} runs in
 * the transaction of the removal.  At most RESOURCE_OBSERVERS_MAX, before the first request.
 */
#define RESOURCE_OBSERVERS_MAX 8
typedef int resource_removed(void *room, struct db *db, const struct resource *old,
                             struct err *err);
MUST_CHECK int resources_observe(struct resources *resources, const char *type,
                                 resource_removed *removed, void *room, struct err *err);

/* resources_get(rs, id, arena, out, err): 1 when there is none. */
MUST_CHECK int resources_get(struct resources *resources, struct text id, struct arena *arena,
                             struct resource *out, struct err *err);

/* resources_each(rs, type, visit): every resource of a type; for start-up and lists. */
typedef int resource_visit(void *arg, const struct resource *r, struct err *err);
MUST_CHECK int resources_each(struct resources *resources, const char *type, resource_visit *visit,
                              void *arg, struct err *err);

/*
 * Changes made by services themselves, inside a change: state, or the whole row.  With a row go the
 * role assignments at and below it; whoever removes one calls access_changed() afterwards.
 */
MUST_CHECK int resource_set_state(struct db *db, struct text id, const char *provisioning_state,
                                  struct err *err);
MUST_CHECK int resource_put(struct db *db, const struct resource *r, struct err *err);
MUST_CHECK int resource_remove(struct db *db, struct text id, struct err *err);

/* resource_done(r): drop the references a struct resource holds. */
void resource_done(struct resource *r);

#endif /* RESOURCE_RESOURCE_H */
