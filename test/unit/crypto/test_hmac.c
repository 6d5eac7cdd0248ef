/* crypto/hmac.h: the vectors of RFC 4231, and pieces. */
#include "crypto/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
assert_code(struct text key, struct text message, const char *hex)
{
    struct hmac_key k;
    uint8_t code[HMAC_LEN];
    char got[2 * HMAC_LEN + 1];

    hmac_key_init(&k, key);
    hmac_of(&k, message.p, message.n, code);
    hex_print(code, HMAC_LEN, got);
    assert_string_equal(got, hex);
}

static void
rfc4231_vectors(void **state)
{
    char key[131];

    (void)state;
    assert_code(TEXT("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
                     "\x0b"),
                TEXT("Hi There"),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_code(TEXT("Jefe"), TEXT("what do ya want for nothing?"),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    assert_code(text_from(key, sizeof(key)),
                TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
m1_any_split_gives_the_same_code(void **state)
{
    char message[200];
    struct hmac_key k;
    uint8_t whole[HMAC_LEN], parts[HMAC_LEN];

    (void)state;
    memset(message, 'm', sizeof(message));
    hmac_key_init(&k, TEXT("key"));
    hmac_of(&k, message, sizeof(message), whole);
    for (size_t cut = 0; cut <= sizeof(message); cut++) {
        struct hmac h;

        hmac_begin(&h, &k);
        hmac_add(&h, message, cut);
        hmac_add(&h, message + cut, sizeof(message) - cut);
        hmac_end(&h, parts);
        assert_memory_equal(whole, parts, HMAC_LEN);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc4231_vectors),
        cmocka_unit_test(m1_any_split_gives_the_same_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
