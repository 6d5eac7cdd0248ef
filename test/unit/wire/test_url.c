/* The invariants of wire/url.h. */
#include "wire/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sweep.h"

static void
splits_at_the_first_question_mark(void **state)
{
    struct text path, query;

    (void)state;
    assert_int_equal(url_split(TEXT("/a?b?c"), &path, &query), 0);
    assert_true(text_is(path, "/a") && text_is(query, "b?c"));
    assert_int_equal(url_split(TEXT("/"), &path, &query), 0);
    assert_true(text_is(path, "/") && text_is(query, ""));
    assert_int_equal(url_split(TEXT("*"), &path, &query), -1);
    assert_int_equal(url_split(TEXT(""), &path, &query), -1);
}

static void
u1_u2_paths(void **state)
{
    static const struct {
        const char *raw;
        bool collapse;
        const char *path; /* NULL: refused */
    } cases[] = {
        { "/v2/a%2Fb/blobs/sha256%3Aab", false, "/v2/a/b/blobs/sha256:ab" },
        { "/v2//a///b/", true, "/v2/a/b/" },
        { "/v2//a", false, "/v2//a" },
        { "/%2f%2Fa", true, "/a" },
        { "/a+b", false, "/a+b" },
        { "/%C3%A9", false, "/\xc3\xa9" },
        { "/...", false, "/..." },
        { "/", true, "/" },
        { "/..", false, NULL },
        { "/a/./b", false, NULL },
        { "/a/%2e%2E/b", false, NULL },
        { "/a%2f..%2fb", false, NULL },
        { "/.%2e", false, NULL },
        { "/a%00", false, NULL },
        { "/a%0d", false, NULL },
        { "/a%7f", false, NULL },
        { "/%", false, NULL },
        { "/%a", false, NULL },
        { "/%g0", false, NULL },
        { "/%+1", false, NULL },
        { "/%c3", false, NULL },
        { "/%c0%ae", false, NULL },
        { "%2f", false, "/" },
        { "a", false, NULL },
        { "", false, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        OWN(arena) arena = arena_new(1000);
        struct err err = { 0 };
        struct text path;
        int got = url_path_decode(text_of(cases[i].raw), arena, cases[i].collapse, &path, &err);

        if (got != (cases[i].path != NULL ? 0 : -1) || (got == 0 && !text_is(path, cases[i].path)))
            fail_msg("%s", cases[i].raw);
    }
}

static void
u3_pairs_keep_their_order(void **state)
{
    OWN(arena) arena = arena_new(1000);
    struct err err = { 0 };
    struct url_query q;
    struct text value = TEXT("untouched");

    (void)state;
    assert_int_equal(url_query_parse(TEXT("scope=a%20b+c&n=&scope=d%3De&&flag&=x&a=1=2"), arena,
                                     false, &q, &err),
                     0);
    assert_int_equal(q.n, 6);
    assert_true(url_query_get(&q, "scope", 0, &value) && text_is(value, "a b+c"));
    assert_true(url_query_get(&q, "scope", 1, &value) && text_is(value, "d=e"));
    assert_false(url_query_get(&q, "scope", 2, &value));
    assert_true(text_is(value, "d=e"));
    assert_true(url_query_get(&q, "n", 0, &value) && value.n == 0);
    assert_true(url_query_get(&q, "flag", 0, &value) && value.n == 0);
    assert_true(url_query_get(&q, "a", 0, &value) && text_is(value, "1=2"));
    assert_int_equal(url_query_parse(TEXT("a+b=c%2Bd+e"), arena, true, &q, &err), 0);
    assert_true(url_query_get(&q, "a b", 0, &value) && text_is(value, "c+d e"));
    assert_int_equal(url_query_parse(TEXT(""), arena, true, &q, &err), 0);
    assert_int_equal(q.n, 0);
}

static void
u3_refuses_bad_values_and_too_many(void **state)
{
    static const char *const bad[] = { "a=%00", "%00=a", "a=%ff", "a=%", "a=%zz" };
    OWN(arena) arena = arena_new(1000);
    OWN_BUF(many, 1000);
    struct url_query q;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = { 0 };

        assert_int_equal(url_query_parse(text_of(bad[i]), arena, false, &q, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
    for (int i = 0; i < URL_PAIRS_MAX + 1; i++) {
        struct err err = { 0 };

        buf_str(&many, "a=b&");
        assert_int_equal(url_query_parse(buf_view(&many), arena, false, &q, &err),
                         i < URL_PAIRS_MAX ? 0 : -1);
    }
}

static void
u4_what_is_encoded_decodes(void **state)
{
    OWN(arena) arena = arena_new(10000);
    OWN_BUF(b, 10000);
    struct url_query q;
    struct err err = { 0 };
    struct text value;
    char all[127 - 0x20 + 2];
    size_t n = 0;

    (void)state;
    for (char c = 0x20; c < 0x7f; c++)
        all[n++] = c;
    all[n++] = (char)0xc3;
    all[n++] = (char)0xa9;
    buf_str(&b, "v=");
    url_encode_query(&b, text_from(all, n));
    assert_int_equal(url_query_parse(buf_view(&b), arena, true, &q, &err), 0);
    assert_true(url_query_get(&q, "v", 0, &value) && text_equal(value, text_from(all, n)));
    buf_clear(&b);
    buf_char(&b, '/');
    url_encode_segment(&b, text_from(all, n));
    assert_int_equal(url_path_decode(buf_view(&b), arena, false, &value, &err), 0);
    assert_true(text_equal(text_after(value, 1), text_from(all, n)));
    buf_clear(&b);
    url_encode_segment(&b, TEXT("a/b:c d\xff\0"));
    assert_string_equal(b.p, "a%2Fb:c%20d%FF%00");
}

static int
decode_once(void)
{
    OWN(arena) arena = arena_new(1000);
    struct err err = { 0 };
    struct url_query q;
    struct text path;

    if (arena == NULL || url_path_decode(TEXT("/%41//"), arena, true, &path, &err) != 0)
        return -1;
    return url_query_parse(TEXT("a=%41&b=%42"), arena, true, &q, &err);
}

static void
every_allocation_may_fail(void **state)
{
    long live = mem_live();

    (void)state;
    SWEEP(decode_once(), live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_the_first_question_mark),
        cmocka_unit_test(u1_u2_paths),
        cmocka_unit_test(u3_pairs_keep_their_order),
        cmocka_unit_test(u3_refuses_bad_values_and_too_many),
        cmocka_unit_test(u4_what_is_encoded_decodes),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
