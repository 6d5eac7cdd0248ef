/* The invariants of base/arena.h. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void
a1_never_holds_more_than_its_limit(void **state)
{
    OWN(arena) a = arena_new(64);

    (void)state;
    assert_non_null(arena_take(a, 48));
    assert_null(arena_take(a, 32));
}

static void
a2_stays_refused(void **state)
{
    OWN(arena) a = arena_new(64);

    (void)state;
    assert_null(arena_take(a, 65));
    assert_null(arena_take(a, 1));
    assert_true(arena_full(a));
    arena_reset(a);
    assert_non_null(arena_take(a, 1));
}

static void
every_allocation_may_fail(void **state)
{
    long before = mem_live();

    (void)state;
    for (long n = 0; n < 3; n++) {
        mem_fail_after(n);
        {
            OWN(arena) a = arena_new(1 << 20);

            if (a != NULL) {
                (void)arena_printf(a, "%d", 7);
                (void)arena_take(a, 100000);
            }
        }
        mem_fail_after(-1);
        assert_int_equal(mem_live(), before);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a1_never_holds_more_than_its_limit),
        cmocka_unit_test(a2_stays_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
