/* base/text.h: cutting, comparing and counting bytes that are not ours. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
cuts_every_part_once(void **state)
{
    struct text rest = TEXT("a,,b"), part;

    (void)state;
    assert_true(text_cut(&rest, ',', &part) && text_is(part, "a"));
    assert_true(text_cut(&rest, ',', &part) && text_is(part, ""));
    assert_true(text_cut(&rest, ',', &part) && text_is(part, "b"));
    assert_false(text_cut(&rest, ',', &part));
}

static void
numbers_are_digits_within_a_maximum(void **state)
{
    uint64_t v = 7;

    (void)state;
    assert_true(text_to_u64(TEXT("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    assert_false(text_to_u64(TEXT("18446744073709551616"), UINT64_MAX, &v));
    assert_false(text_to_u64(TEXT(""), 9, &v));
    assert_false(text_to_u64(TEXT("+1"), 9, &v));
    assert_false(text_to_u64(TEXT("1 "), 9, &v));
    assert_false(text_to_u64(TEXT("10"), 9, &v));
}

static void
compares_bytes_and_folds_ascii_only(void **state)
{
    (void)state;
    assert_true(text_compare(TEXT("a"), TEXT("ab")) < 0);
    assert_true(text_compare(TEXT("b"), TEXT("ab")) > 0);
    assert_true(text_is_nocase(TEXT("CoNtent-Length"), "content-length"));
    assert_false(text_is_nocase(TEXT("\xc3\x84"), "\xc3\xa4"));
    assert_true(text_is(text_trim(TEXT(" \tx y\t ")), "x y"));
    assert_true(text_starts(TEXT("/v2/"), "/v2"));
    assert_true(text_ends(TEXT("app.sig"), ".sig"));
}

static void
utf8_is_well_formed_or_it_is_not(void **state)
{
    static const char *const good[] = { "",
                                        "plain",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80",
                                       "\xc0\xaf",
                                       "\xc1\xbf",
                                       "\xc2",
                                       "\xc2"
                                       "a",
                                       "\xe0\x9f\xbf",
                                       "\xed\xa0\x80",
                                       "\xe2\x82",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xff" };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(text_is_utf8(text_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(text_is_utf8(text_of(bad[i])));
}

static void
broken_utf8_is_mended(void **state)
{
    char s[] = "a\xff\xc3\xa9\xe2\x82";

    (void)state;
    text_mend_utf8(s);
    assert_string_equal(s, "a?\xc3\xa9??");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_every_part_once),
        cmocka_unit_test(numbers_are_digits_within_a_maximum),
        cmocka_unit_test(compares_bytes_and_folds_ascii_only),
        cmocka_unit_test(broken_utf8_is_mended),
        cmocka_unit_test(utf8_is_well_formed_or_it_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
