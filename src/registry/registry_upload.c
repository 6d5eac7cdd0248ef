/* registry_upload.c - blobs coming in: sessions, single requests, and mounts. */
#include "registry/registry_priv.h"

#include "base/clock.h"
#include "registry/upload_id.h"
#include "store/blob.h"
#include "store/upload.h"
#include "wire/reference.h"

static ssize_t
from_client(void *ctx, void *p, size_t max, struct err *err)
{
    return exchange_read(ctx, p, max, err);
}

/* An unknown session and one of another repository look alike. */
static int
no_such_upload(struct err *err)
{
    return err_code(err, ERR_NOT_FOUND, "BLOB_UPLOAD_UNKNOWN",
                    "there is no such upload in this repository");
}

void
registry_upload_where(struct exchange *x, struct text id, uint64_t size)
{
    answer_fieldf(x, "Location", "/v2/%.*s/blobs/uploads/%.*s", TEXT_ARG(exchange_param(x, "name")),
                  TEXT_ARG(id));
    answer_fieldf(x, "Range", "0-%llu", (unsigned long long)(size > 0 ? size - 1 : 0));
    answer_field(x, "Docker-Upload-UUID", arena_text(x->arena, id));
}

/* What makes a durable blob a repository's. */
struct arrival {
    struct place place;
    const struct digest *digest;
    uint64_t size;
};

static int
store_arrival(struct db *db, void *arg, struct err *err)
{
    const struct arrival *a = arg;
    int64_t now = clock_now_us(), id;

    if (repository_ensure(db, &a->place, now, &id, err) < 0)
        return -1;
    return repository_blob_add(db, id, a->digest, a->size, now, err);
}

static int
arrived(struct exchange *x, struct arrival *a, const char *how, struct err *err)
{
    const struct exchange_note note = { .status = 201,
                                        .digest = a->digest,
                                        .detail = text_of(how) };
    char text[DIGEST_TEXT_MAX + 1];

    if (exchange_change(x, store_arrival, a, &note, err) < 0)
        return -1;
    (void)digest_text(a->digest, text);
    registry_begin(x, 201);
    answer_fieldf(x, "Location", "/v2/%.*s/blobs/%s", TEXT_ARG(a->place.repository), text);
    registry_field_digest(x, "Docker-Content-Digest", a->digest);
    return 0;
}

static int
begin_session(struct registry *registry, struct exchange *x, const struct place *place,
              struct err *err)
{
    char id[ID_LEN + 1];

    upload_id_new(&registry->upload_key, place->registry, place->repository, id);
    if (upload_new(registry->blobs, id, err) < 0)
        return -1;
    x->digest = NULL; /* a mount that did not happen */
    registry_begin(x, 202);
    registry_upload_where(x, text_of(id), 0);
    return 0;
}

static int
too_large(const struct registry *registry, struct err *err)
{
    return err_code(err, ERR_TOO_LARGE, "SIZE_INVALID", "a blob may have at most %llu bytes",
                    (unsigned long long)registry->settings.max_blob_bytes);
}

/* POST ?digest=: the whole blob at once. */
static int
single_request(struct registry *registry, struct exchange *x, const struct place *place,
               struct text digest, struct err *err)
{
    struct arrival a = { .place = *place };

    if (registry_digest(x, digest, &a.digest, err) < 0)
        return -1;
    if (x->body_length > 0 && (uint64_t)x->body_length > registry->settings.max_blob_bytes)
        return too_large(registry, err);
    if (blob_put(registry->blobs, from_client, x, x->body_length, a.digest, &a.size, err) < 0)
        return -1;
    return arrived(x, &a, "blob pushed in one request", err);
}

/* May the caller read there?  A repository that is not there answers like one that is not theirs.
 */
static bool
may_pull(struct exchange *x, struct text repository)
{
    struct text scope;

    if (!reference_name_ok(repository))
        return false;
    scope = registry_repository_scope(x, repository);
    return scope.p != NULL &&
           caller_holds(&x->caller, TEXT("repository"), repository, GRANT_PULL) &&
           exchange_allowed(x, REGISTRY_PULL, scope);
}

/* 0 mounted and answered; 1 not possible, whatever the reason; -1. */
static int
mount(struct registry *registry, struct exchange *x, const struct place *place, struct text from,
      struct text digest, struct err *err)
{
    struct arrival a = { .place = *place };
    struct place source = { place->registry, from.p != NULL ? from : place->repository };
    struct err ignored = { 0 };
    int found;

    if (registry_digest(x, digest, &a.digest, err) < 0)
        return -1;
    if (!may_pull(x, source.repository))
        return 1;
    found =
        repository_blob_find(database_reader(registry->database), &source, a.digest, &a.size, err);
    if (found != 0)
        return found;
    if (blob_stat(registry->blobs, a.digest, &a.size, &ignored) != 0)
        return 1;
    return arrived(x, &a, "blob mounted", err);
}

int
registry_upload_begin(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct text digest = exchange_query(x, "digest");
    struct text wanted = exchange_query(x, "mount");
    struct text algorithm = exchange_query(x, "digest-algorithm");
    struct place place;
    int mounted = 1;

    if (registry_place(x, &place, err) < 0)
        return -1;
    if (algorithm.p != NULL && !text_is(algorithm, "sha256") && !text_is(algorithm, "sha512"))
        return err_code(err, ERR_INVALID, "DIGEST_INVALID",
                        "digest-algorithm \"%.*s\" is not known: use sha256 or sha512",
                        TEXT_ARG(text_first(algorithm, 40)));
    if (wanted.p != NULL)
        mounted = mount(registry, x, &place, exchange_query(x, "from"), wanted, err);
    if (mounted <= 0)
        return mounted;
    if (digest.p != NULL)
        return single_request(registry, x, &place, digest, err);
    return begin_session(registry, x, &place, err);
}

/* The id of the path, if it is one of this repository. */
static int
session_id(struct registry *registry, struct exchange *x, struct place *place, const char **id,
           struct err *err)
{
    struct text text = exchange_param(x, "upload");

    if (registry_place(x, place, err) < 0)
        return -1;
    if (!upload_id_belongs(&registry->upload_key, place->registry, place->repository, text))
        return no_such_upload(err);
    *id = arena_cstr(x->arena, text);
    return *id != NULL ? 0 : err_memory(err);
}

static int
open_session(struct registry *registry, struct exchange *x, struct place *place, struct upload **up,
             struct err *err)
{
    const char *id;
    int found;

    if (session_id(registry, x, place, &id, err) < 0)
        return -1;
    if ((found = upload_open(registry->blobs, id, up, err)) > 0)
        return no_such_upload(err);
    return found;
}

/* Content-Range of a chunk must continue what is there; without one the body is appended. */
static int
check_order(const struct exchange *x, uint64_t size, struct err *err)
{
    struct text value = exchange_header(x, "content-range");
    uint64_t first, last;

    if (value.p == NULL)
        return 0;
    if (!http_chunk_range_parse(value, &first, &last))
        return err_code(err, ERR_INVALID, "BLOB_UPLOAD_INVALID",
                        "Content-Range must be FIRST-LAST, as in 0-1023");
    if (first != size)
        return err_code(err, ERR_RANGE, "BLOB_UPLOAD_INVALID",
                        "the chunk begins at %llu but the next byte wanted is %llu",
                        (unsigned long long)first, (unsigned long long)size);
    if (x->body_length >= 0 && last - first != (uint64_t)x->body_length - 1)
        return err_code(err, ERR_INVALID, "SIZE_INVALID",
                        "Content-Range announces %llu bytes but Content-Length is %lld",
                        (unsigned long long)(last - first + 1), (long long)x->body_length);
    return 0;
}

/* Append the body of this request. */
static int
feed(struct registry *registry, struct exchange *x, struct upload *up, struct err *err)
{
    uint64_t max = registry->settings.max_blob_bytes, have = upload_size(up), n;

    if (have > max || (x->body_length > 0 && (uint64_t)x->body_length > max - have))
        return too_large(registry, err);
    if (check_order(x, have, err) < 0 ||
        upload_feed(up, from_client, x, x->body_length, &n, err) < 0)
        return -1;
    return upload_size(up) > max ? too_large(registry, err) : 0;
}

int
registry_upload_patch(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    OWN(upload) up = NULL;
    struct place place;

    if (open_session(registry, x, &place, &up, err) < 0 || feed(registry, x, up, err) < 0 ||
        upload_keep(up, err) < 0)
        return -1;
    registry_begin(x, 202);
    registry_upload_where(x, exchange_param(x, "upload"), upload_size(up));
    return 0;
}

int
registry_upload_finish(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct text digest = exchange_query(x, "digest");
    OWN(upload) up = NULL;
    struct arrival a = { 0 };

    if (digest.p == NULL)
        return err_code(err, ERR_INVALID, "DIGEST_INVALID", "the query must have digest=");
    if (registry_digest(x, digest, &a.digest, err) < 0 ||
        open_session(registry, x, &a.place, &up, err) < 0)
        return -1;
    if ((x->body_length != 0 || exchange_header(x, "content-range").p != NULL) &&
        feed(registry, x, up, err) < 0)
        return -1;
    a.size = upload_size(up);
    if (upload_commit(up, a.digest, err) < 0)
        return -1;
    return arrived(x, &a, "blob pushed", err);
}

int
registry_upload_status(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct place place;
    const char *id;
    uint64_t size;
    int found;

    if (session_id(registry, x, &place, &id, err) < 0)
        return -1;
    if ((found = upload_exists(registry->blobs, id, &size, err)) != 0)
        return found < 0 ? -1 : no_such_upload(err);
    registry_begin(x, 204);
    registry_upload_where(x, text_of(id), size);
    return 0;
}

int
registry_upload_cancel(void *room, struct exchange *x, struct err *err)
{
    OWN(upload) up = NULL;
    struct place place;

    if (open_session(room, x, &place, &up, err) < 0 || upload_cancel(up, err) < 0)
        return -1;
    registry_begin(x, 204);
    return 0;
}
