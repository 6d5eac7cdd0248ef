/*
 * blob.h - content-addressed bytes: put once under their digest, never changed.
 *
 *   DIR/blobs/sha256/ab/<64 hex>      one file per blob in 256 shards (sha512 likewise, on demand)
 *   DIR/uploads/<uuid>.data, .state   upload sessions: see store/upload.h
 *
 * Invariants:
 *   B1  a blob that can be opened has exactly the bytes its digest says;
 *   B2  a put that fails leaves no file; if a name is visible the bytes are whole (B1);
 *   B3  a put that returned 0 survives power loss: bytes before name, name before the answer;
 *   B4  putting the same bytes twice, even at once, is not an error and stores them once;
 *   B5  no blob exceeds limits.blob_max;
 *   B6  memory for large bodies is bounded, and given back when no large body is under way.
 * Threads: a struct blobs is shared by all.
 */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/own.h"

struct blobs;
struct disk_ops;

#define BLOB_MAX_DEFAULT     (UINT64_C(128) << 30)
#define BLOB_LARGE_DEFAULT   (UINT64_C(16) << 20)
#define BLOB_UPLOADS_DEFAULT 100000

struct blob_limits {
    uint64_t blob_max;    /* bytes of one blob; 0: BLOB_MAX_DEFAULT */
    uint64_t large;       /* a body of more is written past the page cache; 0: BLOB_LARGE_DEFAULT */
    uint32_t uploads_max; /* sessions at one time; 0: BLOB_UPLOADS_DEFAULT */
    uint32_t staged_max;  /* bodies hashed and written by threads of their own; 0: cores / 2 */
};

/* blobs_open(dirfd, disk, limits, err): ${dirfd} is borrowed; ${disk} NULL is the real one;
 * ${limits} NULL the defaults.  Makes the folders that are missing. */
MUST_CHECK struct blobs *blobs_open(int dirfd, const struct disk_ops *disk,
                                    const struct blob_limits *limits, struct err *err);
void blobs_free(struct blobs *bs); /* when no upload is open and no call runs */
DEFINE_OWN(blobs);

/* blob_open(bs, d, fd, size, err): 0 and an O_RDONLY descriptor for the caller; 1 absent; -1. */
MUST_CHECK int blob_open(struct blobs *bs, const struct digest *d, int *fd, uint64_t *size,
                         struct err *err);
MUST_CHECK int blob_stat(struct blobs *bs, const struct digest *d, uint64_t *size,
                         struct err *err); /* 0, 1 absent, -1 */

/* blob_remove(bs, d, err): 0, 1 absent.  Who has it open keeps it.  Not synced: after a power loss
 * the blob may be back, whole. */
MUST_CHECK int blob_remove(struct blobs *bs, const struct digest *d, struct err *err);

/* blob_verify(bs, d, err): read it all and compare: 0, 1 absent, ERR_CORRUPT. */
MUST_CHECK int blob_verify(struct blobs *bs, const struct digest *d, struct err *err);

/*
 * Where bytes come from: the store pulls, so that a large body is received straight into the
 * buffer it is hashed and written from.  Up to ${max} bytes into ${p}: the number, 0 at the end, or
 * -1 with ${err}.  Called on the thread that called the store.
 */
typedef ssize_t blob_source(void *ctx, void *p, size_t max, struct err *err);

/*
 * blob_put(bs, source, ctx, length, want, size, err): one whole blob from one request, durable when
 * 0 is returned.  ${length} is what was announced, or -1; a body of another length is ERR_INVALID
 * SIZE_INVALID, another digest ERR_INVALID DIGEST_INVALID, more than blob_max ERR_TOO_LARGE.
 */
MUST_CHECK int blob_put(struct blobs *bs, blob_source *source, void *ctx, int64_t length,
                        const struct digest *want, uint64_t *size, struct err *err);

/* blobs_sweep(bs, seconds, err): remove sessions that nobody touched for so long; return how many.
 */
MUST_CHECK int blobs_sweep(struct blobs *bs, int64_t seconds, struct err *err);

#endif /* STORE_BLOB_H */
