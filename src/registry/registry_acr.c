/*
 * registry_acr.c - Azure's own view of a registry, /acr/v1/: what az acr repository and the Azure
 * SDKs ask.  Source: the containerregistry data plane, api-version 2021-07-01.
 *
 * Nothing can be locked yet, so every changeableAttributes says so.
 */
#include "registry/registry_priv.h"

#include "base/clock.h"
#include "registry/manifest_row.h"
#include "wire/json.h"
#include "wire/reference.h"

static json_t *
time_of(int64_t us)
{
    char text[CLOCK_TEXT_LEN + 1];

    clock_text(us, text);
    return json_string(text);
}

static json_t *
attributes(void)
{
    return json_pack("{s:b, s:b, s:b, s:b}", "deleteEnabled", 1, "writeEnabled", 1, "readEnabled",
                     1, "listEnabled", 1);
}

static int
answer(struct exchange *x, const json_t *document, struct err *err)
{
    if (document == NULL)
        return err_memory(err);
    registry_begin(x, 200);
    answer_document(x, document);
    return 0;
}

/* The repository of the path, or NAME_UNKNOWN. */
static int
need_repository(struct registry *registry, struct exchange *x, struct repository *out,
                struct err *err)
{
    struct place place;
    int found;

    if (registry_place(x, &place, err) < 0)
        return -1;
    found = repository_find(database_reader(registry->database), &place, out, err);
    if (found > 0)
        return err_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", "there is no repository \"%.*s\"",
                        TEXT_ARG(text_first(place.repository, 120)));
    return found;
}

int
registry_acr_catalog(void *room, struct exchange *x, struct err *err)
{
    return registry_catalog_list(room, x, err);
}

static int
count(struct db *db, const char *sql, int64_t repository, json_int_t *out, struct err *err)
{
    DB_ROWS(rows);

    if (db_one(db, &rows, err, sql, DB_INT(repository)) < 0)
        return -1;
    *out = db_int(&rows, 0);
    return 0;
}

int
registry_acr_repository(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct db *db = database_reader(registry->database);
    json_int_t manifests = 0, tags = 0;
    OWN_JSON document = NULL;
    struct repository r;

    if (need_repository(registry, x, &r, err) < 0 ||
        count(db, "SELECT count(*) FROM manifest WHERE repository = $1", r.id, &manifests, err) <
            0 ||
        count(db, "SELECT count(*) FROM tag WHERE repository = $1", r.id, &tags, err) < 0)
        return -1;
    document =
        json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "registry", json_from(x->service),
                  "imageName", json_from(exchange_param(x, "name")), "createdTime",
                  time_of(r.created_us), "lastUpdateTime", time_of(r.changed_us), "manifestCount",
                  manifests, "tagCount", tags, "changeableAttributes", attributes());
    return answer(x, document, err);
}

struct removal {
    struct place place;
    struct text tag; /* for one tag */
    int manifests;
    int tags;
};

static int
remove_repository(struct db *db, void *arg, struct err *err)
{
    struct removal *r = arg;
    struct repository repository;
    int found = repository_find(db, &r->place, &repository, err);

    if (found > 0)
        return err_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", "there is no such repository");
    if (found < 0)
        return -1;
    return repository_remove(db, repository.id, &r->manifests, &r->tags, err);
}

int
registry_acr_delete(void *room, struct exchange *x, struct err *err)
{
    const struct exchange_note note = { .status = 202, .detail = TEXT("repository deleted") };
    struct removal r = { 0 };
    OWN_JSON document = NULL;

    (void)room;
    if (registry_place(x, &r.place, err) < 0 ||
        exchange_change(x, remove_repository, &r, &note, err) < 0)
        return -1;
    document = json_pack("{s:i, s:i}", "manifestsDeleted", r.manifests, "tagsDeleted", r.tags);
    if (document == NULL)
        return err_memory(err);
    registry_begin(x, 202);
    answer_document(x, document);
    return 0;
}

static int
remove_tag(struct db *db, void *arg, struct err *err)
{
    const struct removal *r = arg;
    struct repository repository;
    int found = repository_find(db, &r->place, &repository, err);

    if (found == 0)
        found = manifest_row_untag(db, repository.id, r->tag, err);
    if (found > 0)
        return err_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", "there is no such tag");
    return found;
}

int
registry_acr_untag(void *room, struct exchange *x, struct err *err)
{
    const struct exchange_note note = { .status = 202, .detail = TEXT("tag deleted") };
    struct removal r = { .tag = exchange_param(x, "tag") };

    (void)room;
    if (registry_place(x, &r.place, err) < 0 || exchange_change(x, remove_tag, &r, &note, err) < 0)
        return -1;
    registry_begin(x, 202);
    return 0;
}

/* name, digest, created, changed */
static json_t *
tag_of(struct db_rows *rows)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o}", "name", json_from(db_text(rows, 0)),
                     "digest", json_from(db_text(rows, 1)), "createdTime", time_of(db_int(rows, 2)),
                     "lastUpdateTime", time_of(db_int(rows, 3)), "signed", 0,
                     "changeableAttributes", attributes());
}

/* Lists come in the order of names; Azure's orders by time are not offered. */
static int
acr_page(struct exchange *x, struct page *page, struct err *err)
{
    struct text order = exchange_query(x, "orderby");

    if (order.n > 0 && !text_is(order, "none"))
        return err_code(err, ERR_INVALID, "UNSUPPORTED",
                        "orderby=%.*s is not done here: leave it out",
                        TEXT_ARG(text_first(order, 40)));
    return registry_page(x, page, err);
}

static int
answer_items(struct exchange *x, const char *name, json_t *items, const struct page *page,
             struct err *err)
{
    OWN_JSON document = json_pack("{s:o, s:o, s:O}", "registry", json_from(x->service), "imageName",
                                  json_from(exchange_param(x, "name")), name, items);

    if (document == NULL)
        return err_memory(err);
    registry_begin(x, 200);
    if (page != NULL)
        registry_next(x, page);
    answer_document(x, document);
    return 0;
}

int
registry_acr_tags(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct text digest = exchange_query(x, "digest");
    OWN_JSON items = json_array();
    DB_ROWS(rows);
    struct repository r;
    struct page page;
    int more;

    if (items == NULL)
        return err_memory(err);
    if (need_repository(registry, x, &r, err) < 0 || acr_page(x, &page, err) < 0 ||
        db_query(database_reader(registry->database), &rows, err,
                 "SELECT name, digest, created_us, changed_us FROM tag"
                 " WHERE repository = $1 AND name > $2 AND ($3 IS NULL OR digest = $3)"
                 " ORDER BY name LIMIT $4",
                 DB_INT(r.id), DB_TEXT(page.last), digest.n > 0 ? DB_TEXT(digest) : DB_NULL,
                 DB_INT((int64_t)page.n + 1)) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0 &&
           page_take(&page, db_text(&rows, 0), json_array_size(items)))
        if (json_array_append_new(items, tag_of(&rows)) < 0)
            return err_memory(err);
    return more < 0 ? -1 : answer_items(x, "tags", items, &page, err);
}

int
registry_acr_tag(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct repository r;
    DB_ROWS(rows);
    int found;

    if (need_repository(registry, x, &r, err) < 0)
        return -1;
    found = db_one(database_reader(registry->database), &rows, err,
                   "SELECT name, digest, created_us, changed_us FROM tag"
                   " WHERE repository = $1 AND name = $2",
                   DB_INT(r.id), DB_TEXT(exchange_param(x, "tag")));
    if (found < 0)
        return -1;
    if (found == 0)
        return err_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", "there is no such tag");
    {
        OWN_JSON tag = tag_of(&rows);

        if (tag == NULL)
            return err_memory(err);
        return answer_items(x, "tag", tag, NULL, err);
    }
}

static json_t *
tags_of(struct db *db, int64_t repository, struct text digest, struct err *err)
{
    OWN_JSON names = json_array();
    DB_ROWS(rows);
    int more;

    if (names == NULL ||
        db_query(db, &rows, err,
                 "SELECT name FROM tag WHERE repository = $1 AND digest = $2"
                 " ORDER BY name LIMIT $3",
                 DB_INT(repository), DB_TEXT(digest), DB_INT(REGISTRY_PAGE_MAX)) < 0)
        return NULL;
    while ((more = db_next(&rows, err)) > 0)
        if (json_array_append_new(names, json_from(db_text(&rows, 0))) < 0)
            return NULL;
    return more < 0 ? NULL : GIVE(names);
}

/* digest, image_size, pushed, media_type */
static json_t *
manifest_of(struct db *db, int64_t repository, struct db_rows *rows, struct err *err)
{
    json_t *tags = tags_of(db, repository, db_text(rows, 0), err);

    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "digest", json_from(db_text(rows, 0)),
                     "imageSize", (json_int_t)db_int(rows, 1), "createdTime",
                     time_of(db_int(rows, 2)), "lastUpdateTime", time_of(db_int(rows, 2)),
                     "mediaType", json_from(db_text(rows, 3)), "tags", tags, "changeableAttributes",
                     attributes());
}

int
registry_acr_manifests(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct db *db = database_reader(registry->database);
    OWN_JSON items = json_array();
    struct repository r;
    DB_ROWS(rows);
    struct page page;
    int more;

    if (items == NULL)
        return err_memory(err);
    if (need_repository(registry, x, &r, err) < 0 || acr_page(x, &page, err) < 0 ||
        db_query(db, &rows, err,
                 "SELECT digest, image_size, pushed_us, media_type FROM manifest"
                 " WHERE repository = $1 AND digest > $2 ORDER BY digest LIMIT $3",
                 DB_INT(r.id), DB_TEXT(page.last), DB_INT((int64_t)page.n + 1)) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0 &&
           page_take(&page, db_text(&rows, 0), json_array_size(items)))
        if (json_array_append_new(items, manifest_of(db, r.id, &rows, err)) < 0)
            return err_memory(err);
    return more < 0 ? -1 : answer_items(x, "manifests", items, &page, err);
}

int
registry_acr_manifest(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct db *db = database_reader(registry->database);
    const struct digest *digest;
    OWN_JSON manifest = NULL;
    struct repository r;
    DB_ROWS(rows);
    int found;

    if (need_repository(registry, x, &r, err) < 0 ||
        registry_digest(x, exchange_param(x, "digest"), &digest, err) < 0)
        return -1;
    found = db_one(db, &rows, err,
                   "SELECT digest, image_size, pushed_us, media_type FROM manifest"
                   " WHERE repository = $1 AND digest = $2",
                   DB_INT(r.id), DB_TEXT(exchange_param(x, "digest")));
    if (found < 0)
        return -1;
    if (found == 0)
        return err_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", "there is no such manifest");
    if ((manifest = manifest_of(db, r.id, &rows, err)) == NULL)
        return err_memory(err);
    return answer_items(x, "manifest", manifest, NULL, err);
}
