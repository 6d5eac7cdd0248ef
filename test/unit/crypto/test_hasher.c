/* The invariants of crypto/hasher.h. */
#include "crypto/hasher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const enum digest_algorithm both[] = { DIGEST_SHA256, DIGEST_SHA512 };

static void
fill(uint8_t *p, size_t n)
{
    uint32_t x = 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (uint8_t)(x >> 24);
    }
}

static void
expect(enum digest_algorithm algorithm, const char *message, const char *hex)
{
    struct digest d;
    char text[DIGEST_TEXT_MAX + 1];

    hasher_of(algorithm, message, strlen(message), &d);
    digest_text(&d, text);
    assert_string_equal(strchr(text, ':') + 1, hex);
}

/* FIPS 180-4 examples "abc" and the empty message. */
static void
known_answers(void **state)
{
    (void)state;
    expect(DIGEST_SHA256, "abc",
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(DIGEST_SHA512, "abc",
           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
           "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void
h1_any_split_same_digest(void **state)
{
    uint8_t bytes[700];

    (void)state;
    fill(bytes, sizeof(bytes));
    for (size_t a = 0; a < 2; a++) {
        struct digest whole, parts;

        hasher_of(both[a], bytes, sizeof(bytes), &whole);
        for (size_t step = 1; step < sizeof(bytes); step += 13) {
            struct hasher h;

            hasher_init(&h, both[a]);
            for (size_t at = 0; at < sizeof(bytes); at += step)
                hasher_add(&h, bytes + at, step < sizeof(bytes) - at ? step : sizeof(bytes) - at);
            assert_int_equal(h.size, sizeof(bytes));
            hasher_end(&h, &parts);
            assert_true(digest_equal(&whole, &parts));
        }
    }
}

static void
h2_restored_at_every_byte(void **state)
{
    uint8_t bytes[400];

    (void)state;
    fill(bytes, sizeof(bytes));
    for (size_t a = 0; a < 2; a++) {
        struct digest whole, got;

        hasher_of(both[a], bytes, sizeof(bytes), &whole);
        for (size_t at = 0; at <= sizeof(bytes); at++) {
            uint8_t saved[HASHER_SAVED_MAX];
            struct err err = { 0 };
            struct hasher h, again;
            size_t n;

            hasher_init(&h, both[a]);
            hasher_add(&h, bytes, at);
            n = hasher_save(&h, saved);
            assert_int_equal(hasher_restore(&again, saved, n, &err), 0);
            assert_int_equal(again.size, at);
            hasher_add(&again, bytes + at, sizeof(bytes) - at);
            hasher_end(&again, &got);
            assert_true(digest_equal(&whole, &got));
        }
    }
}

/* Beyond 2^32 bits the count lies in two words of SHA256_CTX; 600 MB is too slow to hash twice. */
static void
h2_count_above_four_gigabits(void **state)
{
    struct hasher h, again;
    uint8_t saved[HASHER_SAVED_MAX], record[HASHER_SAVED_MAX];
    struct err err = { 0 };
    size_t n;

    (void)state;
    hasher_init(&h, DIGEST_SHA256);
    n = hasher_save(&h, saved);
    saved[10] = 0x12; /* 2^45 bits and more */
    saved[14] = 0x02; /* a whole number of blocks */
    assert_int_equal(hasher_restore(&again, saved, n, &err), 0);
    assert_int_equal(again.size, (UINT64_C(0x12) << 40 | 0x200) / 8);
    assert_int_equal(hasher_save(&again, record), n);
    assert_memory_equal(record, saved, n);
    hasher_add(&again, "x", 1);
    assert_int_equal(hasher_save(&again, record), n + 1);
}

static void
h3_nothing_else_is_accepted(void **state)
{
    uint8_t saved[HASHER_SAVED_MAX], bad[HASHER_SAVED_MAX];
    struct hasher h, untouched = { .size = 7 };
    size_t n;

    (void)state;
    hasher_init(&h, DIGEST_SHA256);
    hasher_add(&h, "seventeen bytes..", 17);
    n = hasher_save(&h, saved);
    for (size_t len = 0; len <= sizeof(saved); len++) {
        struct err err = { 0 };

        assert_int_equal(hasher_restore(&untouched, saved, len, &err), len == n ? 0 : -1);
        assert_int_equal(err.kind, len == n ? ERR_OK : ERR_CORRUPT);
        if (len == n)
            untouched.size = 7;
    }
    assert_int_equal(untouched.size, 7);
    for (size_t at = 0; at < 8; at++) {
        struct err err = { 0 };

        memcpy(bad, saved, sizeof(bad));
        bad[at] ^= 0x40;
        assert_int_equal(hasher_restore(&untouched, bad, n, &err), -1);
    }
    memcpy(bad, saved, sizeof(bad));
    bad[15] |= 1; /* not a whole number of bytes */
    assert_int_equal(hasher_restore(&untouched, bad, n, &(struct err){ 0 }), -1);
}

static void
end_leaves_the_hasher_running(void **state)
{
    struct digest first, second, whole;
    struct hasher h;

    (void)state;
    hasher_init(&h, DIGEST_SHA512);
    hasher_add(&h, "ab", 2);
    hasher_end(&h, &first);
    hasher_add(&h, "c", 1);
    hasher_end(&h, &second);
    hasher_of(DIGEST_SHA512, "abc", 3, &whole);
    assert_true(digest_equal(&second, &whole));
    assert_false(digest_equal(&first, &second));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(h1_any_split_same_digest),
        cmocka_unit_test(h2_restored_at_every_byte),
        cmocka_unit_test(h2_count_above_four_gigabits),
        cmocka_unit_test(h3_nothing_else_is_accepted),
        cmocka_unit_test(end_leaves_the_hasher_running),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
