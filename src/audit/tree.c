#include "audit/tree.h"

#include <string.h>

#include "store/db.h"

static int
store_node(struct db *db, unsigned level, uint64_t place, const uint8_t hash[static MERKLE_LEN],
           struct err *err)
{
    return db_run(db, err, "INSERT INTO audit_tree(level, place, hash) VALUES($1, $2, $3)",
                  DB_INT(level), DB_INT((int64_t)place), DB_BLOB(hash, MERKLE_LEN)) < 0
               ? -1
               : 0;
}

/* The leaf closes one node of every level whose bit is set below the first clear one. */
static int
store_completed(const struct merkle_frontier *f, struct db *db,
                const uint8_t leaf[static MERKLE_LEN], struct err *err)
{
    uint8_t carry[MERKLE_LEN], right[MERKLE_LEN];

    memcpy(carry, leaf, MERKLE_LEN);
    for (unsigned level = 0; (f->size >> level & 1) != 0; level++) {
        memcpy(right, carry, MERKLE_LEN);
        merkle_node(f->node[level], right, carry);
        if (level + 1 >= TREE_STORED_LEVEL &&
            store_node(db, level + 1, f->size >> (level + 1), carry, err) < 0)
            return -1;
    }
    return 0;
}

int
tree_add(struct merkle_frontier *f, struct db *db, const uint8_t leaf[static MERKLE_LEN],
         struct err *err)
{
    if ((f->size + 1) % (1u << TREE_STORED_LEVEL) == 0 && store_completed(f, db, leaf, err) < 0)
        return -1;
    merkle_add(f, leaf);
    return 0;
}

static int
fetch_stored(struct db *db, uint64_t first, unsigned level, uint8_t out[static MERKLE_LEN],
             struct err *err)
{
    DB_ROWS(rows);
    int found =
        db_one(db, &rows, err, "SELECT hash FROM audit_tree WHERE level = $1 AND place = $2",
               DB_INT(level), DB_INT((int64_t)(first >> level)));

    if (found < 0)
        return -1;
    if (found == 0 || db_blob(&rows, 0).n != MERKLE_LEN)
        return err_set(err, ERR_CORRUPT,
                       "the audit log lacks node %llu of level %u of its tree: run \"holdfast "
                       "audit verify\"",
                       (unsigned long long)(first >> level), level);
    memcpy(out, db_blob(&rows, 0).p, MERKLE_LEN);
    return 0;
}

/* A low node is folded from its leaves: records are numbered from 1, leaves from 0. */
static int
fold_leaves(struct db *db, uint64_t first, unsigned level, uint8_t out[static MERKLE_LEN],
            struct err *err)
{
    struct merkle_frontier f = { 0 };
    uint64_t n = (uint64_t)1 << level;
    DB_ROWS(rows);
    int more;

    if (db_query(db, &rows, err,
                 "SELECT seq, leaf FROM audit_record WHERE seq > $1 AND seq <= $2 ORDER BY seq",
                 DB_INT((int64_t)first), DB_INT((int64_t)(first + n))) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0) {
        struct text leaf = db_blob(&rows, 1);

        if (db_int(&rows, 0) != (int64_t)(first + f.size + 1) || leaf.n != MERKLE_LEN)
            break;
        merkle_add(&f, (const uint8_t *)leaf.p);
    }
    if (more < 0)
        return -1;
    if (f.size != n)
        return err_set(err, ERR_CORRUPT,
                       "the audit log lacks record %llu: run \"holdfast audit verify\"",
                       (unsigned long long)(first + f.size + 1));
    merkle_root(&f, out);
    return 0;
}

static int
fetch(void *arg, uint64_t first, unsigned level, uint8_t out[static MERKLE_LEN], struct err *err)
{
    if (level >= TREE_STORED_LEVEL)
        return fetch_stored(arg, first, level, out, err);
    return fold_leaves(arg, first, level, out, err);
}

int
tree_load(struct db *db, uint64_t size, struct merkle_frontier *f, struct err *err)
{
    struct merkle_frontier made = { .size = size };
    uint64_t first = 0;

    for (unsigned level = 64; level-- > 0;) {
        if ((size >> level & 1) == 0)
            continue;
        if (fetch(db, first, level, made.node[level], err) < 0)
            return -1;
        first += (uint64_t)1 << level;
    }
    *f = made;
    return 0;
}

int
tree_size(struct db *db, uint64_t *size, struct err *err)
{
    DB_ROWS(rows);
    int found = db_one(db, &rows, err, "SELECT max(seq) FROM audit_record");

    if (found < 0)
        return -1;
    *size = found > 0 && !db_is_null(&rows, 0) ? (uint64_t)db_int(&rows, 0) : 0;
    return 0;
}

int
tree_prove(struct db *db, uint64_t old_size, uint64_t size,
           uint8_t proof[static MERKLE_PROOF_MAX][MERKLE_LEN], size_t *n, struct err *err)
{
    return merkle_prove_consistency(old_size, size, fetch, db, proof, n, err);
}
