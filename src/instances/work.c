/* What the workers do: each state's work, and reconciliation with runnerd after a restart. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "instances/instances_priv.h"

#define RETRY_MS     500
#define LOAD_MAX     ((size_t)8 * 1024 * 1024) /* a deployment in memory */
#define OVERVIEW_MAX ((size_t)64 * 1024 * 1024)

struct work {
    struct instances *room;
    struct runner *runner;
    const struct deployment *d;
    struct arena *arena;
};

static int64_t
within(int64_t us)
{
    return clock_mono_us() + us;
}

/* Runnerd is away or slow: not the group's fault, and no reason to give it up. */
static bool
passes(const struct err *err)
{
    bool passing = err->kind == ERR_BUSY || err->kind == ERR_CLOSED || err->kind == ERR_TIMEOUT;

    if (passing)
        log_err(LOG_LEVEL_DEBUG, "runnerd does not answer: trying again", NULL, err);
    return passing;
}

struct outcome {
    const struct work *w;
    enum deployment_state to;
    struct text reason;
    const char *provisioning_state; /* NULL: leave it */
    const char *code;               /* of the failure, for the record; NULL: it went well */
};

/* What Holdfast itself did is recorded like what a client did. */
static int
record_outcome(struct db *db, const struct outcome *o, struct err *err)
{
    struct audit_record r = {
        .time_us = clock_now_us(),
        .caller_kind = "System",
        .caller_id = "",
        .caller_name = TEXT("holdfast"),
        .action = TEXT("Holdfast/containerGroups/run"),
        .scope = o->w->d->resource_id,
        .verdict = AUDIT_ALLOWED,
        .result = o->code == NULL ? TEXT("succeeded") : text_of(o->code),
        .target = text_of(o->w->d->id),
        .detail = o->code == NULL ? text_of(deployment_state_name(o->to)) : o->reason,
        .count = 1,
    };

    return audit_append(o->w->room->world->audit, db, &r, err);
}

static int
write_outcome(struct db *db, void *arg, struct err *err)
{
    const struct outcome *o = arg;

    int rc = deployment_move(db, text_of(o->w->d->id), o->to, o->reason, err);

    if (rc != 0)
        return rc < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "the deployment is gone");
    if (o->provisioning_state != NULL &&
        resource_set_state(db, o->w->d->resource_id, o->provisioning_state, err) < 0)
        return -1;
    return o->to == DEPLOYMENT_CREATING ? 0 : record_outcome(db, o, err);
}

/* The state is asked again here: a group put anew meanwhile has superseded what was removed. */
static int
drop_rows(struct db *db, void *arg, struct err *err)
{
    const struct work *w = arg;
    struct deployment_row *list;
    size_t n;

    if (deployment_list(db, w->d->resource_id, w->arena, &list, &n, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (text_is(text_of(w->d->id), list[i].id) && list[i].state == DEPLOYMENT_REMOVING &&
            resource_remove(db, w->d->resource_id, err) < 0) {
            if (err->kind != ERR_NOT_FOUND)
                return -1;
            err_clear(err); /* the engine was faster */
        }
    return deployment_drop(db, text_of(w->d->id), err);
}

/* A deployment that ends while it is worked on is no failure: somebody deleted or replaced it. */
static unsigned
store_outcome(struct outcome *o)
{
    struct err err = { 0 };

    if (database_write(o->w->room->database, write_outcome, o, &err) == 0)
        return 0;
    if ((err.code != NULL && strcmp(err.code, "InvalidState") == 0) || err.kind == ERR_NOT_FOUND) {
        log_err(LOG_LEVEL_INFO, "a container group has changed while it was worked on", NULL, &err);
        return 0;
    }
    log_err(LOG_LEVEL_ERROR, "cannot store the state of a container group", NULL, &err);
    return RETRY_MS;
}

static unsigned
give_up(const struct work *w, const struct err *why)
{
    struct outcome o = { w, DEPLOYMENT_FAILED, text_of(why->msg), "Failed",
                         why->code != NULL ? why->code : err_kind_name(why->kind) };

    log_err(LOG_LEVEL_WARNING, "a container group failed", NULL, why);
    return store_outcome(&o);
}

static int
unpack_layer(const struct work *w, const struct deployment_layer *layer, struct err *err)
{
    OWN_FD fd = -1;
    uint64_t size;
    int rc = runner_layer_have(w->runner, within(RUNNER_START_US), &layer->diff_id, err);

    if (rc <= 0)
        return rc;
    rc = registry_blob(w->room->registry, layer->registry, layer->repository, &layer->blob, &fd,
                       &size, err);
    if (rc == 1)
        return err_code(err, ERR_NOT_FOUND, "InaccessibleImage",
                        "a layer of %.*s is not in the registry any more; push the image again",
                        TEXT_ARG(layer->repository));
    if (rc != 0)
        return -1;
    return runner_unpack(w->runner, within(RUNNER_UNPACK_US), fd, &layer->diff_id, layer->media,
                         err);
}

/* Older deployments of the same group hold its ports: they go first. */
static int
end_predecessors(const struct work *w, struct err *err)
{
    struct deployment_row *list;
    size_t n;

    if (deployment_list(database_reader(w->room->database), w->d->resource_id, w->arena, &list, &n,
                        err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (list[i].state == DEPLOYMENT_SUPERSEDED &&
            runner_delete(w->runner, within(RUNNER_START_US), list[i].id, err) != 0)
            return -1;
    return 0;
}

/* 0 when runnerd knows the group, 1 when not. */
static int
is_there(const struct work *w, struct err *err)
{
    OWN_MEM(struct runner_group_state) state = mem_zalloc(sizeof(*state));

    if (state == NULL)
        return err_memory(err);
    return runner_state(w->runner, within(RUNNER_START_US), w->d->id, state, err);
}

static int
start(const struct work *w, struct err *err)
{
    struct plan plan;
    int rc;

    if (plan_decode(&plan, w->arena, w->d->plan, err) != 0)
        return -1;
    (void)pthread_rwlock_rdlock(&w->room->starting);
    rc = runner_start(w->runner, within(RUNNER_START_US), &plan, err);
    (void)pthread_rwlock_unlock(&w->room->starting);
    return rc;
}

static int
create(const struct work *w, struct err *err)
{
    int rc = is_there(w, err);

    if (rc <= 0)
        return rc; /* an earlier life of this daemon came so far */
    if (end_predecessors(w, err) != 0)
        return -1;
    for (size_t i = 0; i < w->d->layer_count; i++)
        if (unpack_layer(w, &w->d->layers[i], err) != 0)
            return err_note(err, "layer %zu", i);
    return start(w, err);
}

static unsigned
work_creating(const struct work *w)
{
    struct outcome o = { w, DEPLOYMENT_RUNNING, TEXT(""), "Succeeded", NULL };
    struct err err = { 0 };

    if (create(w, &err) == 0)
        return store_outcome(&o);
    return passes(&err) ? RETRY_MS : give_up(w, &err);
}

static unsigned
work_restarting(const struct work *w)
{
    struct outcome o = { w, DEPLOYMENT_CREATING, TEXT(""), NULL, NULL };
    struct err err = { 0 };

    if (runner_delete(w->runner, within(RUNNER_START_US), w->d->id, &err) != 0)
        return passes(&err) ? RETRY_MS : give_up(w, &err);
    return store_outcome(&o) != 0 ? RETRY_MS : 1; /* at once again, now as creating */
}

static unsigned
work_ending(const struct work *w)
{
    struct work copy = *w;
    struct err err = { 0 };

    if (runner_delete(w->runner, within(RUNNER_START_US), w->d->id, &err) == 0 &&
        database_write(w->room->database, drop_rows, &copy, &err) == 0) {
        if (access_changed(w->room->world->access, &err) < 0)
            log_err(LOG_LEVEL_ERROR, "roles of a removed container group still count", NULL, &err);
        return 0;
    }
    log_err(LOG_LEVEL_WARNING, "a container group cannot be removed yet", NULL, &err);
    return RETRY_MS;
}

/* The stop may have been lost with the daemon that was to pass it on. */
static unsigned
work_stopped(const struct work *w)
{
    struct err err = { 0 };

    if (runner_stop(w->runner, within(RUNNER_QUICK_US), w->d->id, 0, &err) >= 0)
        return 0;
    return passes(&err) ? RETRY_MS : 0;
}

static int
set_succeeded(struct db *db, void *arg, struct err *err)
{
    const struct work *w = arg;

    return resource_set_state(db, w->d->resource_id, "Succeeded", err);
}

/* A PATCH that was read before the start and written after it has put "Creating" back. */
static unsigned
heal_state(const struct work *w)
{
    struct work copy = *w;
    struct resource r = { 0 };
    struct err err = { 0 };
    int rc = resources_get(w->room->resources, w->d->resource_id, w->arena, &r, &err);

    if (rc == 0 && text_is(r.provisioning_state, "Creating"))
        rc = database_write(w->room->database, set_succeeded, &copy, &err);
    resource_done(&r);
    return rc < 0 && err.kind != ERR_NOT_FOUND ? RETRY_MS : 0;
}

/* What should run and is not known to runnerd was lost with the machine: run it again. */
static unsigned
work_running(const struct work *w)
{
    struct outcome o = { w, DEPLOYMENT_RESTARTING, TEXT("the machine was restarted"), NULL, NULL };
    struct err err = { 0 };
    int rc = is_there(w, &err);

    if (rc < 0)
        return passes(&err) ? RETRY_MS : 0;
    if (rc == 0)
        return heal_state(w);
    return store_outcome(&o) != 0 ? RETRY_MS : 1;
}

typedef unsigned state_work(const struct work *w);

/* Indexed by enum deployment_state. */
static state_work *const state_works[] = {
    [DEPLOYMENT_CREATING] = work_creating,
    [DEPLOYMENT_RUNNING] = work_running,
    [DEPLOYMENT_STOPPED] = work_stopped,
    [DEPLOYMENT_RESTARTING] = work_restarting,
    [DEPLOYMENT_FAILED] = NULL,
    [DEPLOYMENT_SUPERSEDED] = work_ending,
    [DEPLOYMENT_REMOVING] = work_ending,
};

static unsigned
work_one(struct instances *room, struct runner *runner, const char *id)
{
    OWN(arena) arena = arena_new(LOAD_MAX);
    struct err err = { 0 };
    struct deployment d;
    int rc;

    if (arena == NULL)
        return RETRY_MS;
    rc = deployment_load(database_reader(room->database), text_of(id), arena, &d, &err);
    if (rc < 0)
        log_err(LOG_LEVEL_ERROR, "cannot read a container group", NULL, &err);
    if (rc != 0)
        return rc < 0 ? RETRY_MS : 0;
    if (state_works[d.state] == NULL)
        return 0;
    return state_works[d.state](&(struct work){ room, runner, &d, arena });
}

static bool
is_kept(enum deployment_state state)
{
    return state != DEPLOYMENT_SUPERSEDED && state != DEPLOYMENT_REMOVING;
}

/* Tell runnerd what should exist, while nothing new is started; then look at every deployment. */
static int
reconcile(struct instances *room, struct runner *runner, struct arena *arena, struct err *err)
{
    struct deployment_row *list;
    char(*ids)[ID_LEN + 1];
    size_t n, kept = 0;
    int rc;

    (void)pthread_rwlock_wrlock(&room->starting);
    rc = deployment_list(database_reader(room->database), (struct text){ NULL, 0 }, arena, &list,
                         &n, err);
    ids = rc == 0 ? arena_take(arena, (n + 1) * sizeof(*ids)) : NULL;
    if (ids != NULL) {
        for (size_t i = 0; i < n; i++)
            if (is_kept(list[i].state))
                (void)text_copy(text_of(list[i].id), ids[kept++], sizeof(*ids));
        rc = runner_keep(runner, within(RUNNER_START_US), (const char(*)[ID_LEN + 1]) ids, kept,
                         err);
    }
    (void)pthread_rwlock_unlock(&room->starting);
    if (ids == NULL)
        return rc != 0 ? -1 : err_memory(err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        instances_kick(room, list[i].id);
    return rc;
}

unsigned
instances_work(void *self, const char *name)
{
    struct instances *room = self;
    struct runner *runner = atomic_load(&room->runner);
    OWN(arena) arena = NULL;
    struct err err = { 0 };

    if (runner == NULL)
        return 0;
    if (name[0] != '\0')
        return work_one(room, runner, name);
    if (!runner_attached(runner))
        return 0; /* it will be told when runnerd is there */
    if ((arena = arena_new(OVERVIEW_MAX)) == NULL || reconcile(room, runner, arena, &err) != 0) {
        log_err(LOG_LEVEL_WARNING, "cannot reconcile with runnerd yet", NULL, &err);
        return RETRY_MS;
    }
    return 0;
}
