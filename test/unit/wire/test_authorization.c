/* The invariants of wire/authorization.h. */
#include "wire/authorization.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/base64.h"

static void
basic_of(struct buf *b, struct text both)
{
    buf_clear(b);
    buf_str(b, "Basic ");
    base64_print(b, BASE64_STANDARD, both.p, both.n);
}

static void
z1_user_and_password(void **state)
{
    OWN_AUTHORIZATION a = { 0 };
    OWN_AUTHORIZATION empty = { 0 };
    struct err err = { 0 };
    OWN_BUF(b, 1000);

    (void)state;
    assert_int_equal(authorization_parse(&a, TEXT("bAsIc  bWU6YTpiOg=="), &err), 0);
    assert_int_equal(a.scheme, AUTHORIZATION_BASIC);
    assert_string_equal(a.user, "me");
    assert_true(text_is(secret_view(a.password), "a:b:"));
    basic_of(&b, TEXT("me:"));
    assert_int_equal(authorization_parse(&empty, buf_view(&b), &err), 0);
    assert_int_equal(secret_view(empty.password).n, 0);
}

static void
z1_z2_refuses_without_saying_a_byte(void **state)
{
    const struct text both[] = { TEXT(""),
                                 TEXT("hunter2"),
                                 TEXT(":hunter2"),
                                 TEXT("a\nb:hunter2"),
                                 TEXT("a\0b:hunter2"),
                                 TEXT("\xff:hunter2") };
    static const char *const fields[] = {
        "Basic",   "Basic ",     "Basic bWU6YTpi=", "Basic bWU6 YTpi", "Digest hunter2", "Bearer",
        "Bearer ", "Bearer a b", "Bearer a,b",      "Bearer =",        "Bearer a=b",     "hunter2"
    };
    OWN_AUTHORIZATION a = { 0 };
    OWN_BUF(b, 1000);

    (void)state;
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        struct err err = { 0 };

        basic_of(&b, both[i]);
        assert_int_equal(authorization_parse(&a, buf_view(&b), &err), -1);
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        assert_null(strstr(err.msg, "hunter2"));
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct err err = { 0 };

        if (authorization_parse(&a, text_of(fields[i]), &err) != -1)
            fail_msg("accepted: %s", fields[i]);
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        assert_null(strstr(err.msg, "hunter2"));
    }
    assert_null(a.password);
}

static void
z1_z3_limits(void **state)
{
    static char field[AUTHORIZATION_MAX + 1];
    OWN_AUTHORIZATION a = { 0 };
    OWN_BUF(b, 1000);

    (void)state;
    memset(field, 'a', sizeof(field));
    memcpy(field, "Bearer ", 7);
    for (size_t over = 0; over < 2; over++) {
        struct err err = { 0 };

        assert_int_equal(authorization_parse(&a, text_from(field, AUTHORIZATION_MAX + over), &err),
                         over ? -1 : 0);
        err = (struct err){ 0 };
        field[7 + AUTHORIZATION_USER_MAX + over] = ':';
        basic_of(&b, text_from(field + 7, AUTHORIZATION_USER_MAX + over + 2));
        authorization_done(&a);
        assert_int_equal(authorization_parse(&a, buf_view(&b), &err), over ? -1 : 0);
        authorization_done(&a);
        field[7 + AUTHORIZATION_USER_MAX + over] = 'a';
    }
}

static void
z3_bearer_and_none(void **state)
{
    OWN_AUTHORIZATION a = { 0 };
    struct err err = { 0 };

    (void)state;
    assert_int_equal(authorization_parse(&a, TEXT("bearer eyJ.a-b_c~+/=="), &err), 0);
    assert_int_equal(a.scheme, AUTHORIZATION_BEARER);
    assert_true(text_is(a.token, "eyJ.a-b_c~+/=="));
    assert_int_equal(authorization_parse(&a, (struct text){ NULL, 0 }, &err), 0);
    assert_int_equal(a.scheme, AUTHORIZATION_NONE);
    assert_int_equal(authorization_parse(&a, TEXT(""), &err), 0);
    assert_int_equal(a.scheme, AUTHORIZATION_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(z1_user_and_password),
        cmocka_unit_test(z1_z2_refuses_without_saying_a_byte),
        cmocka_unit_test(z1_z3_limits),
        cmocka_unit_test(z3_bearer_and_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
