/* Container groups as the ARM engine sees them: accept, store, begin, remove, show. */
#include "base/clock.h"
#include "instances/admission.h"
#include "instances/group_priv.h"
#include "instances/instances_priv.h"
#include "instances/view.h"
#include "wire/json.h"

#define ACCEPT_MEMORY_MAX ((size_t)64 * 1024 * 1024)
#define REMOVE_US         ((int64_t)10 * 1000000)

/* ---- accept ---- */

static struct text
digest_in(struct arena *arena, const struct digest *d)
{
    char out[DIGEST_TEXT_MAX + 1];

    (void)digest_text(d, out);
    return arena_text(arena, text_of(out));
}

/* One row of what we keep about an admitted container: for `why`, and for what is shown. */
static json_t *
kept_container(const struct group_container *c, const struct admitted *a, struct arena *arena)
{
    json_t *o = json_object();

    (void)json_object_set_new(o, "name", json_from(c->name));
    (void)json_object_set_new(o, "image", json_from(c->image));
    (void)json_object_set_new(o, "scope", json_from(a->repository_scope));
    (void)json_object_set_new(o, "repository", json_from(a->repository));
    (void)json_object_set_new(o, "reference", json_from(a->reference));
    (void)json_object_set_new(o, "digest", json_from(digest_in(arena, &a->digest)));
    (void)json_object_set_new(o, "manifest", json_from(digest_in(arena, &a->manifest)));
    (void)json_object_set_new(o, "puller", json_from(a->puller.name));
    (void)json_object_set_new(o, "assignment", json_string(a->decision.assignment));
    (void)json_object_set_new(o, "role",
                              json_string(a->decision.role != NULL ? a->decision.role : ""));
    (void)json_object_set_new(o, "rulesVersion", json_integer(a->decision.version));
    return o;
}

static int
keep_admission(json_t *properties, const struct exchange *x, const struct group *group,
               const struct admitted *admitted, const struct deployment *d, struct arena *arena,
               struct err *err)
{
    OWN_JSON kept = json_object();
    OWN_JSON containers = json_array();

    for (size_t i = 0; i < group->container_count; i++)
        if (json_array_append_new(containers,
                                  kept_container(&group->containers[i], &admitted[i], arena)) != 0)
            return err_memory(err);
    if (json_object_set_new(kept, "deployment", json_string(d->id)) != 0 ||
        json_object_set_new(kept, "requestId", json_string(x->request_id)) != 0 ||
        json_object_set_new(kept, "deployer", json_from(x->caller.name)) != 0 ||
        json_object_set_new(kept, "deployerId", json_string(x->caller.id)) != 0 ||
        json_object_set_new(kept, "assignment", json_string(x->decision.assignment)) != 0 ||
        json_object_set_new(kept, "role",
                            json_string(x->decision.role != NULL ? x->decision.role : "")) != 0 ||
        json_object_set_new(kept, "address", json_string(x->address)) != 0 ||
        json_object_set_new(kept, "admittedAt", json_integer(clock_now_us())) != 0 ||
        json_object_set(kept, "containers", containers) != 0 ||
        json_object_set(properties, INSTANCES_PRIVATE, kept) != 0)
        return err_memory(err);
    return 0;
}

/* Decision records of the admissions; they go into the change that stores the group (I1). */
static int
make_records(struct pending *p, const struct exchange *x, const struct group *group,
             const struct admitted *admitted, struct err *err)
{
    struct audit_record *list = arena_take(p->arena, group->container_count * sizeof(*list));

    if (list == NULL)
        return err_memory(err);
    for (size_t i = 0; i < group->container_count; i++) {
        const struct admitted *a = &admitted[i];

        list[i] = (struct audit_record){
            .time_us = clock_now_us(),
            .request_id = arena_cstr(p->arena, text_of(x->request_id)),
            .caller_kind = caller_kind_name(a->puller.kind),
            .caller_id = arena_cstr(p->arena, text_of(a->puller.id)),
            .caller_name = arena_text(p->arena, a->puller.name),
            .address = arena_text(p->arena, text_of(x->address)),
            .action = TEXT(ADMISSION_ACTION),
            .scope = a->repository_scope,
            .verdict = AUDIT_ALLOWED,
            .rule = arena_text(p->arena, text_of(a->decision.assignment)),
            .role = text_of(a->decision.role),
            .rule_version = a->decision.version,
            .result = TEXT("admitted"),
            .digest = &a->manifest,
            .target = text_of(arena_printf(p->arena, "%.*s:%.*s", TEXT_ARG(a->repository),
                                           TEXT_ARG(a->reference))),
            .detail = text_of(arena_printf(p->arena, "container %.*s of deployment %s",
                                           TEXT_ARG(group->containers[i].name), p->deployment.id)),
            .count = 1,
        };
    }
    p->records = list;
    p->record_count = group->container_count;
    return arena_full(p->arena) ? err_memory(err) : 0;
}

static int
check_ports(struct instances *room, const struct deployment *d, struct arena *arena,
            struct err *err)
{
    for (size_t i = 0; i < d->port_count; i++) {
        struct text owner;
        int rc =
            deployment_port_owner(database_reader(room->database), d->ports[i], arena, &owner, err);

        if (rc < 0)
            return -1;
        if (rc == 0 && !text_equal_nocase(owner, d->resource_id))
            return err_code(err, ERR_CONFLICT, "PortInUse",
                            "properties.ipAddress.ports: port %u is already published by %.*s",
                            d->ports[i], TEXT_ARG(text_first(owner, 180)));
    }
    return 0;
}

static bool
has_secrets(const struct group *group)
{
    for (size_t i = 0; i < group->container_count; i++)
        for (size_t k = 0; k < group->containers[i].env_count; k++)
            if (group->containers[i].env[k].secret)
                return true;
    return false;
}

static bool
same_digests(const json_t *kept, const struct group *group, const struct admitted *admitted,
             struct arena *arena)
{
    const json_t *containers = json_object_get(kept, "containers");

    for (size_t i = 0; i < group->container_count; i++) {
        struct text was = json_text(json_object_get(json_array_get(containers, i), "manifest"));

        if (!text_equal(was, digest_in(arena, &admitted[i].manifest)))
            return false;
    }
    return true;
}

/* Nothing changed that containers could notice: what runs may go on running. */
static bool
is_unchanged(const struct resource *old, const json_t *definition, const struct group *group,
             const struct admitted *admitted, struct arena *arena)
{
    OWN_JSON was = NULL;
    const json_t *kept;

    if (old == NULL || has_secrets(group) || text_is(old->provisioning_state, "Failed"))
        return false;
    kept = json_object_get(old->properties, INSTANCES_PRIVATE);
    if (kept == NULL || !same_digests(kept, group, admitted, arena))
        return false;
    if ((was = json_copy(old->properties)) == NULL)
        return false;
    (void)json_object_del(was, INSTANCES_PRIVATE);
    return json_equal(was, (json_t *)(uintptr_t)definition) == 1;
}

static int
check_beside(const struct resource *now, struct err *err)
{
    struct text identity;

    if (!group_label_ok(now->name))
        return err_code(err, ERR_INVALID, "InvalidContainerGroupName",
                        "the name of a container group must be 1 to %d of a-z, 0-9 and single"
                        " '-', not at either end",
                        PLAN_NAME_MAX);
    if (json_want_text(now->extra, "identity.type", TEXT("None"), &identity, err) != 0)
        return -1;
    if (!text_is_nocase(identity, "None"))
        return json_refuse(err, "identity", "managed identities are not supported yet");
    if (json_array_size(json_object_get(now->extra, "zones")) > 0)
        return json_refuse(err, "zones", "there are no zones here");
    return 0;
}

/* A new deployment, left for stored() to write and begun() to start. */
static int
prepare(struct instances *room, struct exchange *x, struct resource *now, const struct group *group,
        const struct admitted *admitted, struct arena *arena, struct err *err)
{
    struct pending *p = arena_take(arena, sizeof(*p));

    if (p == NULL)
        return err_memory(err);
    p->arena = arena;
    if (admission_deploy(group, admitted, arena, &p->deployment, err) != 0)
        return -1;
    p->deployment.resource_id = arena_text(arena, now->id);
    if (check_ports(room, &p->deployment, arena, err) != 0 ||
        make_records(p, x, group, admitted, err) != 0)
        return -1;
    group_strip(now->properties);
    if (keep_admission(now->properties, x, group, admitted, &p->deployment, arena, err) != 0)
        return -1;
    now->provisioning_state = TEXT("Creating");
    pending_add(room, p);
    return 0;
}

static int
accept(void *self, struct exchange *x, const struct resource *old, struct resource *now,
       struct err *err)
{
    struct instances *room = self;
    OWN(arena) arena = arena_new(ACCEPT_MEMORY_MAX);
    OWN_JSON definition = NULL;
    struct admitted *admitted;
    struct group group;

    if (arena == NULL)
        return err_memory(err);
    /* A PATCH comes merged into what is stored, with what we keep there. */
    if (old != NULL && json_equal(json_object_get(old->properties, INSTANCES_PRIVATE),
                                  json_object_get(now->properties, INSTANCES_PRIVATE)) == 1)
        (void)json_object_del(now->properties, INSTANCES_PRIVATE);
    if (check_beside(now, err) != 0 || group_read(&group, now->properties, arena, err) != 0 ||
        instances_ready(room, err) != 0 ||
        admission_ask(room->registry, x, &group, arena, &admitted, err) != 0)
        return -1;
    if ((definition = json_deep_copy(now->properties)) == NULL)
        return err_memory(err);
    group_strip(definition);
    if (is_unchanged(old, definition, &group, admitted, arena)) {
        json_t *kept = json_object_get(old->properties, INSTANCES_PRIVATE);

        group_strip(now->properties);
        now->provisioning_state = old->provisioning_state;
        return json_object_set(now->properties, INSTANCES_PRIVATE, kept) != 0 ? err_memory(err) : 0;
    }
    x->digest = arena_take(x->arena, sizeof(*x->digest));
    if (x->digest != NULL)
        *(struct digest *)(uintptr_t)x->digest = admitted[0].manifest;
    if (prepare(room, x, now, &group, admitted, arena, err) != 0)
        return -1;
    (void)GIVE(arena); /* the pending deployment lies in it */
    return 0;
}

/* ---- the change, and after it ---- */

static int
stored(void *self, struct db *db, const struct resource *old, const struct resource *now,
       struct err *err)
{
    struct instances *room = self;
    OWN(pending) p = pending_take(room, instances_deployment_id(now->properties));

    (void)old;
    if (p == NULL)
        return 0; /* unchanged: there is nothing new to run */
    if (deployment_insert(db, &p->deployment, err) != 0)
        return -1;
    for (size_t i = 0; i < p->record_count; i++)
        if (audit_append(room->world->audit, db, &p->records[i], err) != 0)
            return -1;
    return 0;
}

static void
begun(void *self, const struct resource *now)
{
    struct text id = instances_deployment_id(now->properties);
    char name[ID_LEN + 1];

    if (text_copy(id, name, sizeof(name)) && name[0] != '\0')
        instances_kick(self, name);
}

/* ---- remove ---- */

static int
move_to_removing(struct db *db, void *arg, struct err *err)
{
    if (deployment_move(db, text_of(arg), DEPLOYMENT_REMOVING, TEXT(""), err) < 0)
        return -1;
    return deployment_free_ports(db, text_of(arg), err);
}

/*
 * From here on the group goes, whatever becomes of this process: the row says so.  Mostly runnerd
 * is done in milliseconds, and the client gets its answer after the fact.
 */
static int
removing(void *self, struct exchange *x, const struct resource *old, struct err *err)
{
    struct instances *room = self;
    struct runner *runner = atomic_load(&room->runner);
    struct text id = instances_deployment_id(old->properties);
    char name[ID_LEN + 1];
    struct err away = { 0 };

    (void)x;
    if (!text_copy(id, name, sizeof(name)) || name[0] == '\0')
        return 0;
    if (database_write(room->database, move_to_removing, name, err) != 0)
        return -1;
    if (runner != NULL && runner_delete(runner, clock_mono_us() + REMOVE_US, name, &away) == 0) {
        return 0;
    }
    instances_kick(room, name);
    return 1;
}

int
instances_removed(void *self, struct db *db, const struct resource *old, struct err *err)
{
    (void)self;
    return deployment_drop(db, instances_deployment_id(old->properties), err);
}

/* ---- show ---- */

static int
shown(void *self, struct exchange *x, const struct resource *r, json_t *properties, struct err *err)
{
    return view_fill(self, x, r, properties, err);
}

const struct resource_type instances_type = {
    .type = INSTANCES_TYPE,
    .action_prefix = INSTANCES_TYPE,
    .created_status = 201,
    .accept = accept,
    .stored = stored,
    .begun = begun,
    .removing = removing,
    .shown = shown,
};
