/* identity/caller.h: what a limited token holds. */
#include "identity/caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
a_limited_caller_holds_its_grants_and_no_more(void **state)
{
    const struct grant grants[] = { { TEXT("repository"), TEXT("app"), GRANT_PULL },
                                    { TEXT("repository"), TEXT("app"), GRANT_PUSH },
                                    { TEXT("repository"), TEXT("none"), 0 } };
    const struct caller c = {
        .kind = CALLER_USER, .limited = true, .grants = grants, .n_grants = 3
    };

    (void)state;
    assert_true(caller_holds(&c, TEXT("repository"), TEXT("app"), GRANT_PULL | GRANT_PUSH));
    assert_false(caller_holds(&c, TEXT("repository"), TEXT("app"), GRANT_DELETE));
    assert_false(caller_holds(&c, TEXT("repository"), TEXT("app2"), GRANT_PULL));
    assert_false(caller_holds(&c, TEXT("registry"), TEXT("app"), GRANT_PULL));
    assert_false(caller_holds(&c, TEXT("repository"), TEXT("none"), GRANT_PULL));
}

static void
an_unlimited_caller_is_limited_by_roles_only(void **state)
{
    const struct caller c = { .kind = CALLER_USER };

    (void)state;
    assert_true(caller_holds(&c, TEXT("repository"), TEXT("app"), GRANT_DELETE));
}

static void
words_and_bits_are_one_to_one(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit <= GRANT_CATALOG; bit <<= 1)
        assert_int_equal(grant_bit(text_of(grant_word(bit))), bit);
    assert_int_equal(grant_bit(TEXT("Pull")), 0);
    assert_int_equal(grant_bit(TEXT("")), 0);
    assert_null(grant_word(3));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limited_caller_holds_its_grants_and_no_more),
        cmocka_unit_test(an_unlimited_caller_is_limited_by_roles_only),
        cmocka_unit_test(words_and_bits_are_one_to_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
