#include "crypto/merkle.h"

#include <string.h>

#include "crypto/hasher.h"

static void
finish(const struct hasher *h, uint8_t out[static MERKLE_LEN])
{
    struct digest d;

    hasher_end(h, &d);
    memcpy(out, d.bytes, MERKLE_LEN);
}

void
merkle_leaf(const void *p, size_t n, uint8_t out[static MERKLE_LEN])
{
    struct hasher h;

    hasher_init(&h, DIGEST_SHA256);
    hasher_add(&h, "\x00", 1);
    hasher_add(&h, p, n);
    finish(&h, out);
}

void
merkle_node(const uint8_t left[static MERKLE_LEN], const uint8_t right[static MERKLE_LEN],
            uint8_t out[static MERKLE_LEN])
{
    struct hasher h;

    hasher_init(&h, DIGEST_SHA256);
    hasher_add(&h, "\x01", 1);
    hasher_add(&h, left, MERKLE_LEN);
    hasher_add(&h, right, MERKLE_LEN);
    finish(&h, out);
}

void
merkle_empty(uint8_t out[static MERKLE_LEN])
{
    struct hasher h;

    hasher_init(&h, DIGEST_SHA256);
    finish(&h, out);
}

void
merkle_add(struct merkle_frontier *f, const uint8_t leaf[static MERKLE_LEN])
{
    uint8_t hash[MERKLE_LEN];
    unsigned level = 0;

    memcpy(hash, leaf, MERKLE_LEN);
    for (; (f->size >> level & 1) != 0; level++)
        merkle_node(f->node[level], hash, hash);
    memcpy(f->node[level], hash, MERKLE_LEN);
    f->size++;
}

void
merkle_root(const struct merkle_frontier *f, uint8_t out[static MERKLE_LEN])
{
    bool any = false;

    merkle_empty(out);
    for (unsigned level = 0; level < 64; level++) {
        if ((f->size >> level & 1) == 0)
            continue;
        if (any)
            merkle_node(f->node[level], out, out);
        else
            memcpy(out, f->node[level], MERKLE_LEN);
        any = true;
    }
}

/* ---- checks: the iterative form of RFC 9162, sections 2.1.3.2 and 2.1.4.2 ---- */

static bool
same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, MERKLE_LEN) == 0;
}

bool
merkle_included(uint64_t index, const uint8_t leaf[static MERKLE_LEN], uint64_t size,
                const uint8_t root[static MERKLE_LEN], const uint8_t (*proof)[MERKLE_LEN], size_t n)
{
    uint64_t at = index, last;
    uint8_t hash[MERKLE_LEN];

    if (index >= size)
        return false;
    last = size - 1;
    memcpy(hash, leaf, MERKLE_LEN);
    for (size_t i = 0; i < n; i++) {
        if (last == 0)
            return false;
        if ((at & 1) != 0 || at == last) {
            merkle_node(proof[i], hash, hash);
            for (; (at & 1) == 0 && at != 0; at >>= 1)
                last >>= 1;
        } else {
            merkle_node(hash, proof[i], hash);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && same(hash, root);
}

bool
merkle_consistent(uint64_t old_size, const uint8_t old_root[static MERKLE_LEN], uint64_t size,
                  const uint8_t root[static MERKLE_LEN], const uint8_t (*proof)[MERKLE_LEN],
                  size_t n)
{
    uint64_t at, last;
    uint8_t old_hash[MERKLE_LEN], hash[MERKLE_LEN];
    size_t i = 0;

    if (old_size == 0 || old_size > size)
        return false;
    if (old_size == size)
        return n == 0 && same(old_root, root);
    /* A tree that is one complete subtree is its own first node. */
    if ((old_size & (old_size - 1)) == 0)
        memcpy(hash, old_root, MERKLE_LEN);
    else if (n > 0)
        memcpy(hash, proof[i++], MERKLE_LEN);
    else
        return false;
    memcpy(old_hash, hash, MERKLE_LEN);
    at = old_size - 1;
    last = size - 1;
    for (; (at & 1) != 0; at >>= 1)
        last >>= 1;
    for (; i < n; i++) {
        if (last == 0)
            return false;
        if ((at & 1) != 0 || at == last) {
            merkle_node(proof[i], old_hash, old_hash);
            merkle_node(proof[i], hash, hash);
            for (; (at & 1) == 0 && at != 0; at >>= 1)
                last >>= 1;
        } else {
            merkle_node(hash, proof[i], hash);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && same(old_hash, old_root) && same(hash, root);
}

/* ---- proofs ---- */

/* The path of proof hashes, in the order the checks use them. */
struct prover {
    merkle_fetch *fetch;
    void *arg;
    uint8_t (*proof)[MERKLE_LEN];
    size_t n;
    struct err *err;
};

/* Bits of ${n} - 1: the level of the smallest complete tree that holds ${n} leaves. */
static unsigned
height(uint64_t n)
{
    unsigned level = 0;

    while (level < 63 && ((uint64_t)1 << level) < n)
        level++;
    return level;
}

/* Hash of the ${n} leaves from ${first}; ${first} is a multiple of 2^height(n). */
static int
hash_of(struct prover *p, uint64_t first, uint64_t n, uint8_t out[static MERKLE_LEN])
{
    uint8_t right[MERKLE_LEN];
    bool any = false;

    /* From the smallest complete subtree, at the end, to the largest, at the beginning. */
    for (unsigned level = 0; level < 64; level++) {
        uint64_t start;

        if ((n >> level & 1) == 0)
            continue;
        start = level == 63 ? 0 : n >> (level + 1) << (level + 1);
        if (p->fetch(p->arg, first + start, level, any ? right : out, p->err) < 0)
            return -1;
        if (any)
            merkle_node(right, out, out);
        any = true;
    }
    return 0;
}

static int
append(struct prover *p, uint64_t first, uint64_t n)
{
    if (p->n == MERKLE_PROOF_MAX)
        return err_set(p->err, ERR_TOO_LARGE, "the log is too long for a proof");
    if (hash_of(p, first, n, p->proof[p->n]) < 0)
        return -1;
    p->n++;
    return 0;
}

/* The ranges a proof consists of, from the root down; they are written in reverse. */
struct range {
    uint64_t first;
    uint64_t n;
};

static int
write_up(struct prover *p, const struct range *down, size_t n)
{
    while (n-- > 0)
        if (append(p, down[n].first, down[n].n) < 0)
            return -1;
    return 0;
}

int
merkle_prove_inclusion(uint64_t index, uint64_t size, merkle_fetch *fetch, void *arg,
                       uint8_t proof[static MERKLE_PROOF_MAX][MERKLE_LEN], size_t *n,
                       struct err *err)
{
    struct prover p = { fetch, arg, proof, 0, err };
    struct range down[MERKLE_PROOF_MAX];
    uint64_t first = 0, left = size;
    size_t steps = 0;

    if (index >= size)
        return err_set(err, ERR_RANGE, "the log has no such record");
    while (left > 1) {
        uint64_t split = (uint64_t)1 << (height(left) - 1);

        if (index - first < split) {
            down[steps++] = (struct range){ first + split, left - split };
            left = split;
        } else {
            down[steps++] = (struct range){ first, split };
            first += split;
            left -= split;
        }
    }
    if (write_up(&p, down, steps) < 0)
        return -1;
    *n = p.n;
    return 0;
}

/* SUBPROOF of RFC 6962, section 2.1.2, with its recursion written as a walk down. */
int
merkle_prove_consistency(uint64_t old_size, uint64_t size, merkle_fetch *fetch, void *arg,
                         uint8_t proof[static MERKLE_PROOF_MAX][MERKLE_LEN], size_t *n,
                         struct err *err)
{
    struct prover p = { fetch, arg, proof, 0, err };
    struct range down[MERKLE_PROOF_MAX];
    uint64_t first = 0, left = size, old = old_size;
    size_t steps = 0;

    if (old_size == 0 || old_size > size)
        return err_set(err, ERR_RANGE, "a log of %llu records does not extend one of %llu",
                       (unsigned long long)size, (unsigned long long)old_size);
    while (old != left) {
        uint64_t split = (uint64_t)1 << (height(left) - 1);

        if (old <= split) {
            down[steps++] = (struct range){ first + split, left - split };
            left = split;
        } else {
            down[steps++] = (struct range){ first, split };
            first += split;
            left -= split;
            old -= split;
        }
    }
    /* The node both trees share; left out when it is the whole old tree, which the verifier has. */
    if (left != old_size && append(&p, first, left) < 0)
        return -1;
    if (write_up(&p, down, steps) < 0)
        return -1;
    *n = p.n;
    return 0;
}
