/* registry_manifest.c - manifests over HTTP. */
#include "registry/registry_priv.h"

#include <string.h>

#include "base/clock.h"
#include "crypto/hasher.h"
#include "registry/manifest_document.h"
#include "registry/manifest_row.h"
#include "wire/reference.h"

#define TAGS_MAX 16 /* that one PUT by digest may set */

/* A tag, or a digest that is kept in the arena; anything else says what is wrong with it. */
static int
take_reference(struct exchange *x, struct text reference, const struct digest **digest,
               struct err *err)
{
    *digest = NULL;
    if (text_find(reference, ':') >= 0)
        return registry_digest(x, reference, digest, err);
    if (reference_tag_ok(reference))
        return 0;
    return err_code(err, ERR_INVALID, "TAG_INVALID", "\"%.*s\" is neither a tag nor a digest",
                    TEXT_ARG(text_first(reference, 140)));
}

/* "app:1" for the record; a digest has its own column. */
static void
note_target(struct exchange *x, struct text reference, bool is_tag)
{
    char *target;

    if (!is_tag)
        return;
    target = arena_take(x->arena, x->target.n + 1 + reference.n);
    if (target == NULL)
        return;
    memcpy(target, x->target.p, x->target.n);
    target[x->target.n] = ':';
    memcpy(target + x->target.n + 1, reference.p, reference.n);
    x->target = text_from(target, x->target.n + 1 + reference.n);
}

static int
no_such_manifest(struct registry *registry, const struct place *place, struct text reference,
                 struct err *err)
{
    struct repository repository;
    int found = repository_find(database_reader(registry->database), place, &repository, err);

    if (found < 0)
        return -1;
    if (found > 0)
        return err_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", "there is no repository \"%.*s\"",
                        TEXT_ARG(text_first(place->repository, 120)));
    return err_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", "there is no manifest \"%.*s\"",
                    TEXT_ARG(text_first(reference, 140)));
}

int
registry_manifest_get(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct text reference = exchange_param(x, "reference");
    const struct digest *digest;
    struct manifest *m = arena_take(x->arena, sizeof(*m));
    struct place place;
    int found;

    if (m == NULL)
        return err_memory(err);
    if (registry_place(x, &place, err) < 0 || take_reference(x, reference, &digest, err) < 0)
        return -1;
    note_target(x, reference, digest == NULL);
    found = manifest_row_find(database_reader(registry->database), &place, reference,
                              x->method != HTTP_HEAD, x->arena, m, err);
    if (found != 0)
        return found < 0 ? -1 : no_such_manifest(registry, &place, reference, err);
    x->digest = &m->digest;
    if (registry_not_modified(x, &m->digest))
        return 0;
    answer_field(x, "Content-Type", m->media_type);
    x->answer.body = m->bytes;
    x->answer.length = m->bytes.n;
    return 0;
}

/* PUT by digest: ?tag=a&tag=b set tags in the same transaction. */
static int
take_tags(struct exchange *x, struct manifest_row *row, struct err *err)
{
    struct text *tags = arena_take(x->arena, TAGS_MAX * sizeof(*tags));
    struct text tag;

    if (tags == NULL)
        return err_memory(err);
    for (size_t i = 0; url_query_get(&x->query, "tag", i, &tag); i++) {
        if (i == TAGS_MAX)
            return err_code(err, ERR_INVALID, "TAG_INVALID", "at most %d tags at once", TAGS_MAX);
        if (!reference_tag_ok(tag))
            return err_code(err, ERR_INVALID, "TAG_INVALID", "\"%.*s\" is not a tag",
                            TEXT_ARG(text_first(tag, 140)));
        tags[row->n_tags++] = tag;
    }
    row->tags = tags;
    return 0;
}

/* The manifest's name is the digest of its bytes: the client's algorithm, or SHA-256 for a tag. */
static int
take_digest(struct exchange *x, struct manifest_row *row, struct text reference,
            struct text *single, struct err *err)
{
    const struct digest *wanted;

    if (take_reference(x, reference, &wanted, err) < 0)
        return -1;
    hasher_of(wanted != NULL ? wanted->algorithm : DIGEST_SHA256, row->bytes.p, row->bytes.n,
              &row->digest);
    if (wanted == NULL) {
        *single = reference;
        row->tags = single;
        row->n_tags = 1;
        return 0;
    }
    if (!digest_equal(wanted, &row->digest))
        return err_code(err, ERR_INVALID, "DIGEST_INVALID",
                        "the manifest's bytes do not have the digest in the path");
    return take_tags(x, row, err);
}

static int
store(struct db *db, void *arg, struct err *err)
{
    return manifest_row_store(db, arg, err);
}

static void
answer_stored(struct exchange *x, const struct manifest_row *row)
{
    char text[DIGEST_TEXT_MAX + 1];

    (void)digest_text(&row->digest, text);
    registry_begin(x, 201);
    answer_fieldf(x, "Location", "/v2/%.*s/manifests/%s", TEXT_ARG(row->place.repository), text);
    registry_field_digest(x, "Docker-Content-Digest", &row->digest);
    if (row->document->has_subject)
        registry_field_digest(x, "OCI-Subject", &row->document->subject);
    if (text_find(exchange_param(x, "reference"), ':') >= 0)
        for (size_t i = 0; i < row->n_tags; i++)
            answer_field(x, "OCI-Tag", row->tags[i]);
}

int
registry_manifest_put(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct text reference = exchange_param(x, "reference");
    struct manifest_document document;
    struct manifest_row *row = arena_take(x->arena, sizeof(*row));
    struct text single;

    if (row == NULL)
        return err_memory(err);
    if (registry_place(x, &row->place, err) < 0 || exchange_body(x, &row->bytes, err) < 0)
        return -1;
    if (row->bytes.n > registry->settings.max_manifest_bytes)
        return err_code(err, ERR_TOO_LARGE, "MANIFEST_INVALID",
                        "a manifest may have at most %llu bytes",
                        (unsigned long long)registry->settings.max_manifest_bytes);
    if (take_digest(x, row, reference, &single, err) < 0)
        return -1;
    x->digest = &row->digest;
    note_target(x, reference, text_find(reference, ':') < 0);
    if (manifest_document_read(row->bytes, exchange_header(x, "content-type"), x->arena, &document,
                               err) < 0)
        return -1;
    row->document = &document;
    row->pushed_by = x->caller.id;
    row->now_us = clock_now_us();
    if (exchange_change(x, store, row,
                        &(struct exchange_note){ .status = 201,
                                                 .digest = &row->digest,
                                                 .detail = TEXT("manifest pushed") },
                        err) < 0)
        return -1;
    answer_stored(x, row);
    return 0;
}

struct removal {
    struct place place;
    const struct digest *digest; /* NULL: only the tag */
    struct text tag;
};

static int
remove_manifest(struct db *db, void *arg, struct err *err)
{
    const struct removal *r = arg;
    struct repository repository;
    int found = repository_find(db, &r->place, &repository, err);

    if (found == 0)
        found = r->digest != NULL ? manifest_row_remove(db, repository.id, r->digest, err)
                                  : manifest_row_untag(db, repository.id, r->tag, err);
    if (found > 0)
        return err_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN",
                        "there is no such %s in this repository",
                        r->digest != NULL ? "manifest" : "tag");
    return found;
}

int
registry_manifest_delete(void *room, struct exchange *x, struct err *err)
{
    struct removal r = { .tag = exchange_param(x, "reference") };

    (void)room;
    if (registry_place(x, &r.place, err) < 0 || take_reference(x, r.tag, &r.digest, err) < 0)
        return -1;
    note_target(x, r.tag, r.digest == NULL);
    if (exchange_change(
            x, remove_manifest, &r,
            &(struct exchange_note){
                .status = 202,
                .digest = r.digest,
                .detail = r.digest != NULL ? TEXT("manifest deleted") : TEXT("tag deleted"),
            },
            err) < 0)
        return -1;
    registry_begin(x, 202);
    return 0;
}
