/* The invariants of wire/reference.h. */
#include "wire/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
f1_names(void **state)
{
    static const char *const good[] = { "a", "app/web", "a.b_c__d---e", "0/1/2", "library/a-b" };
    static const char *const bad[] = { "",      "/",   "/a",  "a/",       "a//b", "A",      "a..b",
                                       "a___b", "-a",  "a-",  ".",        "..",   "a/../b", "a._b",
                                       "a b",   "a:b", "a@b", "\xc3\xa9", "a/.b", "a.-b" };
    char longest[REFERENCE_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!reference_name_ok(text_of(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (reference_name_ok(text_of(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    memset(longest, 'a', sizeof(longest));
    assert_true(reference_name_ok(text_from(longest, REFERENCE_NAME_MAX)));
    assert_false(reference_name_ok(text_from(longest, REFERENCE_NAME_MAX + 1)));
    assert_false(reference_name_ok(TEXT("a\0b")));
}

static void
tags(void **state)
{
    char longest[REFERENCE_TAG_MAX + 1];

    (void)state;
    memset(longest, 'T', sizeof(longest));
    assert_true(reference_tag_ok(TEXT("latest")));
    assert_true(reference_tag_ok(TEXT("_1.0-RC")));
    assert_true(reference_tag_ok(text_from(longest, REFERENCE_TAG_MAX)));
    assert_false(reference_tag_ok(text_from(longest, REFERENCE_TAG_MAX + 1)));
    assert_false(reference_tag_ok(TEXT("")));
    assert_false(reference_tag_ok(TEXT(".a")));
    assert_false(reference_tag_ok(TEXT("-a")));
    assert_false(reference_tag_ok(TEXT("a~b")));
    assert_false(reference_tag_ok(TEXT("a/b")));
}

static void
f2_image_names(void **state)
{
    static const struct {
        const char *text, *host, *name, *tag;
        bool digest;
    } cases[] = {
        { "localhost:8443/app/web:1@sha256:" HEX64, "localhost:8443", "app/web", "1", true },
        { "localhost/app", "localhost", "app", "", false },
        { "holdfast.azurecr.localhost/a:b", "holdfast.azurecr.localhost", "a", "b", false },
        { "[::1]:8443/a", "[::1]:8443", "a", "", false },
        { "127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", "", false },
        { "app/web", "", "app/web", "", false },
        { "app:1", "", "app", "1", false },
        { "app@sha256:" HEX64, "", "app", "", true },
    };
    static const char *const bad[] = { "",
                                       "a:",
                                       ":a",
                                       "a@",
                                       "a@sha256:0",
                                       "a@b@c",
                                       "localhost:8443/",
                                       "host:/a",
                                       "host:123456/a",
                                       "ho_st:1/a",
                                       "[::1/a",
                                       "[::1]x/a",
                                       "A/b",
                                       "a:b:c",
                                       "a/b/",
                                       "host.example/A" };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        OWN_BUF(b, 1000);
        struct reference r;
        struct err err = { 0 };

        if (reference_parse(&r, text_of(cases[i].text), &err) != 0 ||
            !text_is(r.host, cases[i].host) || !text_is(r.name, cases[i].name) ||
            !text_is(r.tag, cases[i].tag) || r.has_digest != cases[i].digest)
            fail_msg("%s", cases[i].text);
        reference_print(&r, &b);
        assert_string_equal(b.p, cases[i].text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct reference r = { .host = TEXT("untouched") };
        struct err err = { 0 };

        if (reference_parse(&r, text_of(bad[i]), &err) != -1 || !text_is(r.host, "untouched"))
            fail_msg("accepted: %s", bad[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_names),
        cmocka_unit_test(tags),
        cmocka_unit_test(f2_image_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
