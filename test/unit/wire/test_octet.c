/* The table of wire/octet.h says what its words say. */
#include "wire/octet.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool
one_of(int c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

static void
every_class_is_what_its_source_says(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool digit = c >= '0' && c <= '9';
        bool lower = c >= 'a' && c <= 'z';
        bool alpha = lower || (c >= 'A' && c <= 'Z');
        char byte = (char)c;

        assert_int_equal(octet_is(byte, OCTET_DIGIT), digit);
        assert_int_equal(octet_is(byte, OCTET_ALPHA), alpha);
        assert_int_equal(octet_is(byte, OCTET_HEX), octet_hex(byte) >= 0);
        assert_int_equal(octet_is(byte, OCTET_TOKEN),
                         digit || alpha || one_of(c, "!#$%&'*+-.^_`|~"));
        assert_int_equal(octet_is(byte, OCTET_UNRESERVED), digit || alpha || one_of(c, "-._~"));
        assert_int_equal(octet_is(byte, OCTET_VISIBLE), c >= 0x21 && c <= 0x7e);
        assert_int_equal(octet_is(byte, OCTET_VALUE),
                         (c >= 0x20 && c <= 0x7e) || c == '\t' || c >= 0x80);
        assert_int_equal(octet_is(byte, OCTET_LOWER), lower || digit);
        assert_int_equal(octet_is_control(byte), c < 0x20 || c == 0x7f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_class_is_what_its_source_says) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
