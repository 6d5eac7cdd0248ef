/*
 * hasher.h - a running SHA-256 or SHA-512 whose state can be written down and taken up later.
 *
 * Source: FIPS 180-4.  The record of hasher_save() is our own, never a library's struct:
 *
 *   offset  size  what (all numbers big-endian)
 *        0     4  "HFH1": name and version of the record
 *        4     1  algorithm: enum digest_algorithm
 *        5     3  zero
 *        8     8  bits hashed so far
 *       16  8 x 4 or 8 x 8   the chaining words
 *        +  0..63 or 0..127  the bytes that do not fill a block yet
 *
 * Invariants:
 *   H1  any split of the same bytes over hasher_add() gives the same digest;
 *   H2  save and restore at any byte changes nothing (H1 across a restart);
 *   H3  hasher_restore() accepts exactly what hasher_save() can have written.
 * Threads: a hasher belongs to one thread at a time.  No heap.
 */
#ifndef CRYPTO_HASHER_H
#define CRYPTO_HASHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

#define HASHER_SAVED_MAX (16 + 8 * 8 + 127)

/* Copied by assignment; the words are hasher.c's own business. */
struct hasher {
    enum digest_algorithm algorithm;
    uint64_t size; /* bytes hashed so far */
    uint64_t state[28];
};

void hasher_init(struct hasher *h, enum digest_algorithm algorithm);
void hasher_add(struct hasher *h, const void *p, size_t n);

/* hasher_end(h, out): the digest of all bytes so far; ${h} is unchanged and may go on. */
void hasher_end(const struct hasher *h, struct digest *out);

/* hasher_of(algorithm, p, n, out): the digest of one run of bytes. */
void hasher_of(enum digest_algorithm algorithm, const void *p, size_t n, struct digest *out);

/* hasher_save(h, out): write the record; return its length. */
size_t hasher_save(const struct hasher *h, uint8_t out[static HASHER_SAVED_MAX]);

/* hasher_restore(h, p, n, err): ERR_CORRUPT when the record is not one of ours. */
MUST_CHECK int hasher_restore(struct hasher *h, const void *p, size_t n, struct err *err);

#endif /* CRYPTO_HASHER_H */
