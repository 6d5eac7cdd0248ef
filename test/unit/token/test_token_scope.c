/* token/token_scope.h: what clients really ask for, and what they should not. */
#include "token/token_scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static struct token_scopes
read_scopes(const char *text)
{
    struct token_scopes s = { .n = 0 };
    struct err err = { 0 };

    assert_int_equal(token_scopes_add(&s, text_of(text), &err), 0);
    return s;
}

static void
s1_one_thing_is_one_grant(void **state)
{
    struct token_scopes s =
        read_scopes("repository:r:pull repository:r:push,pull registry:catalog:*"
                    " repository:a/b:metadata_read,delete");

    (void)state;
    assert_int_equal(s.n, 3);
    assert_true(text_is(s.grants[0].name, "r"));
    assert_int_equal(s.grants[0].actions, GRANT_PULL | GRANT_PUSH);
    assert_int_equal(s.grants[1].actions, GRANT_CATALOG);
    assert_int_equal(s.grants[2].actions, GRANT_METADATA_READ | GRANT_DELETE);
}

static void
s2_nonsense_is_dropped(void **state)
{
    static const char *const odd[] = { "",
                                       " ",
                                       "repository",
                                       "repository:r",
                                       "repository::pull",
                                       ":r:pull",
                                       "repository:UPPER:pull",
                                       "repository:../x:pull",
                                       "repository(plugin):r:pull",
                                       "registry:other:*",
                                       "host:r:pull" };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_int_equal(read_scopes(odd[i]).n, 0);
}

static void
s2_unknown_actions_are_dropped(void **state)
{
    struct token_scopes s = read_scopes("repository:r:fly,pull,,PUSH registry:catalog:pull");

    (void)state;
    assert_int_equal(s.n, 2);
    assert_int_equal(s.grants[0].actions, GRANT_PULL);
    assert_int_equal(s.grants[1].actions, 0);
}

/* skopeo asks so before it deletes. */
static void
a_star_is_all_there_is(void **state)
{
    struct token_scopes s = read_scopes("repository:r:* registry:catalog:*");

    (void)state;
    assert_int_equal(s.grants[0].actions, GRANT_PULL | GRANT_PUSH | GRANT_DELETE |
                                              GRANT_METADATA_READ | GRANT_METADATA_WRITE);
    assert_int_equal(s.grants[1].actions, GRANT_CATALOG);
}

static void
s3_not_without_end(void **state)
{
    struct token_scopes s = { .n = 0 };
    struct err err = { 0 };
    char scope[64];

    (void)state;
    for (int i = 0; i < TOKEN_SCOPES_MAX; i++) {
        (void)snprintf(scope, sizeof(scope), "repository:r%d:pull", i);
        assert_int_equal(token_scopes_add(&s, text_of(scope), &err), 0);
        /* the texts point into what was added, so give each its own */
        s.grants[s.n - 1].name = (struct text){ "x", 1 };
        s.grants[s.n - 1].type = (struct text){ "repository", (size_t)(i % 9) };
    }
    assert_int_equal(token_scopes_add(&s, TEXT("repository:more:pull"), &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

static void
every_bit_is_an_action(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit <= GRANT_CATALOG; bit <<= 1)
        assert_true(text_starts(text_of(token_scope_action(bit)),
                                "Microsoft.ContainerRegistry/registries/"));
    assert_null(token_scope_action(0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_one_thing_is_one_grant),
        cmocka_unit_test(s2_nonsense_is_dropped),
        cmocka_unit_test(s2_unknown_actions_are_dropped),
        cmocka_unit_test(a_star_is_all_there_is),
        cmocka_unit_test(s3_not_without_end),
        cmocka_unit_test(every_bit_is_an_action),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
