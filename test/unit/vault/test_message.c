/* vault/message.h: what parses prints back; nothing of another shape parses. */
#include "vault/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vault/checkpoint_note.h"

#define EPOCH "2b7c9a52-3f0e-4a53-9d1f-8b8f2f7f1a11"

static void
g1_checkpoints_print_back(void **state)
{
    struct vault_checkpoint c = { .epoch = EPOCH, .size = 70000, .time_us = -5, .old_size = 9 };
    struct vault_checkpoint again;
    struct err err = { 0 };
    OWN_BUF(b, VAULT_CHECKPOINT_MAX);

    (void)state;
    for (c.n_proof = 0; c.n_proof <= VAULT_PROOF_MAX; c.n_proof++) {
        if (c.n_proof > 0)
            memset(c.proof[c.n_proof - 1], (int)c.n_proof, VAULT_ROOT_LEN);
        buf_clear(&b);
        vault_message_print_checkpoint(&c, &b);
        assert_int_equal(vault_message_checkpoint(buf_view(&b), &again, &err), 0);
        assert_memory_equal(&c, &again, sizeof(c));
    }
}

static void
g1_memory_prints_back(void **state)
{
    struct vault_memory m = { .epoch = EPOCH, .size = UINT64_MAX, .root = { 1, 2, 3 } }, again;
    struct err err = { 0 };
    OWN_BUF(b, VAULT_MEMORY_LEN);

    (void)state;
    memset(&again, 0, sizeof(again));
    vault_message_print_memory(&m, &b);
    assert_int_equal(vault_message_memory(buf_view(&b), &again, &err), 0);
    assert_string_equal(m.epoch, again.epoch);
    assert_true(m.size == again.size);
    assert_memory_equal(m.root, again.root, sizeof(m.root));
}

static void
g2_other_shapes_are_refused(void **state)
{
    struct vault_checkpoint c = { .epoch = EPOCH, .size = 3, .n_proof = 1 }, out;
    struct vault_memory m;
    enum vault_key key = VAULT_KEY_CHECKPOINT;
    struct text rest;
    OWN_BUF(b, VAULT_CHECKPOINT_MAX);

    (void)state;
    vault_message_print_checkpoint(&c, &b);
    for (size_t n = 0; n < b.n; n++) {
        struct err err = { 0 };

        if (n != VAULT_CHECKPOINT_MIN)
            assert_int_equal(vault_message_checkpoint(text_from(b.p, n), &out, &err), -1);
        err_clear(&err);
        if (n != VAULT_MEMORY_LEN)
            assert_int_equal(vault_message_memory(text_from(b.p, n), &m, &err), -1);
    }
    b.p[3] = 'z'; /* no UUID any more */
    {
        struct err a = { 0 }, d = { 0 }, e = { 0 };

        assert_int_equal(vault_message_checkpoint(buf_view(&b), &out, &a), -1);
        assert_int_equal(vault_message_key(TEXT("\x03"), &key, &rest, &d), -1);
        assert_int_equal(vault_message_key(TEXT(""), &key, &rest, &e), -1);
        assert_int_equal(key, VAULT_KEY_CHECKPOINT);
    }
}

static void
n1_the_note_is_what_it_says(void **state)
{
    uint8_t root[32] = { 0 };
    OWN_BUF(b, CHECKPOINT_NOTE_MAX);

    (void)state;
    checkpoint_note(EPOCH, 42, root, 1000000, &b);
    assert_string_equal(b.p, "holdfast audit checkpoint v1\n" EPOCH "\n42\n"
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                             "1970-01-01T00:00:01.000000Z\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g1_checkpoints_print_back),
        cmocka_unit_test(g1_memory_prints_back),
        cmocka_unit_test(g2_other_shapes_are_refused),
        cmocka_unit_test(n1_the_note_is_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
