/* The invariants of base/err.h. */
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void
e2_the_first_failure_wins(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(err_code(&err, ERR_INVALID, "FIRST", "first %d", 1), -1);
    assert_int_equal(err_set(&err, ERR_IO, "second"), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.code, "FIRST");
    assert_string_equal(err.msg, "first 1");
    assert_int_equal(err_note(&err, "one"), -1);
    assert_int_equal(err_note(&err, "two"), -1);
    assert_string_equal(err.detail, "one; two");
    err_clear(&err);
    assert_int_equal(err.kind, ERR_OK);
}

static void
e3_an_errno_is_no_verdict_on_the_client(void **state)
{
    (void)state;
    for (int sys = 1; sys < 134; sys++) {
        struct err err = { 0 };

        assert_int_equal(err_sys(&err, sys, "failed"), -1);
        assert_true(err.kind == ERR_IO || err.kind == ERR_NO_SPACE);
        assert_int_equal(err.sys, sys);
    }
}

static void
e4_messages_are_utf8_even_cut_off(void **state)
{
    char wide[600];
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(wide); i += 2)
        memcpy(wide + i, "\xc3\xa9", 2);
    wide[598] = '\0';
    assert_int_equal(err_set(&err, ERR_INVALID, "%s", wide), -1);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    assert_true(text_is_utf8(text_of(err.msg)));
    err_clear(&err);
    assert_int_equal(err_set(&err, ERR_INVALID, "near '\xff'"), -1);
    assert_string_equal(err.msg, "near '?'");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e2_the_first_failure_wins),
        cmocka_unit_test(e3_an_errno_is_no_verdict_on_the_client),
        cmocka_unit_test(e4_messages_are_utf8_even_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
