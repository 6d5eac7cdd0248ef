/*
 * tree.h - the Merkle tree over the stored records: its right edge, its stored nodes, its proofs.
 *
 * Invariants:
 *   T1  a tree loaded from the database equals the one that grew with it;
 *   T2  nodes of level TREE_STORED_LEVEL and above are stored in the transaction that completed
 *       them, so that a root or a proof of a million records reads a few hundred rows.
 */
#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include <stdint.h>

#include "base/err.h"
#include "crypto/merkle.h"

struct db;

#define TREE_STORED_LEVEL 8

/* tree_add(f, db, leaf, err): ${f} grows, and what it completes is stored. */
MUST_CHECK int tree_add(struct merkle_frontier *f, struct db *db,
                        const uint8_t leaf[static MERKLE_LEN], struct err *err);

/* tree_load(db, size, f, err): the frontier of the first ${size} records. */
MUST_CHECK int tree_load(struct db *db, uint64_t size, struct merkle_frontier *f, struct err *err);

/* tree_size(db, size, err): the number of the last record. */
MUST_CHECK int tree_size(struct db *db, uint64_t *size, struct err *err);

/* tree_prove(db, old_size, size, proof, n, err): that ${size} extends ${old_size} (U6). */
MUST_CHECK int tree_prove(struct db *db, uint64_t old_size, uint64_t size,
                          uint8_t proof[static MERKLE_PROOF_MAX][MERKLE_LEN], size_t *n,
                          struct err *err);

#endif /* AUDIT_TREE_H */
