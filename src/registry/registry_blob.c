/* registry_blob.c - blobs over HTTP: read, look, remove.  They come in by registry_upload.c. */
#include "registry/registry_priv.h"

#include <string.h>

#include "base/clock.h"
#include "store/blob.h"

/* Is the client's copy the one we would send?  RFC 9110, 13.1.2: a list of tags, or "*". */
static bool
client_has(struct exchange *x, const char *etag)
{
    struct text wanted = exchange_header(x, "if-none-match");
    struct text one;

    while (text_cut(&wanted, ',', &one)) {
        one = text_trim(one);
        if (text_starts(one, "W/"))
            one = text_after(one, 2);
        if (text_is(one, etag) || text_is(one, "*"))
            return true;
    }
    return false;
}

bool
registry_not_modified(struct exchange *x, const struct digest *digest)
{
    char etag[DIGEST_TEXT_MAX + 3];
    size_t n;

    etag[0] = '"';
    n = 1 + digest_text(digest, etag + 1);
    etag[n++] = '"';
    etag[n] = '\0';
    if (client_has(x, etag)) {
        registry_begin(x, 304);
        answer_field(x, "ETag", arena_text(x->arena, text_from(etag, n)));
        return true;
    }
    registry_begin(x, 200);
    registry_field_digest(x, "Docker-Content-Digest", digest);
    answer_field(x, "ETag", arena_text(x->arena, text_from(etag, n)));
    return false;
}

static int
no_such_blob(const struct digest *digest, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];

    (void)digest_text(digest, text);
    return err_code(err, ERR_NOT_FOUND, "BLOB_UNKNOWN", "the blob %s is not in this repository",
                    text);
}

/* If-Range: a range of a copy that is not ours would be glued to other bytes. */
static bool
range_counts(struct exchange *x, const struct digest *digest)
{
    struct text value = exchange_header(x, "if-range");
    char text[DIGEST_TEXT_MAX + 1];
    size_t n = digest_text(digest, text);

    if (value.p == NULL)
        return true;
    return value.n == n + 2 && value.p[0] == '"' && value.p[n + 1] == '"' &&
           memcmp(value.p + 1, text, n) == 0;
}

static int
answer_blob(struct exchange *x, int fd, const struct digest *digest, uint64_t size, struct err *err)
{
    uint64_t first = 0, last = size > 0 ? size - 1 : 0;
    int range = 0;

    if (registry_not_modified(x, digest)) {
        if (fd >= 0)
            (void)close(fd);
        return 0;
    }
    if (x->method == HTTP_GET && range_counts(x, digest))
        range = http_range_parse(exchange_header(x, "range"), size, &first, &last);
    if (range < 0) {
        if (fd >= 0)
            (void)close(fd);
        return err_code(err, ERR_RANGE, "RANGE_INVALID",
                        "the blob has %llu bytes; the range is not within them",
                        (unsigned long long)size);
    }
    if (range > 0) {
        x->answer.status = 206;
        answer_fieldf(x, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)first,
                      (unsigned long long)last, (unsigned long long)size);
        size = last - first + 1;
    }
    answer_field(x, "Content-Type", TEXT("application/octet-stream"));
    answer_field(x, "Accept-Ranges", TEXT("bytes"));
    answer_field(x, "Cache-Control", TEXT("private, max-age=31536000, immutable"));
    if (fd >= 0)
        answer_file(x, fd, first, size);
    else
        x->answer.length = size;
    return 0;
}

int
registry_blob_get(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    const struct digest *digest;
    struct place place;
    uint64_t size;
    int fd = -1, found;

    if (registry_place(x, &place, err) < 0 ||
        registry_digest(x, exchange_param(x, "digest"), &digest, err) < 0)
        return -1;
    found = repository_blob_find(database_reader(registry->database), &place, digest, &size, err);
    if (found != 0)
        return found < 0 ? -1 : no_such_blob(digest, err);
    if (x->method == HTTP_HEAD)
        found = blob_stat(registry->blobs, digest, &size, err);
    else
        found = blob_open(registry->blobs, digest, &fd, &size, err);
    if (found < 0)
        return -1;
    if (found > 0)
        return err_set(err, ERR_CORRUPT, "the blob's bytes are missing from the store");
    return answer_blob(x, fd, digest, size, err);
}

struct removal {
    struct place place;
    const struct digest *digest;
};

static int
remove_blob(struct db *db, void *arg, struct err *err)
{
    const struct removal *r = arg;
    struct repository repository;
    int found = repository_find(db, &r->place, &repository, err);

    if (found == 0)
        found = repository_blob_remove(db, repository.id, r->digest, err);
    return found > 0 ? no_such_blob(r->digest, err) : found;
}

/* The bytes stay on disk: another repository, or an upload that is finishing, may need them. */
int
registry_blob_delete(void *room, struct exchange *x, struct err *err)
{
    struct removal r = { 0 };

    (void)room;
    if (registry_place(x, &r.place, err) < 0 ||
        registry_digest(x, exchange_param(x, "digest"), &r.digest, err) < 0)
        return -1;
    if (exchange_change(x, remove_blob, &r,
                        &(struct exchange_note){ .status = 202, .digest = r.digest }, err) < 0)
        return -1;
    registry_begin(x, 202);
    return 0;
}
