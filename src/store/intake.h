/*
 * intake.h - from a source into a file: received, hashed and written on the way.
 *
 * A small body passes through the page cache on the caller's thread.  A large one is received into
 * aligned blocks that go past the page cache; when a stage is free, hashing and writing run on
 * threads of their own behind a ring of blocks.
 *
 * Invariants:
 *   N1  file and hash hold the same bytes in the same order, whichever way they went;
 *   N2  after a failure file and hash are undefined from where they were before;
 *   N3  memory: 16 KiB of stack, one block, or INTAKE_RING blocks.
 */
#ifndef STORE_INTAKE_H
#define STORE_INTAKE_H

#include "crypto/hasher.h"
#include "store/blob.h"

struct disk_ops;
struct stages;

#define INTAKE_RING 8

struct intake {
    const struct disk_ops *disk;
    struct stages *stages;
    struct hasher *hash; /* of all bytes before ${offset} */
    int fd;
    uint64_t offset; /* where the next byte goes */
    uint64_t max;    /* no offset beyond it */
    uint64_t large;  /* a body of more goes past the page cache */
};

/*
 * intake_run(in, source, ctx, length, n, err): everything ${source} has; ${length} is what was
 * announced, or -1.  in->offset moves by ${n}.
 */
MUST_CHECK int intake_run(struct intake *in, blob_source *source, void *ctx, int64_t length,
                          uint64_t *n, struct err *err);

#endif /* STORE_INTAKE_H */
