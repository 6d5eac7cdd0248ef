/* The invariants of wire/base64.h. */
#include "wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
the_vectors_of_rfc_4648(void **state)
{
    static const char *const rows[][3] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "\xfb\xff", "+/8=", "-_8" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int variant = BASE64_STANDARD; variant <= BASE64_URL; variant++) {
            OWN_BUF(b, 100);
            char out[8];
            size_t n = 99;

            base64_print(&b, (enum base64_variant)variant, rows[i][0], strlen(rows[i][0]));
            assert_true(text_is(buf_view(&b), rows[i][1 + variant]));
            assert_true(
                base64_parse((enum base64_variant)variant, buf_view(&b), out, sizeof(out), &n));
            assert_true(text_is(text_from(out, n), rows[i][0]));
            assert_int_equal(base64_size((enum base64_variant)variant, buf_view(&b)), n);
        }
}

static void
x1_one_spelling(void **state)
{
    static const char *const bad[2][12] = {
        { "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", " Zm9", "Zm-v",
          "====", "Z===", "Zg==Zg==", "Zm9v=", "=" },
        { "Z", "Zh", "Zm9", "Zg==", "Zm9v=", "Zm9v\n", "Zm+v", "Zm/v", "Zm9vY", "=", "Zm 9v",
          "Zm9v.Zg" },
    };
    char out[32];
    size_t n = 99;

    (void)state;
    for (int variant = BASE64_STANDARD; variant <= BASE64_URL; variant++)
        for (size_t i = 0; i < 12; i++)
            if (base64_parse((enum base64_variant)variant, text_of(bad[variant][i]), out,
                             sizeof(out), &n))
                fail_msg("accepted: %s", bad[variant][i]);
    assert_int_equal(n, 99);
}

static void
x2_never_above_the_maximum(void **state)
{
    char out[4] = "abc";
    size_t n;

    (void)state;
    assert_false(base64_parse(BASE64_STANDARD, TEXT("Zm9v"), out, 2, &n));
    assert_string_equal(out, "abc");
    assert_true(base64_parse(BASE64_STANDARD, TEXT("Zm9v"), out, 3, &n));
    assert_string_equal(out, "foo");
    assert_true(base64_parse(BASE64_URL, (struct text){ NULL, 0 }, NULL, 0, &n));
    assert_int_equal(n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648),
        cmocka_unit_test(x1_one_spelling),
        cmocka_unit_test(x2_never_above_the_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
