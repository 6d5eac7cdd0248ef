/* The invariants of exchange/route.h. */
#include "exchange/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int
never_called(void *room, struct exchange *x, struct err *err)
{
    (void)room;
    (void)x;
    return err_set(err, ERR_IO, "not in this test");
}

#define ROW(method, pattern, dialect)                                                              \
    {                                                                                              \
        method, pattern, "test/action", dialect, never_called, 0, 0                                \
    }

static const struct route table[] = {
    ROW(HTTP_GET, "/v2/", DIALECT_OCI),
    ROW(HTTP_GET, "/v2/{name*}/manifests/{reference}", DIALECT_OCI),
    ROW(HTTP_PUT, "/v2/{name*}/manifests/{reference}", DIALECT_OCI),
    ROW(HTTP_POST, "/v2/{name*}/blobs/uploads/", DIALECT_OCI),
    ROW(HTTP_GET, "/v2/{name*}/blobs/{digest}", DIALECT_OCI),
    ROW(HTTP_GET, "/v2/_catalog", DIALECT_OCI),
    ROW(HTTP_GET, "/subscriptions/{s}/resourceGroups/{g}", DIALECT_ARM),
    ROW(HTTP_PUT, "/{scope*}/providers/Microsoft.Authorization/roleAssignments/{id}", DIALECT_ARM),
    { HTTP_GET, NULL, NULL, DIALECT_PLAIN, NULL, 0, 0 },
};

struct found {
    const struct route *route;
    struct route_params params;
    unsigned allowed;
};

static struct found
find(enum http_method method, const char *path)
{
    struct err err = { 0 };
    struct routes *rs = routes_new();
    struct found f = { 0 };
    void *room = NULL;

    assert_int_equal(routes_mount(rs, table, &f, &err), 0);
    f.route = routes_find(rs, method, text_of(path), &f.params, &room, &f.allowed);
    if (f.route != NULL)
        assert_ptr_equal(room, &f);
    routes_free(rs);
    return f;
}

static void
r1_a_row_without_an_action_is_refused(void **state)
{
    static const struct route bare[] = {
        { HTTP_GET, "/x", NULL, DIALECT_PLAIN, never_called, 0, 0 },
        { HTTP_GET, NULL, NULL, DIALECT_PLAIN, NULL, 0, 0 },
    };
    struct err err = { 0 };
    struct routes *rs = routes_new();

    (void)state;
    assert_int_equal(routes_mount(rs, bare, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    routes_free(rs);
}

static void
r2_names_take_one_or_more_whole_segments(void **state)
{
    struct found f = find(HTTP_GET, "/v2/team/app/web/manifests/1.0");

    (void)state;
    assert_ptr_equal(f.route, &table[1]);
    assert_true(text_is(f.params.items[0].name, "name"));
    assert_true(text_is(f.params.items[0].value, "team/app/web"));
    assert_true(text_is(f.params.items[1].value, "1.0"));
    assert_ptr_equal(find(HTTP_GET, "/v2/").route, &table[0]);
    assert_null(find(HTTP_GET, "/v2").route);
    assert_null(find(HTTP_GET, "/v2/manifests/1.0").route);
    assert_null(find(HTTP_GET, "/v2/app/manifests/").route);
    assert_ptr_equal(find(HTTP_POST, "/v2/a/blobs/uploads/").route, &table[3]);
    assert_null(find(HTTP_POST, "/v2/a/blobs/uploads").route);
}

static void
r2_arm_literals_fold_case_and_others_do_not(void **state)
{
    (void)state;
    assert_ptr_equal(find(HTTP_GET, "/Subscriptions/1/RESOURCEGROUPS/g").route, &table[6]);
    assert_null(find(HTTP_GET, "/V2/").route);
}

static void
r2_a_name_may_stand_first(void **state)
{
    struct found f = find(HTTP_PUT, "/subscriptions/1/providers/microsoft.authorization/"
                                    "roleassignments/7");

    (void)state;
    assert_ptr_equal(f.route, &table[7]);
    assert_true(text_is(f.params.items[0].value, "subscriptions/1"));
    assert_true(text_is(f.params.items[1].value, "7"));
}

static void
r3_more_literals_win(void **state)
{
    (void)state;
    /* A repository called "x/blobs/uploads" cannot hide the blobs of "x". */
    assert_ptr_equal(find(HTTP_GET, "/v2/x/blobs/y").route, &table[4]);
    assert_ptr_equal(find(HTTP_GET, "/v2/_catalog").route, &table[5]);
}

static void
head_is_served_by_get_and_405_knows_the_others(void **state)
{
    struct found f = find(HTTP_DELETE, "/v2/app/manifests/1");

    (void)state;
    assert_ptr_equal(find(HTTP_HEAD, "/v2/app/manifests/1").route, &table[1]);
    assert_null(f.route);
    assert_int_equal(f.allowed, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_PUT);
}

static void
a_path_of_very_many_segments_matches_nothing(void **state)
{
    char path[2048] = "";

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(path); i += 2)
        memcpy(path + i, "/a", 3);
    assert_null(find(HTTP_GET, path).route);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_a_row_without_an_action_is_refused),
        cmocka_unit_test(r2_names_take_one_or_more_whole_segments),
        cmocka_unit_test(r2_arm_literals_fold_case_and_others_do_not),
        cmocka_unit_test(r2_a_name_may_stand_first),
        cmocka_unit_test(r3_more_literals_win),
        cmocka_unit_test(head_is_served_by_get_and_405_knows_the_others),
        cmocka_unit_test(a_path_of_very_many_segments_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
