/*
 * merkle.h - the tree over a log: hashes, proofs, and their checks (RFC 6962, section 2.1).
 *
 * Leaves are numbered from 0.  A node (first, level) is the hash of the 2^level leaves that begin
 * at ${first}, a multiple of 2^level: nodes never change once their leaves exist, so they can be
 * stored.
 *
 * Invariants:
 *   K1  a leaf's hash and an inner node's hash never coincide (prefixes 0x00 and 0x01);
 *   K2  merkle_consistent() is true exactly when the first ${old_size} leaves of the tree of
 *       ${size} leaves are those that ${old_root} stands for, and the proof is the shortest one;
 *   K3  merkle_included() is true exactly when ${leaf} is number ${index} of the tree, likewise;
 *   K4  what merkle_prove_*() writes, the checks accept.
 * Threads: pure functions over the caller's memory.
 */
#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MERKLE_LEN       32 /* SHA-256 */
#define MERKLE_PROOF_MAX 64 /* hashes; enough for trees of 2^63 leaves */

void merkle_leaf(const void *p, size_t n, uint8_t out[static MERKLE_LEN]);
void merkle_node(const uint8_t left[static MERKLE_LEN], const uint8_t right[static MERKLE_LEN],
                 uint8_t out[static MERKLE_LEN]);
void merkle_empty(uint8_t out[static MERKLE_LEN]); /* root of the tree without leaves */

/* A tree that only grows, kept as the roots of its complete subtrees.  Zeroed, it is empty. */
struct merkle_frontier {
    uint64_t size;
    uint8_t node[64][MERKLE_LEN]; /* node[l] counts when bit l of size is set */
};

void merkle_add(struct merkle_frontier *f, const uint8_t leaf[static MERKLE_LEN]);
void merkle_root(const struct merkle_frontier *f, uint8_t out[static MERKLE_LEN]);

bool merkle_consistent(uint64_t old_size, const uint8_t old_root[static MERKLE_LEN], uint64_t size,
                       const uint8_t root[static MERKLE_LEN], const uint8_t (*proof)[MERKLE_LEN],
                       size_t n);
bool merkle_included(uint64_t index, const uint8_t leaf[static MERKLE_LEN], uint64_t size,
                     const uint8_t root[static MERKLE_LEN], const uint8_t (*proof)[MERKLE_LEN],
                     size_t n);

/* Where the provers get nodes from: 0, or -1 with ${err}.  Level 0 is a leaf's hash. */
typedef int merkle_fetch(void *arg, uint64_t first, unsigned level, uint8_t out[static MERKLE_LEN],
                         struct err *err);

/*
 * merkle_prove_consistency(old_size, size, fetch, arg, proof, n, err): 1 <= old_size <= size.
 * merkle_prove_inclusion(index, size, ...): index < size.
 * ${fetch} is asked only for complete nodes; a caller that keeps no level above 0 computes them.
 */
MUST_CHECK int merkle_prove_consistency(uint64_t old_size, uint64_t size, merkle_fetch *fetch,
                                        void *arg,
                                        uint8_t proof[static MERKLE_PROOF_MAX][MERKLE_LEN],
                                        size_t *n, struct err *err);
MUST_CHECK int merkle_prove_inclusion(uint64_t index, uint64_t size, merkle_fetch *fetch, void *arg,
                                      uint8_t proof[static MERKLE_PROOF_MAX][MERKLE_LEN], size_t *n,
                                      struct err *err);

#endif /* CRYPTO_MERKLE_H */
