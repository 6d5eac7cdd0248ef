/* The invariants of monitor/exposition.h. */
#include "monitor/exposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
m1_help_and_type_before_samples(void **state)
{
    OWN_BUF(b, 4096);

    (void)state;
    exposition_one(&b, "holdfast_requests_total", METRIC_COUNTER, "Requests.", 7);
    assert_string_equal(b.p, "# HELP holdfast_requests_total Requests.\n"
                             "# TYPE holdfast_requests_total counter\n"
                             "holdfast_requests_total 7\n");
}

static void
m2_label_values_are_escaped(void **state)
{
    OWN_BUF(b, 4096);

    (void)state;
    exposition_sample(&b, "m", "path", "a\"b\\c\nd", 1);
    assert_string_equal(b.p, "m{path=\"a\\\"b\\\\c\\nd\"} 1\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m1_help_and_type_before_samples),
        cmocka_unit_test(m2_label_values_are_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
