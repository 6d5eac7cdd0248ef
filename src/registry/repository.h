/*
 * repository.h - rows of repositories, and which blobs each of them may serve.
 *
 * Reading functions take any connection; what changes runs inside a change (store/database.h).
 *
 * Invariants:
 *   R1  a repository begins with the first thing pushed to it, and its id is never another's while
 *       it exists;
 *   R2  a blob is served by the repositories it was pushed to or mounted into, and no other.
 */
#ifndef REGISTRY_REPOSITORY_H
#define REGISTRY_REPOSITORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "store/db.h"

/* Where: a repository of a registry. */
struct place {
    struct text registry; /* in lower case */
    struct text repository;
};

struct repository {
    int64_t id;
    int64_t created_us;
    int64_t changed_us;
};

/* A page of a sorted list: at most ${n} items behind ${last}. */
struct page {
    struct text last; /* exclusive; need not exist; empty: from the start */
    size_t n;
    struct arena *arena;
    struct text end; /* out: the last item taken */
    bool more;       /* out: there are items behind it */
};

/* repository_find(db, place, out, err): 0, 1 none. */
MUST_CHECK int repository_find(struct db *db, const struct place *place, struct repository *out,
                               struct err *err);

/* repository_ensure(db, place, now, id, err): find it or make it, and note the change. */
MUST_CHECK int repository_ensure(struct db *db, const struct place *place, int64_t now_us,
                                 int64_t *id, struct err *err);

/* repository_remove(db, id, manifests, tags, err): with everything in it; how many there were. */
MUST_CHECK int repository_remove(struct db *db, int64_t id, int *manifests, int *tags,
                                 struct err *err);

/* repository_remove_all(db, registry, err): every repository of a registry that is going. */
MUST_CHECK int repository_remove_all(struct db *db, struct text registry, struct err *err);

/* repository_names(db, registry, page, names, err): those with a manifest, appended to ${names}. */
MUST_CHECK int repository_names(struct db *db, struct text registry, struct page *page,
                                json_t *names, struct err *err);

/* repository_blob_find(db, place, digest, size, err): 0, 1 not served there (R2). */
MUST_CHECK int repository_blob_find(struct db *db, const struct place *place,
                                    const struct digest *digest, uint64_t *size, struct err *err);
MUST_CHECK int repository_blob_add(struct db *db, int64_t id, const struct digest *digest,
                                   uint64_t size, int64_t now_us, struct err *err);
MUST_CHECK int repository_blob_remove(struct db *db, int64_t id, const struct digest *digest,
                                      struct err *err); /* 0, 1 none */

/* page_take(page, rows, column, taken): is there room for this row?  Notes it as the end. */
bool page_take(struct page *page, struct text item, size_t taken);

#endif /* REGISTRY_REPOSITORY_H */
