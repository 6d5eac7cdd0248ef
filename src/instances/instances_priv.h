/* instances_priv.h - the room's own struct and the seams between its modules. */
#ifndef INSTANCES_INSTANCES_PRIV_H
#define INSTANCES_INSTANCES_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "audit/audit.h"
#include "instances/deployment.h"
#include "instances/instances.h"
#include "instances/jobs.h"
#include "registry/registry.h"
#include "resource/resource.h"
#include "runner/runner_client.h"

#define INSTANCES_TYPE "Microsoft.ContainerInstance/containerGroups"
#define INSTANCES_PRIVATE                                                                          \
    "holdfast" /* what we keep in the stored properties beside the client's                        \
                */
#define RUNNER_QUICK_US  ((int64_t)2 * 1000000)
#define RUNNER_START_US  ((int64_t)30 * 1000000)
#define RUNNER_UNPACK_US ((int64_t)3600 * 1000000)

/* What accept() worked out and stored() writes: a change is in between. */
struct pending {
    struct pending *next;
    struct arena *arena; /* holds everything below */
    struct deployment deployment;
    const struct audit_record *records; /* one admission per container */
    size_t record_count;
    int64_t made_mono_us;
};

struct instances {
    struct database *database;
    struct resources *resources;
    struct registry *registry;
    const struct exchange_world *world;
    _Atomic(struct runner *) runner; /* NULL until instances_run(), or for good: see why_not */
    _Atomic(const char *) why_not;
    _Atomic(struct jobs *) jobs;
    pthread_rwlock_t
        starting;         /* read: a group is started; write: reconciling decides what is kept */
    pthread_mutex_t lock; /* guards pending */
    struct pending *pending;
};

/* The ARM type, for resources_register(). */
extern const struct resource_type instances_type;

/* Its observer: the rows go in the transaction that removes the resource. */
MUST_CHECK int instances_removed(void *room, struct db *db, const struct resource *old,
                                 struct err *err);

/* pending_add(), pending_take(): by deployment id; NULL when there is none. */
void pending_add(struct instances *room, struct pending *p);
struct pending *pending_take(struct instances *room, struct text id);
void pending_free(struct pending *p);
DEFINE_OWN(pending);

/* instances_work(room, name): the jobs_work of this room; "" reconciles with runnerd. */
unsigned instances_work(void *room, const char *name);

/* instances_ready(room, err): may a group be put now?  ERR_UNSUPPORTED says what is missing. */
MUST_CHECK int instances_ready(struct instances *room, struct err *err);

/* instances_kick(room, id): have the worker look at a deployment. */
void instances_kick(struct instances *room, const char *id);

/* deployment id within stored properties; empty when there is none. */
struct text instances_deployment_id(const json_t *properties);

#endif /* INSTANCES_INSTANCES_PRIV_H */
