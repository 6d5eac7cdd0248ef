#include "instances/instances.h"

#include "base/clock.h"
#include "base/mem.h"
#include "instances/instances_priv.h"
#include "wire/json.h"

#define WORKERS             2
#define PENDING_LIFETIME_US ((int64_t)120 * 1000000) /* no change waits so long */

void
pending_free(struct pending *p)
{
    /* The arena holds ${p} itself. */
    if (p != NULL)
        arena_free(p->arena);
}

void
pending_add(struct instances *room, struct pending *p)
{
    struct pending **at;
    int64_t now = clock_mono_us();

    p->made_mono_us = now;
    (void)pthread_mutex_lock(&room->lock);
    for (at = &room->pending; *at != NULL;) {
        struct pending *old = *at;

        if (now - old->made_mono_us < PENDING_LIFETIME_US) {
            at = &old->next;
            continue;
        }
        *at = old->next; /* its change failed: nobody will come for it */
        pending_free(old);
    }
    p->next = room->pending;
    room->pending = p;
    (void)pthread_mutex_unlock(&room->lock);
}

struct pending *
pending_take(struct instances *room, struct text id)
{
    struct pending **at, *found;

    (void)pthread_mutex_lock(&room->lock);
    for (at = &room->pending; *at != NULL; at = &(*at)->next)
        if (text_is(id, (*at)->deployment.id))
            break;
    found = *at;
    if (found != NULL)
        *at = found->next;
    (void)pthread_mutex_unlock(&room->lock);
    return found;
}

struct instances *
instances_open(struct database *database, struct resources *resources, struct registry *registry,
               const struct exchange_world *world, struct err *err)
{
    OWN(instances) room = mem_zalloc(sizeof(*room));

    if (room == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    (void)pthread_rwlock_init(&room->starting, NULL);
    (void)pthread_mutex_init(&room->lock, NULL);
    room->database = database;
    room->resources = resources;
    room->registry = registry;
    room->world = world;
    atomic_store(&room->why_not, "containers cannot be run yet: the server is starting");
    if (resources_register(resources, &instances_type, room, err) != 0 ||
        resources_observe(resources, INSTANCES_TYPE, instances_removed, room, err) != 0)
        return NULL;
    return GIVE(room);
}

void
instances_free(struct instances *room)
{
    if (room == NULL)
        return;
    jobs_free(atomic_exchange(&room->jobs, NULL));
    while (room->pending != NULL) {
        struct pending *p = room->pending;

        room->pending = p->next;
        pending_free(p);
    }
    (void)pthread_rwlock_destroy(&room->starting);
    (void)pthread_mutex_destroy(&room->lock);
    mem_free(room);
}

int
instances_run(struct instances *room, struct runner *runner, const char *why_not, struct err *err)
{
    struct jobs *jobs;

    if (runner == NULL) {
        atomic_store(&room->why_not, why_not);
        return 0;
    }
    if ((jobs = jobs_new(WORKERS, instances_work, room, err)) == NULL)
        return -1;
    atomic_store(&room->runner, runner);
    atomic_store(&room->jobs, jobs);
    jobs_add(jobs, ""); /* runnerd may have been attached before */
    return 0;
}

void
instances_observe(void *self, const char *group_id)
{
    struct instances *room = self;

    /* States of containers are asked for when somebody looks; only a new channel makes work. */
    if (group_id == NULL)
        instances_kick(room, "");
}

void
instances_kick(struct instances *room, const char *id)
{
    struct jobs *jobs = atomic_load(&room->jobs);

    if (jobs != NULL)
        jobs_add(jobs, id);
}

int
instances_ready(struct instances *room, struct err *err)
{
    struct runner *runner = atomic_load(&room->runner);
    struct runner_hello hello = { 0 };

    if (runner == NULL)
        return err_code(err, ERR_UNSUPPORTED, "ContainersNotAvailable", "%s",
                        atomic_load(&room->why_not));
    if (!runner_attached(runner))
        return 0; /* it is being started: the workers wait for it */
    if (runner_hello(runner, clock_mono_us() + RUNNER_QUICK_US, &hello, err) != 0)
        return -1;
    if (hello.ready == 0)
        return err_code(err, ERR_UNSUPPORTED, "ContainersNotAvailable",
                        "containers cannot be run on this machine: %.180s", hello.why);
    return 0;
}

struct text
instances_deployment_id(const json_t *properties)
{
    const json_t *ours = json_object_get(properties, INSTANCES_PRIVATE);

    return json_text(json_object_get(ours, "deployment"));
}
