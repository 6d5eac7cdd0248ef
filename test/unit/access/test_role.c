/* access/role.h: patterns, the built-in roles, and the nearest one. */
#include "access/role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/id.h"

#define ACR "Microsoft.ContainerRegistry/registries/"

static void
r1_stars_and_case(void **state)
{
    (void)state;
    assert_true(role_matches("*", TEXT("anything/at/all")));
    assert_true(role_matches("*/read", TEXT(ACR "pull/read")));
    assert_true(role_matches("*/READ", TEXT(ACR "pull/read")));
    assert_false(role_matches("*/read", TEXT(ACR "push/write")));
    assert_false(role_matches("*/read", TEXT(ACR "pull/reads")));
    assert_true(role_matches("a/*/c", TEXT("a/b/b/c")));
    assert_false(role_matches("a/*/c", TEXT("a/c")));
    assert_true(role_matches("a*", TEXT("a")));
    assert_false(role_matches("a", TEXT("ab")));
    assert_false(role_matches("ab", TEXT("a")));
    assert_false(role_matches("", TEXT("a")));
    /* what a recursive matcher takes for ever over */
    assert_false(
        role_matches("*a*a*a*a*a*a*a*a*b", TEXT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

static void
r2_not_actions_take_away(void **state)
{
    const struct role *contributor = access_role_find(TEXT("Contributor"));

    (void)state;
    assert_true(role_allows(contributor, TEXT(ACR "write")));
    assert_false(role_allows(contributor, TEXT("Microsoft.Authorization/roleAssignments/write")));
    assert_false(role_allows(contributor, TEXT("microsoft.authorization/roleassignments/DELETE")));
    assert_true(role_allows(contributor, TEXT("Microsoft.Authorization/roleAssignments/read")));
}

static void
roles_are_found_by_id_path_and_name(void **state)
{
    const struct role *pull = access_role_find(TEXT("AcrPull"));

    (void)state;
    assert_non_null(pull);
    assert_string_equal(pull->id, "7f951dda-4ed3-4680-a7ca-43fe172d538d");
    assert_ptr_equal(pull, access_role_find(TEXT("7F951DDA-4ed3-4680-a7ca-43fe172d538d")));
    assert_ptr_equal(pull, access_role_find(TEXT("/subscriptions/x/providers/"
                                                 "Microsoft.Authorization/roleDefinitions/"
                                                 "7f951dda-4ed3-4680-a7ca-43fe172d538d")));
    assert_null(access_role_find(TEXT("AcrEat")));
    assert_null(access_role_find(TEXT("")));
}

static void
the_table_is_whole(void **state)
{
    size_t n;
    const struct role *roles = access_roles(&n);

    (void)state;
    assert_int_equal(n, 46);
    for (size_t i = 0; i < n; i++) {
        assert_true(id_is(text_of(roles[i].id)));
        assert_true(roles[i].name[0] != '\0' && roles[i].description[0] != '\0');
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(roles[i].id, roles[j].id);
            assert_string_not_equal(roles[i].name, roles[j].name);
        }
    }
}

static void
the_nearest_role_is_the_narrowest(void **state)
{
    static const struct {
        const char *action, *role;
    } cases[] = {
        { ACR "pull/read", "AcrPull" },
        { ACR "push/write", "AcrPush" },
        { ACR "artifacts/delete", "AcrDelete" },
        { "Microsoft.ContainerInstance/containerGroups/write",
          "Azure Container Instances Contributor Role" },
        { "Microsoft.Authorization/roleAssignments/write",
          "Role Based Access Control Administrator" },
        { "Microsoft.Resources/subscriptions/resourceGroups/write", "Contributor" },
        { "Holdfast/audit/records/read", "Reader" },
    };

    (void)state;
    for (int twice = 0; twice < 2; twice++) /* the second time from the cache */
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
            assert_string_equal(role_nearest(text_of(cases[i].action))->name, cases[i].role);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_stars_and_case),
        cmocka_unit_test(r2_not_actions_take_away),
        cmocka_unit_test(roles_are_found_by_id_path_and_name),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(the_nearest_role_is_the_narrowest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
