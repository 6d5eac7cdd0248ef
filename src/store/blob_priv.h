/* blob_priv.h - struct blobs from inside the room: shared by blob.c and upload.c. */
#ifndef STORE_BLOB_PRIV_H
#define STORE_BLOB_PRIV_H

#include <stdatomic.h>

#include "store/blob.h"
#include "store/claim.h"
#include "store/dirsync.h"
#include "store/intake.h"

struct blobs {
    int root; /* borrowed */
    const struct disk_ops *disk;
    struct blob_limits limits;
    struct dirsync syncs;
    struct stages *stages;
    atomic_uint sessions;
    struct claims claims;
};

/* blobs_intake(bs, fd, hash): for bytes that follow those already in ${hash}. */
struct intake blobs_intake(struct blobs *bs, int fd, struct hasher *hash);

/* blobs_settle(bs, fd, err): B3: after it the file may have its name. */
MUST_CHECK int blobs_settle(struct blobs *bs, int fd, struct err *err);

/* blobs_mismatch(got, want, err): the refusal both kinds of put share; returns -1. */
int blobs_mismatch(const struct digest *got, const struct digest *want, struct err *err);

/* blobs_hash(bs, fd, n, hash, err): the first ${n} bytes of a file into ${hash}. */
MUST_CHECK int blobs_hash(struct blobs *bs, int fd, uint64_t n, struct hasher *hash,
                          struct err *err);

#endif /* STORE_BLOB_PRIV_H */
