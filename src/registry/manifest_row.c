#include "registry/manifest_row.h"

#include "wire/json.h"
#include "wire/reference.h"

/* A list of descriptors with their annotations grows no larger than a manifest may. */
#define REFERRERS_BYTES_MAX MANIFEST_BYTES_MAX

#define FIND_BY_DIGEST                                                                             \
    " FROM repository r, manifest m WHERE r.registry = $1 AND r.name = $2"                         \
    " AND m.repository = r.id AND m.digest = $3"
#define FIND_BY_TAG                                                                                \
    " FROM repository r, tag t, manifest m WHERE r.registry = $1 AND r.name = $2"                  \
    " AND t.repository = r.id AND t.name = $3 AND m.repository = r.id AND m.digest = t.digest"

/* One select each, however it is asked for: this is what every pull begins with. */
static const char *
find_statement(bool by_digest, bool with_bytes)
{
    if (by_digest)
        return with_bytes ? "SELECT m.digest, m.media_type, m.size, m.bytes" FIND_BY_DIGEST
                          : "SELECT m.digest, m.media_type, m.size" FIND_BY_DIGEST;
    return with_bytes ? "SELECT m.digest, m.media_type, m.size, m.bytes" FIND_BY_TAG
                      : "SELECT m.digest, m.media_type, m.size" FIND_BY_TAG;
}

int
manifest_row_find(struct db *db, const struct place *place, struct text reference, bool with_bytes,
                  struct arena *arena, struct manifest *out, struct err *err)
{
    struct manifest found = { 0 };
    DB_ROWS(rows);
    int n = db_one(db, &rows, err, find_statement(text_find(reference, ':') >= 0, with_bytes),
                   DB_TEXT(place->registry), DB_TEXT(place->repository), DB_TEXT(reference));

    if (n <= 0)
        return n < 0 ? -1 : 1;
    if (digest_parse(&found.digest, db_text(&rows, 0), err) < 0)
        return -1;
    found.media_type = arena_text(arena, db_text(&rows, 1));
    found.bytes.n = (size_t)db_int(&rows, 2);
    if (with_bytes)
        found.bytes = arena_text(arena, db_blob(&rows, 3));
    if (arena_full(arena))
        return err_memory(err);
    *out = found;
    return 0;
}

/* W2 for one reference: it is there, and as large as the manifest says. */
static int
need(struct db *db, const char *sql, int64_t repository, const char *what,
     const struct manifest_reference *reference, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    size_t n = digest_text(&reference->digest, text);
    DB_ROWS(rows);
    int found = db_one(db, &rows, err, sql, DB_INT(repository), DB_TEXT(text_from(text, n)));

    if (found < 0)
        return -1;
    if (found == 0 && reference->elsewhere)
        return 0;
    if (found == 0)
        return err_code(err, ERR_INVALID, "MANIFEST_BLOB_UNKNOWN",
                        "the %s %s is not in this repository: push it first", what, text);
    if ((uint64_t)db_int(&rows, 0) != reference->size)
        return err_code(err, ERR_INVALID, "MANIFEST_INVALID",
                        "the manifest gives %s %s %llu bytes but it has %lld", what, text,
                        (unsigned long long)reference->size, (long long)db_int(&rows, 0));
    return 0;
}

static int
note_reference(struct db *db, const char *sql, int64_t repository, struct text manifest,
               const struct digest *digest, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    size_t n = digest_text(digest, text);

    return db_run(db, err, sql, DB_INT(repository), DB_TEXT(manifest),
                  DB_TEXT(text_from(text, n))) < 0
               ? -1
               : 0;
}

static int
store_references(struct db *db, const struct manifest_row *row, int64_t repository,
                 struct text digest, bool is_new, struct err *err)
{
    const struct manifest_document *d = row->document;
    bool image = d->kind == MANIFEST_IMAGE;
    const char *find =
        image ? "SELECT size FROM repository_blob WHERE repository = $1 AND digest = $2"
              : "SELECT size FROM manifest WHERE repository = $1 AND digest = $2";
    const char *note =
        image ? "INSERT INTO manifest_blob (repository, manifest, digest) VALUES ($1, $2, $3)"
              : "INSERT INTO manifest_child (repository, manifest, digest) VALUES ($1, $2, $3)";

    for (size_t i = 0; i < d->n_references; i++) {
        if (need(db, find, repository, image ? "blob" : "manifest", &d->references[i], err) < 0)
            return -1;
        if (is_new &&
            note_reference(db, note, repository, digest, &d->references[i].digest, err) < 0)
            return -1;
    }
    return 0;
}

static int
insert_manifest(struct db *db, const struct manifest_row *row, int64_t repository,
                struct text digest, struct err *err)
{
    const struct manifest_document *d = row->document;
    char text[DIGEST_TEXT_MAX + 1];
    struct db_value subject = DB_NULL, artifact_type = DB_NULL;

    if (d->has_subject)
        subject = DB_TEXT(text_from(text, digest_text(&d->subject, text)));
    if (d->artifact_type.p != NULL)
        artifact_type = DB_TEXT(d->artifact_type);
    /* The same bytes again are the same manifest (W1): who pushed it first stays on record. */
    return db_run(db, err,
                  "INSERT INTO manifest (repository, digest, media_type, size, image_size, subject,"
                  " artifact_type, pushed_us, pushed_by, bytes)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                  " ON CONFLICT (repository, digest) DO NOTHING",
                  DB_INT(repository), DB_TEXT(digest), DB_STR(d->media_type),
                  DB_INT((int64_t)row->bytes.n), DB_INT((int64_t)d->image_size), subject,
                  artifact_type, DB_INT(row->now_us), DB_STR(row->pushed_by),
                  DB_BLOB(row->bytes.p, row->bytes.n));
}

static int
put_tag(struct db *db, int64_t repository, struct text name, struct text digest, int64_t now_us,
        struct err *err)
{
    return db_run(db, err,
                  "INSERT INTO tag (repository, name, digest, created_us, changed_us)"
                  " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (repository, name) DO UPDATE"
                  " SET digest = excluded.digest, changed_us = excluded.changed_us",
                  DB_INT(repository), DB_TEXT(name), DB_TEXT(digest), DB_INT(now_us),
                  DB_INT(now_us)) < 0
               ? -1
               : 0;
}

int
manifest_row_store(struct db *db, const struct manifest_row *row, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    struct text digest = text_from(text, digest_text(&row->digest, text));
    int64_t repository;
    int inserted;

    if (repository_ensure(db, &row->place, row->now_us, &repository, err) < 0)
        return -1;
    if ((inserted = insert_manifest(db, row, repository, digest, err)) < 0 ||
        store_references(db, row, repository, digest, inserted > 0, err) < 0)
        return -1;
    for (size_t i = 0; i < row->n_tags; i++)
        if (put_tag(db, repository, row->tags[i], digest, row->now_us, err) < 0)
            return -1;
    return 0;
}

int
manifest_row_remove(struct db *db, int64_t repository, const struct digest *digest, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    struct db_value of = DB_INT(repository);
    struct db_value name = DB_TEXT(text_from(text, digest_text(digest, text)));
    int gone =
        db_run(db, err, "DELETE FROM manifest WHERE repository = $1 AND digest = $2", of, name);

    if (gone <= 0)
        return gone < 0 ? -1 : 1;
    if (db_run(db, err, "DELETE FROM tag WHERE repository = $1 AND digest = $2", of, name) < 0 ||
        db_run(db, err, "DELETE FROM manifest_blob WHERE repository = $1 AND manifest = $2", of,
               name) < 0 ||
        db_run(db, err, "DELETE FROM manifest_child WHERE repository = $1 AND manifest = $2", of,
               name) < 0)
        return -1;
    return 0;
}

int
manifest_row_untag(struct db *db, int64_t repository, struct text name, struct err *err)
{
    int gone = db_run(db, err, "DELETE FROM tag WHERE repository = $1 AND name = $2",
                      DB_INT(repository), DB_TEXT(name));

    return gone < 0 ? -1 : gone == 0;
}

int
manifest_row_tags(struct db *db, int64_t repository, struct page *page, json_t *names,
                  struct err *err)
{
    DB_ROWS(rows);
    size_t taken = 0;
    int more;

    if (db_query(db, &rows, err,
                 "SELECT name FROM tag WHERE repository = $1 AND name > $2 ORDER BY name LIMIT $3",
                 DB_INT(repository), DB_TEXT(page->last), DB_INT((int64_t)page->n + 1)) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0 && page_take(page, db_text(&rows, 0), taken)) {
        if (json_array_append_new(names, json_from(page->end)) < 0)
            return err_memory(err);
        taken++;
    }
    return more < 0 ? -1 : 0;
}

/* digest, media_type, size, artifact_type, bytes */
static int
descriptor_of(struct db_rows *rows, json_t *items, struct err *err)
{
    OWN_JSON document = json_read(db_blob(rows, 4), err);
    json_t *annotations;
    OWN_JSON item = NULL;

    if (document == NULL)
        return -1;
    item = json_pack("{s:o, s:o, s:I}", "mediaType", json_from(db_text(rows, 1)), "digest",
                     json_from(db_text(rows, 0)), "size", (json_int_t)db_int(rows, 2));
    if (item == NULL)
        return err_memory(err);
    if (!db_is_null(rows, 3) &&
        json_object_set_new(item, "artifactType", json_from(db_text(rows, 3))) < 0)
        return err_memory(err);
    annotations = json_object_get(document, "annotations");
    if (json_is_object(annotations) && json_object_set(item, "annotations", annotations) < 0)
        return err_memory(err);
    return json_array_append_new(items, GIVE(item)) < 0 ? err_memory(err) : 0;
}

int
manifest_row_referrers(struct db *db, const struct place *place, const struct digest *subject,
                       struct text artifact_type, struct page *page, json_t *items, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    struct text of = text_from(text, digest_text(subject, text));
    struct db_value type = artifact_type.p != NULL ? DB_TEXT(artifact_type) : DB_NULL;
    DB_ROWS(rows);
    size_t taken = 0, bytes = 0;
    int more;

    if (db_query(db, &rows, err,
                 "SELECT m.digest, m.media_type, m.size, m.artifact_type, m.bytes"
                 " FROM repository r, manifest m WHERE r.registry = $1 AND r.name = $2"
                 " AND m.repository = r.id AND m.subject = $3 AND m.digest > $4"
                 " AND ($5 IS NULL OR m.artifact_type = $5) ORDER BY m.digest LIMIT $6",
                 DB_TEXT(place->registry), DB_TEXT(place->repository), DB_TEXT(of),
                 DB_TEXT(page->last), type, DB_INT((int64_t)page->n + 1)) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0) {
        /* A document's size bounds its annotations'; the first is always taken. */
        bytes += (size_t)db_int(&rows, 2);
        if (taken > 0 && bytes > REFERRERS_BYTES_MAX)
            page->n = taken;
        if (!page_take(page, db_text(&rows, 0), taken))
            break;
        if (descriptor_of(&rows, items, err) < 0)
            return -1;
        taken++;
    }
    return more < 0 ? -1 : 0;
}
