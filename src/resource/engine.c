/* engine.c - the one way every type is put, patched, read, listed and deleted. */
#include <string.h>

#include "base/clock.h"
#include "resource/resource_priv.h"

#define NAME_MAX_CHARS 260

/* A PUT or PATCH on its way. */
struct put {
    struct resources *rs;
    struct exchange *x;
    const struct registered *type;
    const struct resource *old; /* NULL: it creates */
    struct resource *now;
};

static bool
goes_on(struct text state)
{
    return !text_is(state, "Succeeded") && !text_is(state, "Failed") && !text_is(state, "Canceled");
}

/* The registered type a path is about; the row made sure that there is one. */
static int
addressed(struct resources *rs, struct exchange *x, struct resource_id *id, struct text *printed,
          const struct registered **type, struct err *err)
{
    const struct resource_id_provider *p;
    const char *name;

    if (path_id(x, id, printed, err) < 0)
        return -1;
    p = &id->providers[0];
    name = arena_printf(x->arena, "%.*s/%.*s", TEXT_ARG(p->namespace), TEXT_ARG(p->levels[0].type));
    if (name == NULL)
        return err_memory(err);
    if (id->n == 0 || (*type = registered_type(rs, text_of(name))) == NULL)
        return err_code(err, ERR_NOT_FOUND, "InvalidResourceType",
                        "the resource type %.100s is not known here", name);
    return 0;
}

static int
not_found(const struct resource_id *id, const struct registered *type, struct err *err)
{
    return err_code(err, ERR_NOT_FOUND, "ResourceNotFound",
                    "The Resource '%.80s/%.*s' under resource group '%.*s' was not found.",
                    type->type->type, TEXT_ARG(text_first(id->providers[0].levels[0].name, 60)),
                    TEXT_ARG(text_first(id->group, 60)));
}

/* 0 found, 1 none. */
static int
load_old(struct exchange *x, struct resources *rs, struct text id, struct resource *out,
         struct err *err)
{
    return row_load(database_reader(rs->database), id, x->arena, out, err);
}

int
resource_get(void *room, struct exchange *x, struct err *err)
{
    struct resources *rs = room;
    const struct registered *type;
    struct resource_id id;
    struct text printed;
    OWN_RESOURCE r = { 0 };
    OWN_JSON doc = NULL;
    int none;

    if (addressed(rs, x, &id, &printed, &type, err) < 0 ||
        (none = load_old(x, rs, printed, &r, err)) < 0)
        return -1;
    if (none > 0)
        return not_found(&id, type, err);
    if ((doc = document_of(rs, x, &r, err)) == NULL)
        return -1;
    resource_answer(x, 200, doc);
    answer_fieldf(x, "ETag", "\"%.*s\"", TEXT_ARG(r.etag));
    return 0;
}

static int
load_group(struct resources *rs, struct exchange *x, const struct resource_id *id,
           struct resource *out, struct err *err)
{
    const struct resource_id group = { .subscription = id->subscription, .group = id->group };
    struct text printed;
    int none;

    if (print_id(&group, x->arena, &printed, err) < 0 ||
        (none = load_old(x, rs, printed, out, err)) < 0)
        return -1;
    if (none > 0)
        return err_code(err, ERR_NOT_FOUND, "ResourceGroupNotFound",
                        "Resource group '%.*s' could not be found.",
                        TEXT_ARG(text_first(id->group, 90)));
    if (text_is(out->provisioning_state, "Deleting"))
        return err_code(err, ERR_CONFLICT, "ResourceGroupBeingDeleted",
                        "Resource group '%.*s' is being deleted.",
                        TEXT_ARG(text_first(id->group, 90)));
    return 0;
}

static int
write_put(struct db *db, void *arg, struct err *err)
{
    const struct put *p = arg;
    const struct resource_type *t = p->type->type;
    struct text etag = p->old != NULL ? p->old->etag : TEXT("");

    if (row_same_etag(db, p->now->id, etag, err) < 0 || resource_put(db, p->now, err) < 0)
        return -1;
    return t->stored != NULL ? t->stored(p->type->room, db, p->old, p->now, err) : 0;
}

static int
answer_put(struct put *p, int status, struct err *err)
{
    OWN_JSON doc = document_of(p->rs, p->x, p->now, err);

    if (doc == NULL)
        return -1;
    resource_answer(p->x, status, doc);
    answer_fieldf(p->x, "ETag", "\"%.*s\"", TEXT_ARG(p->now->etag));
    if (goes_on(p->now->provisioning_state))
        return resources_operation(p->rs, p->x, p->now->id, err);
    return 0;
}

/* Check with the type, store, record, begin, answer. */
static int
store_put(struct put *p, int status, struct err *err)
{
    const struct resource_type *t = p->type->type;
    const struct exchange_note note = { .status = status,
                                        .detail =
                                            p->old == NULL ? TEXT("created") : TEXT("changed") };
    char *etag = arena_take(p->x->arena, ID_LEN + 1);

    if (etag == NULL)
        return err_memory(err);
    id_new(etag);
    p->now->etag = text_of(etag);
    p->now->provisioning_state = TEXT("Succeeded");
    p->now->changed_at_us = clock_now_us();
    if (t->accept != NULL && t->accept(p->type->room, p->x, p->old, p->now, err) < 0)
        return -1;
    if (exchange_change(p->x, write_put, p, &note, err) < 0)
        return -1;
    if (t->begun != NULL)
        t->begun(p->type->room, p->now);
    return answer_put(p, status, err);
}

static int
check_name(struct text name, struct err *err)
{
    if (name.n > NAME_MAX_CHARS)
        return err_code(err, ERR_INVALID, "InvalidResourceName",
                        "a resource name has at most %d characters", NAME_MAX_CHARS);
    return 0;
}

static int
check_location(const struct resource *old, struct text location, struct err *err)
{
    if (old == NULL || text_equal(old->location, location))
        return 0;
    return err_code(err, ERR_CONFLICT, "InvalidResourceLocation",
                    "The resource '%.*s' already exists in location '%.*s'; it cannot be put in "
                    "'%.*s'.",
                    TEXT_ARG(text_first(old->name, 60)), TEXT_ARG(text_first(old->location, 60)),
                    TEXT_ARG(text_first(location, 60)));
}

/* What the body says, over what there was; the trees are new or shared references. */
static int
fill(struct put *p, const json_t *body, struct text location, struct err *err)
{
    json_t *tags, *properties;
    struct resource *now = p->now;

    if (body_tags(body, &tags, err) < 0 ||
        json_want_object(body, "properties", &properties, err) < 0 ||
        body_location(body, p->x->arena, location, &now->location, err) < 0 ||
        check_location(p->old, now->location, err) < 0)
        return -1;
    now->tags = tags != NULL ? json_incref(tags) : json_object();
    now->properties = properties != NULL ? json_incref(properties) : json_object();
    now->extra = body_extra(body);
    if (now->tags == NULL || now->properties == NULL || now->extra == NULL)
        return err_memory(err);
    (void)json_object_del(now->properties, "provisioningState"); /* ours to say */
    return 0;
}

static int
check_not_deleting(const struct resource *old, struct err *err)
{
    if (old == NULL || !text_is(old->provisioning_state, "Deleting"))
        return 0;
    return err_code(err, ERR_CONFLICT, "Conflict",
                    "the resource is being deleted; try again when it is gone");
}

int
resource_replace(void *room, struct exchange *x, struct err *err)
{
    struct resources *rs = room;
    struct put p = { .rs = rs, .x = x };
    struct resource_id id;
    struct text printed;
    OWN_RESOURCE group = { 0 };
    OWN_RESOURCE old = { 0 };
    OWN_RESOURCE now = { 0 };
    OWN_JSON body = NULL;
    int none;

    if (addressed(rs, x, &id, &printed, &p.type, err) < 0 ||
        check_name(id.providers[0].levels[0].name, err) < 0 ||
        sent_document_read(x, &body, err) < 0 || load_group(rs, x, &id, &group, err) < 0 ||
        (none = load_old(x, rs, printed, &old, err)) < 0)
        return -1;
    p.old = none == 0 ? &old : NULL;
    p.now = &now;
    if (check_conditions(x, p.old, err) < 0 || check_not_deleting(p.old, err) < 0)
        return -1;
    now.id = none == 0 ? old.id : printed; /* P1: the spelling it was created with */
    now.name = none == 0 ? old.name : id.providers[0].levels[0].name;
    now.type = text_of(p.type->type->type);
    now.group = group.name;
    now.created_at_us = none == 0 ? old.created_at_us : clock_now_us();
    if (fill(&p, body, none == 0 ? old.location : group.location, err) < 0)
        return -1;
    if (none == 0)
        return store_put(&p, 200, err);
    return store_put(&p, p.type->type->created_status != 0 ? p.type->type->created_status : 201,
                     err);
}

static int
merge(struct put *p, const json_t *body, struct err *err)
{
    json_t *tags, *properties;
    OWN_JSON extra = NULL;
    struct resource *now = p->now;

    if (body_tags(body, &tags, err) < 0 ||
        json_want_object(body, "properties", &properties, err) < 0)
        return -1;
    now->tags = tags != NULL ? json_incref(tags) : json_incref(p->old->tags);
    now->properties = json_deep_copy(p->old->properties);
    now->extra = json_deep_copy(p->old->extra);
    extra = body_extra(body);
    if (now->properties == NULL || now->extra == NULL || extra == NULL)
        return err_memory(err);
    if (body_merge(now->extra, extra, err) < 0)
        return -1;
    if (properties == NULL)
        return 0;
    (void)json_object_del(properties, "provisioningState");
    return body_merge(now->properties, properties, err);
}

int
resource_patch(void *room, struct exchange *x, struct err *err)
{
    struct resources *rs = room;
    struct put p = { .rs = rs, .x = x };
    struct resource_id id;
    struct text printed;
    OWN_RESOURCE old = { 0 };
    OWN_RESOURCE now = { 0 };
    OWN_JSON body = NULL;
    int none;

    if (addressed(rs, x, &id, &printed, &p.type, err) < 0 ||
        sent_document_read(x, &body, err) < 0 || (none = load_old(x, rs, printed, &old, err)) < 0)
        return -1;
    if (none > 0)
        return not_found(&id, p.type, err);
    if (check_conditions(x, &old, err) < 0 || check_not_deleting(&old, err) < 0)
        return -1;
    now = old;
    now.tags = now.properties = now.extra = NULL;
    p.old = &old;
    p.now = &now;
    return merge(&p, body, err) < 0 ? -1 : store_put(&p, 200, err);
}

struct deletion {
    struct resources *rs;
    const struct resource *old;
    bool later; /* the type goes on with it after the answer */
};

static int
write_delete(struct db *db, void *arg, struct err *err)
{
    const struct deletion *d = arg;

    if (!d->later)
        return remove_row(d->rs, db, d->old, err);
    if (resource_set_state(db, d->old->id, "Deleting", err) == 0)
        return 0;
    if (err->kind != ERR_NOT_FOUND)
        return -1;
    err_clear(err); /* the work was faster than we */
    return 0;
}

static int
answer_deleted(struct deletion *d, struct exchange *x, struct err *err)
{
    OWN_JSON doc = NULL;

    if (d->later) {
        resource_answer(x, 202, NULL);
        return resources_operation(d->rs, x, d->old->id, err);
    }
    if ((doc = document_of(d->rs, x, d->old, err)) == NULL)
        return -1;
    resource_answer(x, 200, doc);
    return 0;
}

int
resource_delete(void *room, struct exchange *x, struct err *err)
{
    struct deletion d = { .rs = room };
    const struct registered *type;
    struct exchange_note note = { .detail = TEXT("deleted") };
    struct resource_id id;
    struct text printed;
    OWN_RESOURCE old = { 0 };
    int none, said = 0;

    if (addressed(room, x, &id, &printed, &type, err) < 0 ||
        (none = load_old(x, room, printed, &old, err)) < 0)
        return -1;
    if (none > 0) {
        resource_answer(x, 204, NULL);
        return 0;
    }
    d.old = &old;
    if (check_conditions(x, &old, err) < 0 ||
        (type->type->removing != NULL &&
         (said = type->type->removing(type->room, x, &old, err)) < 0))
        return -1;
    d.later = said > 0;
    note.status = d.later ? 202 : 200;
    if (exchange_change(x, write_delete, &d, &note, err) < 0 ||
        access_changed(x->world->access, err) < 0)
        return -1;
    return answer_deleted(&d, x, err);
}
