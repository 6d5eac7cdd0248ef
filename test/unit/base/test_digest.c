/* The invariants of base/digest.h. */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GOOD "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

static void
d1_one_spelling(void **state)
{
    static const char *const wrong[] = {
        "",
        "sha256",
        "sha256:",
        "sha256:44",
        "md5:44136fa355b3678a1146ad16f7e8649e",
        "sha256:44136FA355B3678A1146AD16F7E8649E94FB4FC21FE77E8310C060F61CAAFF8A",
        "SHA256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        GOOD "0",
        " " GOOD,
        "sha512:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct err err = { 0 };
        struct digest d;

        assert_int_equal(digest_parse(&d, text_of(wrong[i]), &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.code, "DIGEST_INVALID");
    }
}

static void
d2_prints_what_it_parsed(void **state)
{
    struct err err = { 0 };
    struct digest d;
    char out[DIGEST_TEXT_MAX + 1];

    (void)state;
    assert_int_equal(digest_parse(&d, TEXT(GOOD), &err), 0);
    assert_int_equal(digest_text(&d, out), strlen(GOOD));
    assert_string_equal(out, GOOD);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d1_one_spelling),
        cmocka_unit_test(d2_prints_what_it_parsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
