/* row.c - resources as rows of one table; the functions of resource.h that work inside a change. */
#include <string.h>

#include "access/access.h"
#include "base/buf.h"
#include "base/clock.h"
#include "resource/resource_priv.h"

#define COLUMNS                                                                                    \
    "id, name, type, grp, location, tags, properties, extra, etag, state, created_at_us, "         \
    "changed_at_us"

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

int
row_key(struct text id, struct row_key *out, struct err *err)
{
    if (id.n > RESOURCE_ID_MAX)
        return err_code(err, ERR_INVALID, "InvalidResourceId",
                        "a resource id has at most %d characters", RESOURCE_ID_MAX);
    for (size_t i = 0; i < id.n; i++)
        out->p[i] = lower(id.p[i]);
    out->p[id.n] = '\0';
    out->n = id.n;
    return 0;
}

static struct text
key_text(const struct row_key *k)
{
    return text_from(k->p, k->n);
}

static int
read_tree(struct db_rows *rows, int column, json_t **out, struct err *err)
{
    struct err inner = { 0 };

    if ((*out = json_read(db_text(rows, column), &inner)) != NULL)
        return 0;
    err_set(err, ERR_CORRUPT, "a stored resource is damaged");
    return err_note(err, "column %d of %.*s: %s", column, TEXT_ARG(db_text(rows, 0)), inner.msg);
}

static int
take_row(struct db_rows *rows, struct arena *arena, struct resource *out, struct err *err)
{
    OWN_RESOURCE r = { 0 };

    r.id = arena_text(arena, db_text(rows, 0));
    r.name = arena_text(arena, db_text(rows, 1));
    r.type = arena_text(arena, db_text(rows, 2));
    r.group = arena_text(arena, db_text(rows, 3));
    r.location = arena_text(arena, db_text(rows, 4));
    r.etag = arena_text(arena, db_text(rows, 8));
    r.provisioning_state = arena_text(arena, db_text(rows, 9));
    r.created_at_us = db_int(rows, 10);
    r.changed_at_us = db_int(rows, 11);
    if (arena_full(arena))
        return err_memory(err);
    if (read_tree(rows, 5, &r.tags, err) < 0 || read_tree(rows, 6, &r.properties, err) < 0 ||
        read_tree(rows, 7, &r.extra, err) < 0)
        return -1;
    *out = r;
    r.tags = r.properties = r.extra = NULL;
    return 0;
}

void
resource_done(struct resource *r)
{
    json_decref(r->tags);
    json_decref(r->properties);
    json_decref(r->extra);
    r->tags = r->properties = r->extra = NULL;
}

int
row_load(struct db *db, struct text id, struct arena *arena, struct resource *out, struct err *err)
{
    struct row_key key;
    DB_ROWS(rows);
    int found;

    if (row_key(id, &key, err) < 0)
        return -1;
    found = db_one(db, &rows, err, "SELECT " COLUMNS " FROM resource WHERE id_key = $1",
                   DB_TEXT(key_text(&key)));
    if (found <= 0)
        return found < 0 ? -1 : 1;
    return take_row(&rows, arena, out, err);
}

int
resources_get(struct resources *rs, struct text id, struct arena *arena, struct resource *out,
              struct err *err)
{
    return row_load(database_reader(rs->database), id, arena, out, err);
}

static const char *
list_sql(const struct row_filter *f)
{
    if (f->type.n > 0 && f->group.n > 0)
        return "SELECT " COLUMNS " FROM resource WHERE type_key = $1 AND grp_key = $2"
               " AND id_key > $3 ORDER BY id_key";
    if (f->type.n > 0)
        return "SELECT " COLUMNS " FROM resource WHERE type_key = $1 AND $2 = $2"
               " AND id_key > $3 ORDER BY id_key";
    if (f->group.n > 0)
        return "SELECT " COLUMNS " FROM resource WHERE $1 = $1 AND grp_key = $2"
               " AND id_key > $3 ORDER BY id_key";
    return "SELECT " COLUMNS " FROM resource WHERE $1 = $1 AND $2 = $2"
           " AND id_key > $3 ORDER BY id_key";
}

#define ROW_MEMORY ((size_t)64 * 1024)

int
row_each(struct db *db, const struct row_filter *f, resource_visit *visit, void *arg,
         struct err *err)
{
    OWN(arena) arena = arena_new(ROW_MEMORY);
    struct row_key type, group, after;
    DB_ROWS(rows);
    int more, said;

    if (arena == NULL)
        return err_memory(err);
    if (row_key(f->type, &type, err) < 0 || row_key(f->group, &group, err) < 0 ||
        row_key(f->after, &after, err) < 0)
        return -1;
    if (db_query(db, &rows, err, list_sql(f), DB_TEXT(key_text(&type)), DB_TEXT(key_text(&group)),
                 DB_TEXT(key_text(&after))) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0) {
        OWN_RESOURCE r = { 0 };

        arena_reset(arena);
        if (take_row(&rows, arena, &r, err) < 0 || (said = visit(arg, &r, err)) < 0)
            return -1;
        if (said > 0)
            return 0;
    }
    return more;
}

int
resources_each(struct resources *rs, const char *type, resource_visit *visit, void *arg,
               struct err *err)
{
    const struct row_filter f = { .type = text_of(type) };

    return row_each(database_reader(rs->database), &f, visit, arg, err);
}

int
row_same_etag(struct db *db, struct text id, struct text etag, struct err *err)
{
    struct row_key key;
    DB_ROWS(rows);
    int found;

    if (row_key(id, &key, err) < 0)
        return -1;
    found = db_one(db, &rows, err, "SELECT etag FROM resource WHERE id_key = $1",
                   DB_TEXT(key_text(&key)));
    if (found < 0)
        return -1;
    if (found == 0 ? etag.n == 0 : text_equal(db_text(&rows, 0), etag))
        return 0;
    return err_code(err, ERR_CONFLICT, "Conflict",
                    "the resource was changed by another request meanwhile; try again");
}

/* The JSON of one row, each text with its own length. */
struct trees {
    struct text tags;
    struct text properties;
    struct text extra;
};

static int
print_trees(const struct resource *r, struct buf *b, struct trees *out, struct err *err)
{
    size_t tags, properties;

    if (json_print(r->tags, b, err) < 0)
        return -1;
    tags = b->n;
    if (json_print(r->properties, b, err) < 0)
        return -1;
    properties = b->n;
    if (json_print(r->extra, b, err) < 0)
        return -1;
    out->tags = text_from(b->p, tags);
    out->properties = text_from(b->p + tags, properties - tags);
    out->extra = text_from(b->p + properties, b->n - properties);
    return 0;
}

static int
insert_row(struct db *db, const struct resource *r, const struct row_key *key,
           const struct trees *t, struct err *err)
{
    struct row_key name, type, group;

    if (row_key(r->name, &name, err) < 0 || row_key(r->type, &type, err) < 0 ||
        row_key(r->group, &group, err) < 0)
        return -1;
    return db_run(db, err,
                  "INSERT INTO resource(id_key, id, name, name_key, type, type_key, grp, grp_key,"
                  " location, tags, properties, extra, etag, state, created_at_us, changed_at_us)"
                  " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
                  DB_TEXT(key_text(key)), DB_TEXT(r->id), DB_TEXT(r->name),
                  DB_TEXT(key_text(&name)), DB_TEXT(r->type), DB_TEXT(key_text(&type)),
                  DB_TEXT(r->group), DB_TEXT(key_text(&group)), DB_TEXT(r->location),
                  DB_TEXT(t->tags), DB_TEXT(t->properties), DB_TEXT(t->extra), DB_TEXT(r->etag),
                  DB_TEXT(r->provisioning_state), DB_INT(r->created_at_us),
                  DB_INT(r->changed_at_us)) < 0
               ? -1
               : 0;
}

int
resource_put(struct db *db, const struct resource *r, struct err *err)
{
    OWN_BUF(b, 3 * RESOURCE_DOCUMENT_MAX);
    struct row_key key;
    struct trees t;
    int changed;

    if (row_key(r->id, &key, err) < 0 || print_trees(r, &b, &t, err) < 0)
        return -1;
    changed = db_run(db, err,
                     "UPDATE resource SET location = $1, tags = $2, properties = $3, extra = $4,"
                     " etag = $5, state = $6, changed_at_us = $7 WHERE id_key = $8",
                     DB_TEXT(r->location), DB_TEXT(t.tags), DB_TEXT(t.properties), DB_TEXT(t.extra),
                     DB_TEXT(r->etag), DB_TEXT(r->provisioning_state), DB_INT(r->changed_at_us),
                     DB_TEXT(key_text(&key)));
    if (changed != 0)
        return changed < 0 ? -1 : 0;
    return insert_row(db, r, &key, &t, err);
}

int
resource_set_state(struct db *db, struct text id, const char *state, struct err *err)
{
    struct row_key key;
    char etag[ID_LEN + 1];
    int changed;

    if (row_key(id, &key, err) < 0)
        return -1;
    id_new(etag);
    changed = db_run(db, err,
                     "UPDATE resource SET state = $1, etag = $2, changed_at_us = $3"
                     " WHERE id_key = $4",
                     DB_STR(state), DB_STR(etag), DB_INT(clock_now_us()), DB_TEXT(key_text(&key)));
    if (changed < 0)
        return -1;
    return changed > 0 ? 0
                       : err_code(err, ERR_NOT_FOUND, "ResourceNotFound",
                                  "there is no resource %.*s", TEXT_ARG(text_first(id, 160)));
}

/* A group that waits for its last resource goes with it. */
static int
remove_emptied_group(struct db *db, const struct resource_id *id, struct err *err)
{
    OWN_BUF(b, RESOURCE_ID_MAX);
    const struct resource_id group = { .subscription = id->subscription, .group = id->group };
    struct row_key key, name;
    int gone;

    resource_id_print(&group, &b);
    if (buf_check(&b, err) < 0 || row_key(buf_view(&b), &key, err) < 0 ||
        row_key(id->group, &name, err) < 0)
        return -1;
    gone = db_run(db, err,
                  "DELETE FROM resource WHERE id_key = $1 AND state = 'Deleting' AND NOT EXISTS"
                  " (SELECT 1 FROM resource AS r WHERE r.grp_key = $2 AND r.id_key <> $1)",
                  DB_TEXT(key_text(&key)), DB_TEXT(key_text(&name)));
    return gone > 0 ? access_forget(db, buf_view(&b), err) : gone;
}

int
resource_remove(struct db *db, struct text id, struct err *err)
{
    struct resource_id parsed;
    struct row_key key;

    if (row_key(id, &key, err) < 0 || resource_id_parse(id, &parsed, err) < 0 ||
        db_run(db, err, "DELETE FROM resource WHERE id_key = $1", DB_TEXT(key_text(&key))) < 0 ||
        access_forget(db, id, err) < 0)
        return -1;
    return parsed.n > 0 && parsed.group.n > 0 ? remove_emptied_group(db, &parsed, err) : 0;
}
