/* crypto/key.h: what is signed verifies, what was changed does not, and only two kinds are keys. */
#include "crypto/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

static void
signs_and_survives_a_round_trip(enum key_kind kind, size_t length)
{
    struct err err = { 0 };
    OWN(key) made = key_generate(kind, &err);
    OWN(secret) der = key_private(made, &err);
    OWN(key) again = key_from_private(secret_view(der), &err);
    OWN_BUF(spki, KEY_DER_MAX);
    uint8_t sig[KEY_SIGNATURE_MAX];
    size_t n = 0;

    assert_int_equal(key_public(made, &spki, &err), 0);
    {
        OWN(key) public = key_from_public(buf_view(&spki), &err);

        for (int i = 0; i < 40; i++) {
            assert_int_equal(key_sign(again, TEXT("input"), sig, &n, &err), 0);
            assert_int_equal(n, length);
            assert_true(key_verify(public, TEXT("input"), sig, n));
            assert_false(key_verify(public, TEXT("inpuT"), sig, n));
            assert_false(key_verify(public, TEXT("input"), sig, n - 1));
            sig[i % (int)n] ^= 4;
            assert_false(key_verify(public, TEXT("input"), sig, n));
        }
    }
}

static void
y1_es256_is_r_and_s(void **state)
{
    (void)state;
    signs_and_survives_a_round_trip(KEY_P256, 64);
}

static void
rs256_has_the_length_of_its_modulus(void **state)
{
    (void)state;
    signs_and_survives_a_round_trip(KEY_RSA, 256);
}

static void
y2_zero_is_no_signature(void **state)
{
    struct err err = { 0 };
    OWN(key) key = key_generate(KEY_P256, &err);
    uint8_t zero[64] = { 0 }, ones[64];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    assert_false(key_verify(key, TEXT("x"), zero, 64));
    assert_false(key_verify(key, TEXT("x"), ones, 64));
    assert_false(key_verify(key, TEXT("x"), zero, 0));
}

static void
y3_other_curves_and_sizes_are_no_keys(void **state)
{
    EVP_PKEY *bad[] = { EVP_EC_gen("P-384"), EVP_RSA_gen(1024),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = { 0 };
        unsigned char *der = NULL;
        int n = i2d_PUBKEY(bad[i], &der);

        assert_true(n > 0);
        assert_null(key_from_public(text_from(der, (size_t)n), &err));
        assert_int_equal(err.kind, ERR_INVALID);
        OPENSSL_free(der);
        EVP_PKEY_free(bad[i]);
    }
    {
        struct err err = { 0 };

        assert_null(key_from_private(TEXT("not DER at all"), &err));
        assert_int_equal(err.kind, ERR_IO);
    }
}

static void
numbers_are_those_of_the_key(void **state)
{
    struct err err = { 0 };
    OWN(key) rsa = key_generate(KEY_RSA, &err);
    OWN(key) ec = key_generate(KEY_P256, &err);
    struct key_numbers v;

    (void)state;
    assert_int_equal(key_numbers(rsa, &v, &err), 0);
    assert_int_equal(v.n_len, 256);
    assert_int_equal(v.e_len, 3);
    assert_memory_equal(v.e, "\x01\x00\x01", 3);
    assert_int_equal(key_numbers(ec, &v, &err), 0);
    assert_string_equal(key_algorithm(ec), "ES256");
    assert_string_equal(key_algorithm(rsa), "RS256");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(y1_es256_is_r_and_s),
        cmocka_unit_test(rs256_has_the_length_of_its_modulus),
        cmocka_unit_test(y2_zero_is_no_signature),
        cmocka_unit_test(y3_other_curves_and_sizes_are_no_keys),
        cmocka_unit_test(numbers_are_those_of_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
