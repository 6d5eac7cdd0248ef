/* The invariants of base/buf.h. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
b1_never_above_its_maximum(void **state)
{
    OWN_BUF(b, 4);

    (void)state;
    buf_str(&b, "four");
    assert_false(buf_failed(&b));
    buf_char(&b, '!');
    assert_true(buf_failed(&b));
    assert_int_equal(b.n, 4);
}

static void
b2_failed_for_good(void **state)
{
    OWN_BUF(b, 4);
    struct err err = { 0 };

    (void)state;
    buf_str(&b, "five!");
    buf_str(&b, "ok");
    assert_int_equal(b.n, 0);
    assert_int_equal(buf_check(&b, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

static void
b3_always_nul_terminated(void **state)
{
    OWN_BUF(b, 1 << 16);

    (void)state;
    for (int i = 0; i < 5000; i++) {
        buf_printf(&b, "%d,", i);
        assert_int_equal(b.p[b.n], '\0');
    }
    buf_drop(&b, 2);
    assert_memory_equal(b.p, "1,2,", 4);
    assert_int_equal(strlen(b.p), b.n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b1_never_above_its_maximum),
        cmocka_unit_test(b2_failed_for_good),
        cmocka_unit_test(b3_always_nul_terminated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
