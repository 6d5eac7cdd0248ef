/*
 * manifest_row.h - stored manifests and the tags that point at them.
 *
 * Invariants:
 *   W1  a manifest is returned byte for byte as it was pushed, under its own digest;
 *   W2  a manifest is stored only when every blob and child it needs is in its repository;
 *   W3  a tag points at a manifest of its own repository; removing a manifest removes its tags;
 *   W4  a subject need not exist, and what refers to it stays when it goes.
 * Reading functions take any connection; the others run inside a change.
 */
#ifndef REGISTRY_MANIFEST_ROW_H
#define REGISTRY_MANIFEST_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/manifest_document.h"
#include "registry/registry.h"
#include "registry/repository.h"
#include "store/db.h"

/*
 * manifest_row_find(db, place, reference, with_bytes, arena, out, err): ${reference} is a digest or
 * a tag.  0; 1 none, or not even a possible reference.  Without bytes, out->bytes.n is the size and
 * out->bytes.p NULL.
 */
MUST_CHECK int manifest_row_find(struct db *db, const struct place *place, struct text reference,
                                 bool with_bytes, struct arena *arena, struct manifest *out,
                                 struct err *err);

/* What is to be stored. */
struct manifest_row {
    struct place place;
    struct digest digest;
    struct text bytes;
    const struct manifest_document *document;
    const struct text *tags;
    size_t n_tags;
    const char *pushed_by; /* a principal's id */
    int64_t now_us;
};

/* manifest_row_store(db, row, err): W2 is ERR_INVALID MANIFEST_BLOB_UNKNOWN. */
MUST_CHECK int manifest_row_store(struct db *db, const struct manifest_row *row, struct err *err);

/* 0, 1 none. */
MUST_CHECK int manifest_row_remove(struct db *db, int64_t repository, const struct digest *digest,
                                   struct err *err);
MUST_CHECK int manifest_row_untag(struct db *db, int64_t repository, struct text name,
                                  struct err *err);

/* manifest_row_tags(db, repository, page, names, err): in the order of their bytes, appended. */
MUST_CHECK int manifest_row_tags(struct db *db, int64_t repository, struct page *page,
                                 json_t *names, struct err *err);

/*
 * manifest_row_referrers(db, place, subject, artifact_type, page, items, err): descriptors of what
 * refers to ${subject}, by digest; ${artifact_type} with p NULL is no filter.
 */
MUST_CHECK int manifest_row_referrers(struct db *db, const struct place *place,
                                      const struct digest *subject, struct text artifact_type,
                                      struct page *page, json_t *items, struct err *err);

#endif /* REGISTRY_MANIFEST_ROW_H */
