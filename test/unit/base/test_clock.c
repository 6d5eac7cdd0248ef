/* base/clock.h: what is printed parses back. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
prints_rfc3339(void **state)
{
    char out[CLOCK_TEXT_LEN + 1];

    (void)state;
    clock_text(0, out);
    assert_string_equal(out, "1970-01-01T00:00:00.000000Z");
    clock_text(1700000000123456, out);
    assert_string_equal(out, "2023-11-14T22:13:20.123456Z");
}

static void
parses_what_it_prints(void **state)
{
    int64_t us;
    char out[CLOCK_TEXT_LEN + 1];

    (void)state;
    clock_text(1700000000123456, out);
    assert_true(clock_parse(text_of(out), &us));
    assert_int_equal(us, 1700000000123456);
    assert_true(clock_parse(TEXT("2023-11-14T22:13:20Z"), &us));
    assert_int_equal(us, 1700000000000000);
    assert_false(clock_parse(TEXT("2023-11-14T22:13:20"), &us));
    assert_false(clock_parse(TEXT("2023-11-14T22:13:20.Z"), &us));
    assert_false(clock_parse(TEXT("yesterday, about four"), &us));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_rfc3339),
        cmocka_unit_test(parses_what_it_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
