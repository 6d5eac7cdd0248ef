/* The invariants of wire/resource_id.h. */
#include "wire/resource_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GROUP "/subscriptions/s/resourceGroups/g"

static void
r1_r3_ids_print_as_azure_spells_them(void **state)
{
    static const struct {
        const char *text, *printed;
        bool thing;
    } cases[] = {
        { "/subscriptions/s", "/subscriptions/s", true },
        { "/SUBSCRIPTIONS/s/resourcegroups/G/", "/subscriptions/s/resourceGroups/G", true },
        { GROUP "/Providers/A.B/c/d", GROUP "/providers/A.B/c/d", true },
        { GROUP "/providers/A.B/c", GROUP "/providers/A.B/c", false },
        { GROUP "/providers/A.B/c/d/e/f", GROUP "/providers/A.B/c/d/e/f", true },
        { GROUP "/providers/A.B/c/d/providers/E.F/g/h",
          GROUP "/providers/A.B/c/d/providers/E.F/g/h", true },
        { GROUP "/providers/microsoft.containerregistry/registries/r/repositories/app/web",
          GROUP "/providers/microsoft.containerregistry/registries/r/repositories/app/web", true },
        { "/subscriptions/s/providers/A/b/c", "/subscriptions/s/providers/A/b/c", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        OWN_BUF(b, 1000);
        struct resource_id id;
        struct err err = { 0 };

        if (resource_id_parse(text_of(cases[i].text), &id, &err) != 0)
            fail_msg("%s: %s", cases[i].text, err.msg);
        resource_id_print(&id, &b);
        assert_string_equal(b.p, cases[i].printed);
        assert_int_equal(resource_id_names_thing(&id), cases[i].thing);
    }
}

static void
assignments_are_asked_for_at_a_repository(void **state)
{
    struct text whole =
        TEXT(GROUP "/providers/Microsoft.ContainerRegistry/registries/r/repositories/a/providers/b"
                   "/providers/Microsoft.Authorization/roleAssignments/x");
    struct resource_id id;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(resource_id_parse(whole, &id, &err), 0);
    assert_int_equal(id.n, 2);
    assert_true(text_is(id.providers[0].levels[1].name, "a/providers/b"));
    assert_true(text_is(id.providers[1].levels[0].type, "roleAssignments"));
    assert_true(text_is(id.providers[1].levels[0].name, "x"));
}

static void
repositories_take_the_rest_as_one_name(void **state)
{
    struct text t =
        TEXT(GROUP "/providers/Microsoft.ContainerRegistry/registries/r/repositories/a/b");
    struct resource_id id;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(resource_id_parse(t, &id, &err), 0);
    assert_int_equal(id.providers[0].n, 2);
    assert_true(text_is(id.providers[0].levels[1].name, "a/b"));
    assert_true(id.subscription.p == t.p + strlen("/subscriptions/"));
}

static void
r2_refuses_bad_parts(void **state)
{
    static const char *const bad[] = {
        "",
        "/",
        "subscriptions/s",
        "/subscriptions",
        "/subscriptions//resourceGroups/g",
        "/subscriptions/s/resourceGroups",
        "/subscriptions/s/other/g",
        GROUP "/providers",
        GROUP "/providers/A",
        GROUP "/providers/A//c",
        GROUP "/providers/A/b/c//",
        GROUP "/providers/A/b/c%2f",
        GROUP "/providers/A/b/\"c\"",
        GROUP "/providers/A/b/c\n",
        GROUP "/providers/A/1/2/3/4/5/6/7/8/9/10",
        GROUP "/providers/A/b/c/providers/A/b/c/providers/A/b/c/providers/A/b/c",
        GROUP "/providers/Microsoft.ContainerRegistry/registries/r/repositories/a//b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct resource_id id = { .n = 77 };
        struct err err = { 0 };

        if (resource_id_parse(text_of(bad[i]), &id, &err) != -1)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_int_equal(id.n, 77);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_r3_ids_print_as_azure_spells_them),
        cmocka_unit_test(assignments_are_asked_for_at_a_repository),
        cmocka_unit_test(repositories_take_the_rest_as_one_name),
        cmocka_unit_test(r2_refuses_bad_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
