/* identity/attempts.h */
#include "identity/attempts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
t1_waits_double_up_to_a_maximum(void **state)
{
    OWN(attempts) a = attempts_new();
    int64_t now = 5000000000, last = 0;

    (void)state;
    for (int i = 0; i < ATTEMPTS_FREE; i++) {
        attempts_failed(a, 7, now);
        assert_int_equal(attempts_wait(a, 7, now), 0);
    }
    for (int i = 0; i < 10; i++) {
        int64_t wait;

        attempts_failed(a, 7, now);
        wait = attempts_wait(a, 7, now);
        assert_int_equal(wait, i == 0                            ? ATTEMPTS_WAIT_US
                               : last * 2 < ATTEMPTS_WAIT_MAX_US ? last * 2
                                                                 : ATTEMPTS_WAIT_MAX_US);
        last = wait;
        assert_int_equal(attempts_wait(a, 8, now), 0); /* nobody else waits */
        now += wait;
        assert_int_equal(attempts_wait(a, 7, now), 0);
    }
}

static void
t2_success_or_silence_forgives(void **state)
{
    OWN(attempts) a = attempts_new();
    int64_t now = 5000000000;

    (void)state;
    for (int i = 0; i <= ATTEMPTS_FREE; i++)
        attempts_failed(a, 7, now);
    assert_true(attempts_wait(a, 7, now) > 0);
    attempts_succeeded(a, 7);
    assert_int_equal(attempts_wait(a, 7, now), 0);
    for (int i = 0; i <= ATTEMPTS_FREE; i++)
        attempts_failed(a, 7, now);
    now += ATTEMPTS_WINDOW_US + 1;
    attempts_failed(a, 7, now);
    assert_int_equal(attempts_wait(a, 7, now), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t1_waits_double_up_to_a_maximum),
        cmocka_unit_test(t2_success_or_silence_forgives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
