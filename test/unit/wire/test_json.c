/* The invariants of wire/json.h. */
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sweep.h"

static void
j1_refuses_hostile_documents(void **state)
{
    static const char *const bad[] = { "",
                                       "{",
                                       "{\"a\":1,\"a\":2}",
                                       "{} x",
                                       "[1,]",
                                       "[01]",
                                       "[NaN]",
                                       "[1]/**/",
                                       "'a'",
                                       "[\"\\u0000\"]",
                                       "[\"\xff\"]",
                                       "[\"\\ud800\"]",
                                       "[1e400]",
                                       "[18446744073709551615]",
                                       "\"text\"",
                                       "\xef\xbb\xbf{}" };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err = (struct err){ 0 };
        if (json_read(text_of(bad[i]), &err) != NULL)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.kind, ERR_INVALID);
    }
    err = (struct err){ 0 };
    assert_null(json_read(TEXT("[\"a\0b\"]"), &err));
    err = (struct err){ 0 };
    assert_null(json_read(TEXT("{\n  \"a\": x}"), &err));
    assert_non_null(strstr(err.msg, "line 2, column 8"));
}

static void
j1_depth_is_limited(void **state)
{
    char nested[2 * (JSON_DEPTH_MAX + 1)];

    (void)state;
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        OWN_JSON tree = NULL;
        struct err err = { 0 };

        memset(nested, '[', depth);
        memset(nested + depth, ']', depth);
        tree = json_read(text_from(nested, 2 * depth), &err);
        assert_int_equal(tree != NULL, depth == JSON_DEPTH_MAX);
        assert_int_equal(err.kind, tree != NULL ? ERR_OK : ERR_TOO_LARGE);
    }
    {
        /* Brackets inside texts do not count, nor do escaped quotes end them. */
        struct err err = { 0 };
        OWN_JSON tree =
            json_read(TEXT("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                           "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]"),
                      &err);

        assert_non_null(tree);
    }
}

static void
j2_getters_say_which_member(void **state)
{
    struct err err = { 0 };
    OWN_JSON tree = json_read(TEXT("{\"p\":{\"os\":\"Linux\",\"n\":70000,\"f\":1.5,\"b\":true,"
                                   "\"a\":[1],\"o\":{},\"z\":null}}"),
                              &err);
    struct text t = TEXT("untouched");
    int64_t n = 7;
    double f = 7;
    bool b = false;
    json_t *sub = NULL;

    (void)state;
    assert_int_equal(json_need_text(tree, "p.os", &t, &err), 0);
    assert_true(text_is(t, "Linux"));
    assert_int_equal(json_need_int(tree, "p.n", 0, 70000, &n, &err), 0);
    assert_int_equal(n, 70000);
    assert_int_equal(json_want_number(tree, "p.f", 0, 2, 0, &f, &err), 0);
    assert_true(f > 1.4 && f < 1.6);
    assert_int_equal(json_want_bool(tree, "p.b", false, &b, &err), 0);
    assert_true(b);
    assert_int_equal(json_need_array(tree, "p.a", &sub, &err), 0);
    assert_int_equal(json_array_size(sub), 1);
    assert_int_equal(json_need_object(tree, "p.o", &sub, &err), 0);
    assert_true(json_is_object(sub));
    assert_int_equal(err.kind, ERR_OK);

    assert_int_equal(json_need_text(tree, "p.n", &t, &err), -1);
    assert_string_equal(err.msg, "p.n: must be a text");
    assert_true(text_is(t, "Linux"));
    err = (struct err){ 0 };
    assert_int_equal(json_need_text(tree, "p.z", &t, &err), -1);
    assert_string_equal(err.msg, "p.z: is missing");
    err = (struct err){ 0 };
    assert_int_equal(json_need_int(tree, "p.n", 1, 65535, &n, &err), -1);
    assert_string_equal(err.msg, "p.n: must be from 1 to 65535");
    err = (struct err){ 0 };
    assert_int_equal(json_need_int(tree, "p.f", 1, 65535, &n, &err), -1);
    assert_int_equal(n, 70000);
    err = (struct err){ 0 };
    assert_int_equal(json_want_text(tree, "p.os.x", TEXT(""), &t, &err), -1);
    err = (struct err){ 0 };
    assert_int_equal(json_want_array(tree, "p.o", &sub, &err), -1);
    assert_string_equal(err.msg, "p.o: must be an array");
    assert_int_equal(json_within(&err, "groups[%d]", 2), -1);
    assert_string_equal(err.msg, "groups[2].p.o: must be an array");
}

static void
j2_absent_members_take_the_default(void **state)
{
    struct err err = { 0 };
    OWN_JSON tree = json_read(TEXT("{\"z\":null}"), &err);
    struct text t;
    int64_t n;
    double f;
    bool b;
    json_t *sub = tree;

    (void)state;
    assert_int_equal(json_want_text(tree, "q.r", TEXT("d"), &t, &err), 0);
    assert_true(text_is(t, "d"));
    assert_int_equal(json_want_int(tree, "z", 1, 2, 9, &n, &err), 0);
    assert_int_equal(n, 9);
    assert_int_equal(json_want_number(tree, "z", 1, 2, 9, &f, &err), 0);
    assert_true(f > 8.9);
    assert_int_equal(json_want_bool(tree, "z", true, &b, &err), 0);
    assert_true(b);
    assert_int_equal(json_want_object(tree, "z.y", &sub, &err), 0);
    assert_null(sub);
    assert_int_equal(json_want_array(NULL, "z", &sub, &err), 0);
    assert_null(sub);
}

static void
j4_prints_keep_order_and_canonical_ones_sort(void **state)
{
    struct err err = { 0 };
    OWN_JSON tree =
        json_read(TEXT(" { \"b\" : [ 1 , 2.5 , null ] , \"a\" : \"\\u00e9/\" } "), &err);
    OWN_BUF(b, 100);
    OWN_BUF(tiny, 5);

    (void)state;
    assert_int_equal(json_print(tree, &b, &err), 0);
    assert_string_equal(b.p, "{\"b\":[1,2.5,null],\"a\":\"\xc3\xa9/\"}");
    buf_clear(&b);
    assert_int_equal(json_canonical(tree, &b, &err), 0);
    assert_string_equal(b.p, "{\"a\":\"\xc3\xa9/\",\"b\":[1,2.5,null]}");
    assert_int_equal(json_print(tree, &tiny, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

static void
texts_go_in_and_out(void **state)
{
    OWN_JSON good = json_from(TEXT("a\0b"));
    OWN_JSON empty = json_from((struct text){ NULL, 0 });

    (void)state;
    assert_int_equal(json_text(good).n, 3);
    assert_true(json_text(empty).p != NULL && json_text(empty).n == 0);
    assert_null(json_from(TEXT("\xff")));
    assert_null(json_text(NULL).p);
}

static int
read_and_print(void)
{
    struct err err = { 0 };
    OWN_JSON tree = json_read(TEXT("{\"a\":[1,2.5,{\"b\":\"text\"},true],\"c\":{}}"), &err);
    OWN_BUF(b, 1000);

    if (tree == NULL) {
        assert_int_equal(err.kind, ERR_NO_SPACE);
        return -1;
    }
    return json_print(tree, &b, &err) != 0 || json_canonical(tree, &b, &err) != 0 ? -1 : 0;
}

static void
j3_every_allocation_may_fail(void **state)
{
    long live = mem_live();

    (void)state;
    SWEEP(read_and_print(), live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(j1_refuses_hostile_documents),
        cmocka_unit_test(j1_depth_is_limited),
        cmocka_unit_test(j2_getters_say_which_member),
        cmocka_unit_test(j2_absent_members_take_the_default),
        cmocka_unit_test(j4_prints_keep_order_and_canonical_ones_sort),
        cmocka_unit_test(texts_go_in_and_out),
        cmocka_unit_test(j3_every_allocation_may_fail),
    };

    json_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
