/* group.c - resource groups: made like any resource, deleted with all that is in them. */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "resource/resource_priv.h"

#define GROUP_NAME_MAX 90
#define REASONS_MAX    20

static int
load_group(struct resources *rs, struct exchange *x, struct text *printed, struct resource *out,
           struct err *err)
{
    struct resource_id id;

    if (path_id(x, &id, printed, err) < 0)
        return -1;
    return row_load(database_reader(rs->database), *printed, x->arena, out, err);
}

static int
not_found(const struct exchange *x, struct err *err)
{
    return err_code(err, ERR_NOT_FOUND, "ResourceGroupNotFound",
                    "Resource group '%.*s' could not be found.",
                    TEXT_ARG(text_first(exchange_param(x, "group"), 90)));
}

static int
answer_group(struct resources *rs, struct exchange *x, const struct resource *r, int status,
             struct err *err)
{
    OWN_JSON doc = document_of(rs, x, r, err);

    if (doc == NULL)
        return -1;
    resource_answer(x, status, doc);
    answer_fieldf(x, "ETag", "\"%.*s\"", TEXT_ARG(r->etag));
    return 0;
}

int
group_get(void *room, struct exchange *x, struct err *err)
{
    struct text printed;
    OWN_RESOURCE r = { 0 };
    int none = load_group(room, x, &printed, &r, err);

    if (none != 0)
        return none < 0 ? -1 : not_found(x, err);
    return answer_group(room, x, &r, 200, err);
}

int
group_head(void *room, struct exchange *x, struct err *err)
{
    struct text printed;
    OWN_RESOURCE r = { 0 };
    int none = load_group(room, x, &printed, &r, err);

    if (none != 0)
        return none < 0 ? -1 : not_found(x, err);
    resource_answer(x, 204, NULL);
    return 0;
}

/* Letters, digits, "_", "-", ".", "(" and ")", not ending in a dot. */
static int
check_name(struct text name, struct err *err)
{
    bool good = name.n > 0 && name.n <= GROUP_NAME_MAX && !text_ends(name, ".");

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || strchr("_-.()", c) != NULL);
    }
    return good ? 0
                : err_code(err, ERR_INVALID, "InvalidParameter",
                           "the name of a resource group has 1 to %d letters, digits, or _-.() "
                           "and does not end with a dot",
                           GROUP_NAME_MAX);
}

struct put {
    const struct resource *old; /* NULL: it creates */
    const struct resource *now;
};

static int
write_put(struct db *db, void *arg, struct err *err)
{
    const struct put *p = arg;

    if (row_same_etag(db, p->now->id, p->old != NULL ? p->old->etag : TEXT(""), err) < 0)
        return -1;
    return resource_put(db, p->now, err);
}

static int
fill(struct exchange *x, const json_t *body, const struct resource *old, struct resource *now,
     struct err *err)
{
    struct text location = old != NULL ? old->location : TEXT("local");
    char *etag = arena_take(x->arena, ID_LEN + 1);
    json_t *tags;

    if (etag == NULL)
        return err_memory(err);
    if (body_tags(body, &tags, err) < 0 ||
        body_location(body, x->arena, location, &now->location, err) < 0)
        return -1;
    if (old != NULL && !text_equal(old->location, now->location))
        return err_code(err, ERR_CONFLICT, "InvalidResourceGroupLocation",
                        "Invalid resource group location '%.*s'. The Resource group already exists "
                        "in location '%.*s'.",
                        TEXT_ARG(text_first(now->location, 60)),
                        TEXT_ARG(text_first(old->location, 60)));
    id_new(etag);
    now->etag = text_of(etag);
    now->changed_at_us = clock_now_us();
    now->provisioning_state = TEXT("Succeeded");
    now->tags = tags != NULL ? json_incref(tags) : NULL;
    now->properties = json_object();
    now->extra = body_extra(body);
    return now->properties != NULL && now->extra != NULL ? 0 : err_memory(err);
}

static int
put_group(struct resources *rs, struct exchange *x, bool patch, struct err *err)
{
    OWN_RESOURCE old = { 0 };
    OWN_RESOURCE now = { 0 };
    OWN_JSON body = NULL;
    struct text name = exchange_param(x, "group"), printed;
    struct put p = { NULL, &now };
    struct exchange_note note = { .detail = TEXT("changed") };
    int none;

    if (check_name(name, err) < 0 || sent_document_read(x, &body, err) < 0 ||
        (none = load_group(rs, x, &printed, &old, err)) < 0)
        return -1;
    if (none > 0 && patch)
        return not_found(x, err);
    p.old = none == 0 ? &old : NULL;
    if (check_conditions(x, p.old, err) < 0)
        return -1;
    if (p.old != NULL && text_is(old.provisioning_state, "Deleting"))
        return err_code(err, ERR_CONFLICT, "ResourceGroupBeingDeleted",
                        "Resource group '%.*s' is being deleted.", TEXT_ARG(text_first(name, 90)));
    now.id = none == 0 ? old.id : printed;
    now.name = now.group = none == 0 ? old.name : name;
    now.type = TEXT(TYPE_GROUP);
    now.created_at_us = none == 0 ? old.created_at_us : clock_now_us();
    if (fill(x, body, p.old, &now, err) < 0)
        return -1;
    if (now.tags == NULL)
        now.tags = patch ? json_incref(old.tags) : json_object();
    note.status = p.old == NULL ? 201 : 200;
    if (p.old == NULL)
        note.detail = TEXT("created");
    if (exchange_change(x, write_put, &p, &note, err) < 0)
        return -1;
    return answer_group(rs, x, &now, note.status, err);
}

int
group_put(void *room, struct exchange *x, struct err *err)
{
    return put_group(room, x, false, err);
}

int
group_patch(void *room, struct exchange *x, struct err *err)
{
    return put_group(room, x, true, err);
}

/* What is in a group, copied: rows cannot be removed while they are being read. */
struct content {
    struct exchange *x;
    struct text *ids;
    size_t n;
    size_t cap;
};

#define CONTENT_MAX 2000

static int
note_id(void *arg, const struct resource *r, struct err *err)
{
    struct content *c = arg;

    if (text_is_nocase(r->type, TYPE_GROUP))
        return 0;
    if (c->n == CONTENT_MAX)
        return err_code(err, ERR_CONFLICT, "ResourceGroupDeletionBlocked",
                        "the group holds more than %d resources; delete some of them first",
                        CONTENT_MAX);
    c->ids[c->n] = arena_text(c->x->arena, r->id);
    return c->ids[c->n++].p != NULL ? 0 : err_memory(err);
}

struct removal {
    struct resources *rs;
    const struct resource *r;
    bool later;
};

static int
write_removal(struct db *db, void *arg, struct err *err)
{
    const struct removal *m = arg;

    if (!m->later)
        return remove_row(m->rs, db, m->r, err);
    if (resource_set_state(db, m->r->id, "Deleting", err) == 0)
        return 0;
    if (err->kind != ERR_NOT_FOUND)
        return -1;
    err_clear(err);
    return 0;
}

/* One resource of the group: 0 gone, 1 going, -1 it cannot be. */
static int
remove_one(struct resources *rs, struct exchange *x, struct text id, struct err *err)
{
    struct removal m = { .rs = rs };
    struct exchange_note note = { .detail = TEXT("deleted with its group") };
    const struct registered *t;
    OWN_RESOURCE r = { 0 };
    int said = 0, none = row_load(database_reader(rs->database), id, x->arena, &r, err);

    if (none != 0)
        return none < 0 ? -1 : 0;
    t = registered_type(rs, r.type);
    if (t != NULL && t->type->removing != NULL &&
        (said = t->type->removing(t->room, x, &r, err)) < 0)
        return -1;
    m.r = &r;
    m.later = said > 0;
    note.target = r.id;
    note.status = m.later ? 202 : 200;
    if (exchange_change(x, write_removal, &m, &note, err) < 0 ||
        access_changed(x->world->access, err) < 0)
        return -1;
    return m.later ? 1 : 0;
}

/* All that can go goes; what cannot is named. */
static int
remove_content(struct resources *rs, struct exchange *x, const struct content *c, bool *later,
               struct err *err)
{
    OWN_BUF(reasons, 8192);
    size_t refused = 0;

    for (size_t i = 0; i < c->n; i++) {
        struct err one = { 0 };
        int said = remove_one(rs, x, c->ids[i], &one);

        *later = *later || said > 0;
        if (said >= 0)
            continue;
        if (++refused <= REASONS_MAX)
            buf_printf(&reasons, "%s%.*s (%s)", refused > 1 ? "; " : "", TEXT_ARG(c->ids[i]),
                       one.msg);
    }
    if (refused == 0)
        return 0;
    return err_code(err, ERR_CONFLICT, "ResourceGroupDeletionBlocked",
                    "%zu resources of the group cannot be deleted: %.*s", refused,
                    TEXT_ARG(text_first(buf_view(&reasons), 200)));
}

/* Nothing may have come into it meanwhile; what still goes takes the group with it at the end. */
static int
write_group_removal(struct db *db, void *arg, struct err *err)
{
    const struct removal *m = arg;
    struct row_key key, name;
    DB_ROWS(rows);
    int found;

    if (row_key(m->r->id, &key, err) < 0 || row_key(m->r->name, &name, err) < 0)
        return -1;
    found = db_one(db, &rows, err,
                   "SELECT id FROM resource WHERE grp_key = $1 AND id_key <> $2 AND"
                   " state <> 'Deleting' LIMIT 1",
                   DB_TEXT(text_from(name.p, name.n)), DB_TEXT(text_from(key.p, key.n)));
    if (found < 0)
        return -1;
    if (found > 0)
        return err_code(err, ERR_CONFLICT, "ResourceGroupDeletionBlocked",
                        "%.*s came into the group meanwhile; delete the group again",
                        TEXT_ARG(text_first(db_text(&rows, 0), 160)));
    db_done(&rows);
    found =
        db_one(db, &rows, err, "SELECT 1 FROM resource WHERE grp_key = $1 AND id_key <> $2 LIMIT 1",
               DB_TEXT(text_from(name.p, name.n)), DB_TEXT(text_from(key.p, key.n)));
    if (found < 0)
        return -1;
    db_done(&rows);
    return found > 0 ? resource_set_state(db, m->r->id, "Deleting", err)
                     : resource_remove(db, m->r->id, err);
}

int
group_delete(void *room, struct exchange *x, struct err *err)
{
    struct resources *rs = room;
    struct content c = { .x = x };
    struct removal m = { .rs = rs };
    struct exchange_note note = { .detail = TEXT("deleted") };
    struct row_filter f = { .type = TEXT("") };
    struct text printed;
    OWN_RESOURCE r = { 0 };
    int none = load_group(rs, x, &printed, &r, err);

    if (none != 0)
        return none < 0 ? -1 : not_found(x, err);
    if ((c.ids = arena_take(x->arena, CONTENT_MAX * sizeof(*c.ids))) == NULL)
        return err_memory(err);
    f.group = r.name;
    if (row_each(database_reader(rs->database), &f, note_id, &c, err) < 0 ||
        remove_content(rs, x, &c, &m.later, err) < 0)
        return -1;
    m.r = &r;
    note.status = m.later ? 202 : 200;
    if (exchange_change(x, write_group_removal, &m, &note, err) < 0 ||
        access_changed(x->world->access, err) < 0)
        return -1;
    resource_answer(x, note.status, NULL);
    return m.later ? resources_operation(rs, x, r.id, err) : 0;
}
