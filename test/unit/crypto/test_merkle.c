/* crypto/merkle.h against RFC 6962 written down as it stands: recursive and slow. */
#include "crypto/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"

#define LEAVES 70

static uint8_t leaves[LEAVES][MERKLE_LEN];

static void
obvious_root(uint64_t first, uint64_t n, uint8_t out[static MERKLE_LEN])
{
    uint8_t left[MERKLE_LEN], right[MERKLE_LEN];
    uint64_t split = 1;

    if (n == 1) {
        memcpy(out, leaves[first], MERKLE_LEN);
        return;
    }
    while (split * 2 < n)
        split *= 2;
    obvious_root(first, split, left);
    obvious_root(first + split, n - split, right);
    merkle_node(left, right, out);
}

static int
fetch(void *arg, uint64_t first, unsigned level, uint8_t out[static MERKLE_LEN], struct err *err)
{
    (void)arg;
    (void)err;
    assert_int_equal(first & (((uint64_t)1 << level) - 1), 0);
    assert_true(first + ((uint64_t)1 << level) <= LEAVES);
    obvious_root(first, (uint64_t)1 << level, out);
    return 0;
}

static int
fetch_nothing(void *arg, uint64_t first, unsigned level, uint8_t out[static MERKLE_LEN],
              struct err *err)
{
    (void)arg;
    (void)first;
    (void)level;
    (void)out;
    return err_set(err, ERR_IO, "the disk is gone");
}

static int
make_leaves(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < LEAVES; i++)
        merkle_leaf(&i, 1, leaves[i]);
    return 0;
}

static void
assert_hex(const uint8_t hash[static MERKLE_LEN], const char *hex)
{
    char got[2 * MERKLE_LEN + 1];

    hex_print(hash, MERKLE_LEN, got);
    assert_string_equal(got, hex);
}

/* The vectors that every certificate transparency implementation carries. */
static void
known_roots(void **state)
{
    static const char *const inputs[] = { "", "\x00", "\x10" };
    struct merkle_frontier f = { 0 };
    uint8_t hash[MERKLE_LEN];

    (void)state;
    merkle_root(&f, hash);
    assert_hex(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < 3; i++) {
        merkle_leaf(inputs[i], i == 0 ? 0 : 1, hash);
        merkle_add(&f, hash);
        merkle_root(&f, hash);
        if (i == 0)
            assert_hex(hash, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        if (i == 1)
            assert_hex(hash, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        if (i == 2)
            assert_hex(hash, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
    }
}

static void
k1_leaves_and_nodes_never_coincide(void **state)
{
    uint8_t both[2 * MERKLE_LEN], leaf[MERKLE_LEN], node[MERKLE_LEN];

    (void)state;
    memcpy(both, leaves[0], MERKLE_LEN);
    memcpy(both + MERKLE_LEN, leaves[1], MERKLE_LEN);
    merkle_leaf(both, sizeof(both), leaf);
    merkle_node(leaves[0], leaves[1], node);
    assert_memory_not_equal(leaf, node, MERKLE_LEN);
}

static void
the_frontier_is_the_tree(void **state)
{
    struct merkle_frontier f = { 0 };
    uint8_t want[MERKLE_LEN], got[MERKLE_LEN];

    (void)state;
    for (uint64_t n = 1; n <= LEAVES; n++) {
        merkle_add(&f, leaves[n - 1]);
        merkle_root(&f, got);
        obvious_root(0, n, want);
        assert_memory_equal(got, want, MERKLE_LEN);
    }
}

static void
k2_k4_every_growth_is_proven_and_no_other(void **state)
{
    uint8_t proof[MERKLE_PROOF_MAX][MERKLE_LEN], old_root[MERKLE_LEN], root[MERKLE_LEN];
    struct err err = { 0 };
    size_t n = 0;

    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        obvious_root(0, size, root);
        for (uint64_t old = 1; old <= size; old++) {
            obvious_root(0, old, old_root);
            assert_int_equal(merkle_prove_consistency(old, size, fetch, NULL, proof, &n, &err), 0);
            assert_true(merkle_consistent(old, old_root, size, root,
                                          (const uint8_t(*)[MERKLE_LEN])proof, n));
            if (n > 0) {
                assert_false(merkle_consistent(old, old_root, size, root,
                                               (const uint8_t(*)[MERKLE_LEN])proof, n - 1));
                proof[n - 1][3] ^= 1;
                assert_false(merkle_consistent(old, old_root, size, root,
                                               (const uint8_t(*)[MERKLE_LEN])proof, n));
                proof[n - 1][3] ^= 1;
            }
            assert_false(merkle_consistent(old, old_root, size, root,
                                           (const uint8_t(*)[MERKLE_LEN])proof, n + 1));
            old_root[0] ^= 1;
            assert_false(merkle_consistent(old, old_root, size, root,
                                           (const uint8_t(*)[MERKLE_LEN])proof, n));
        }
    }
    assert_false(merkle_consistent(0, root, 5, root, NULL, 0));
    assert_false(merkle_consistent(6, root, 5, root, NULL, 0));
}

static void
k3_k4_every_leaf_is_proven_at_its_place_only(void **state)
{
    uint8_t proof[MERKLE_PROOF_MAX][MERKLE_LEN], root[MERKLE_LEN];
    struct err err = { 0 };
    size_t n = 0;

    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        obvious_root(0, size, root);
        for (uint64_t i = 0; i < size; i++) {
            const uint8_t(*p)[MERKLE_LEN] = (const uint8_t(*)[MERKLE_LEN])proof;

            assert_int_equal(merkle_prove_inclusion(i, size, fetch, NULL, proof, &n, &err), 0);
            assert_true(merkle_included(i, leaves[i], size, root, p, n));
            assert_false(merkle_included(i + 1, leaves[i], size, root, p, n));
            assert_false(merkle_included(i, leaves[(i + 1) % LEAVES], size, root, p, n));
            assert_false(merkle_included(i, leaves[i], size, root, p, n + 1));
        }
    }
}

static void
a_proof_of_what_is_not_there_is_refused(void **state)
{
    uint8_t proof[MERKLE_PROOF_MAX][MERKLE_LEN];
    size_t n = 7;
    struct err a = { 0 }, b = { 0 }, c = { 0 };

    (void)state;
    assert_int_equal(merkle_prove_inclusion(5, 5, fetch, NULL, proof, &n, &a), -1);
    assert_int_equal(merkle_prove_consistency(6, 5, fetch, NULL, proof, &n, &b), -1);
    assert_int_equal(merkle_prove_inclusion(1, 5, fetch_nothing, NULL, proof, &n, &c), -1);
    assert_int_equal(c.kind, ERR_IO);
    assert_int_equal(n, 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_roots),
        cmocka_unit_test(k1_leaves_and_nodes_never_coincide),
        cmocka_unit_test(the_frontier_is_the_tree),
        cmocka_unit_test(k2_k4_every_growth_is_proven_and_no_other),
        cmocka_unit_test(k3_k4_every_leaf_is_proven_at_its_place_only),
        cmocka_unit_test(a_proof_of_what_is_not_there_is_refused),
    };

    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
