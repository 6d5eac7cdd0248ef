#include "registry/repository.h"

#include "wire/json.h"

int
repository_find(struct db *db, const struct place *place, struct repository *out, struct err *err)
{
    DB_ROWS(rows);
    int found = db_one(db, &rows, err,
                       "SELECT id, created_us, changed_us FROM repository"
                       " WHERE registry = $1 AND name = $2",
                       DB_TEXT(place->registry), DB_TEXT(place->repository));

    if (found <= 0)
        return found < 0 ? -1 : 1;
    *out = (struct repository){ db_int(&rows, 0), db_int(&rows, 1), db_int(&rows, 2) };
    return 0;
}

/* One writer at a time (W5), so the next number is nobody else's. */
static int
next_id(struct db *db, int64_t *id, struct err *err)
{
    DB_ROWS(rows);

    if (db_one(db, &rows, err, "SELECT coalesce(max(id), 0) + 1 FROM repository") < 0)
        return -1;
    *id = db_int(&rows, 0);
    return 0;
}

int
repository_ensure(struct db *db, const struct place *place, int64_t now_us, int64_t *id,
                  struct err *err)
{
    struct repository r;
    int found = repository_find(db, place, &r, err);

    if (found < 0)
        return -1;
    if (found == 0) {
        *id = r.id;
        return db_run(db, err, "UPDATE repository SET changed_us = $1 WHERE id = $2",
                      DB_INT(now_us), DB_INT(r.id)) < 0
                   ? -1
                   : 0;
    }
    if (next_id(db, id, err) < 0)
        return -1;
    return db_run(db, err,
                  "INSERT INTO repository (id, registry, name, created_us, changed_us)"
                  " VALUES ($1, $2, $3, $4, $5)",
                  DB_INT(*id), DB_TEXT(place->registry), DB_TEXT(place->repository), DB_INT(now_us),
                  DB_INT(now_us)) < 0
               ? -1
               : 0;
}

int
repository_remove(struct db *db, int64_t id, int *manifests, int *tags, struct err *err)
{
    struct db_value repository = DB_INT(id);

    *tags = db_run(db, err, "DELETE FROM tag WHERE repository = $1", repository);
    if (*tags < 0)
        return -1;
    *manifests = db_run(db, err, "DELETE FROM manifest WHERE repository = $1", repository);
    if (*manifests < 0)
        return -1;
    if (db_run(db, err, "DELETE FROM manifest_blob WHERE repository = $1", repository) < 0 ||
        db_run(db, err, "DELETE FROM manifest_child WHERE repository = $1", repository) < 0 ||
        db_run(db, err, "DELETE FROM repository_blob WHERE repository = $1", repository) < 0 ||
        db_run(db, err, "DELETE FROM repository WHERE id = $1", repository) < 0)
        return -1;
    return 0;
}

/* The rows are read one at a time: each removal changes what the next reading finds. */
int
repository_remove_all(struct db *db, struct text registry, struct err *err)
{
    int found, manifests, tags;

    for (;;) {
        int64_t id;
        {
            DB_ROWS(rows);

            found = db_one(db, &rows, err, "SELECT min(id) FROM repository WHERE registry = $1",
                           DB_TEXT(registry));
            if (found < 0)
                return -1;
            if (db_is_null(&rows, 0))
                return 0;
            id = db_int(&rows, 0);
        }
        if (repository_remove(db, id, &manifests, &tags, err) < 0)
            return -1;
    }
}

bool
page_take(struct page *page, struct text item, size_t taken)
{
    if (taken == page->n) {
        page->more = true;
        return false;
    }
    page->end = arena_text(page->arena, item);
    return true;
}

int
repository_names(struct db *db, struct text registry, struct page *page, json_t *names,
                 struct err *err)
{
    DB_ROWS(rows);
    size_t taken = 0;
    int more;

    if (db_query(db, &rows, err,
                 "SELECT name FROM repository r WHERE registry = $1 AND name > $2 AND EXISTS"
                 " (SELECT 1 FROM manifest m WHERE m.repository = r.id)"
                 " ORDER BY name LIMIT $3",
                 DB_TEXT(registry), DB_TEXT(page->last), DB_INT((int64_t)page->n + 1)) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0 && page_take(page, db_text(&rows, 0), taken)) {
        if (json_array_append_new(names, json_from(page->end)) < 0)
            return err_memory(err);
        taken++;
    }
    return more < 0 ? -1 : 0;
}

int
repository_blob_find(struct db *db, const struct place *place, const struct digest *digest,
                     uint64_t *size, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    size_t n = digest_text(digest, text);
    DB_ROWS(rows);
    int found =
        db_one(db, &rows, err,
               "SELECT b.size FROM repository r, repository_blob b"
               " WHERE r.registry = $1 AND r.name = $2"
               " AND b.repository = r.id AND b.digest = $3",
               DB_TEXT(place->registry), DB_TEXT(place->repository), DB_TEXT(text_from(text, n)));

    if (found <= 0)
        return found < 0 ? -1 : 1;
    *size = (uint64_t)db_int(&rows, 0);
    return 0;
}

int
repository_blob_add(struct db *db, int64_t id, const struct digest *digest, uint64_t size,
                    int64_t now_us, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    size_t n = digest_text(digest, text);

    return db_run(db, err,
                  "INSERT INTO repository_blob (repository, digest, size, added_us)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT (repository, digest) DO NOTHING",
                  DB_INT(id), DB_TEXT(text_from(text, n)), DB_INT((int64_t)size),
                  DB_INT(now_us)) < 0
               ? -1
               : 0;
}

int
repository_blob_remove(struct db *db, int64_t id, const struct digest *digest, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    size_t n = digest_text(digest, text);
    int gone = db_run(db, err, "DELETE FROM repository_blob WHERE repository = $1 AND digest = $2",
                      DB_INT(id), DB_TEXT(text_from(text, n)));

    return gone < 0 ? -1 : gone == 0;
}
