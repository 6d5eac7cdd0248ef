/*
 * instances.h - the door of the room of container groups
 * (Microsoft.ContainerInstance/containerGroups).
 *
 * A group is put through the ARM engine: its document is read strictly, every image is resolved in
 * one of our own registries and pinned to a digest, and a complete plan is stored with the resource
 * in one transaction.  A worker then has the missing layers unpacked and the plan started by
 * runnerd.  What runs is asked from runnerd; nothing of it is kept twice.
 *
 * Invariants:
 *   I1  a container runs only from a digest that was admitted, and the admission is a decision
 *       record in the same transaction as the group;
 *   I2  after any crash, what runnerd keeps is what the database says: groups that are not there
 *       are removed, groups that were being created go on or fail with a reason;
 *   I3  a value that was given as secureValue or password is returned by no read;
 *   I4  what we do not do yet is refused with the path of the property, never left out in silence;
 *   I5  a deployment moves between its states only along the table in deployment.c.
 * Threads: everything may be called from any thread.
 */
#ifndef INSTANCES_INSTANCES_H
#define INSTANCES_INSTANCES_H

#include "base/err.h"
#include "base/own.h"
#include "exchange/exchange.h"
#include "exchange/route.h"
#include "store/database.h"

struct instances;
struct registry;
struct resources;
struct runner;

extern const struct migration instances_migrations[];

/* Registers its resource type with ${resources}.  All arguments are borrowed and must outlive it.
 */
MUST_CHECK struct instances *instances_open(struct database *database, struct resources *resources,
                                            struct registry *registry,
                                            const struct exchange_world *world, struct err *err);
void instances_free(struct instances *instances); /* ends its threads; before runner_free() */
DEFINE_OWN(instances);

/* instances_observe(): the runner_observer to give to runner_new() with the room as self. */
void instances_observe(void *instances, const char *group_id);

/*
 * instances_run(instances, runner, why_not, err): start the workers.  ${runner} (borrowed) may be
 * NULL: then ${why_not} (kept: "containers need root: ...") is what a client is told.  Call once,
 * after runner_new(); whenever runnerd is attached, states are reconciled (I2).
 */
MUST_CHECK int instances_run(struct instances *instances, struct runner *runner,
                             const char *why_not, struct err *err);

extern const struct route instances_routes[]; /* DIALECT_ARM; the room is struct instances */

#endif /* INSTANCES_INSTANCES_H */
