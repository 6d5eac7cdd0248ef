/* The invariants of gateway/host.h. */
#include "gateway/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const extra[] = { "registry.example.org", NULL };
static const struct host_names names = { "example.net", extra };

static void
h1_a_host_that_is_not_ours_is_refused(void **state)
{
    static const char *const foreign[] = {
        "",
        "evil.test",
        "localhost.evil.test",
        "azurecr.example.net",
        "a.b.azurecr.example.net",
        "x.example.net",
        "management.example.net.evil.test",
        "127.0.0.1.nip.io",
        "registry.example.org.evil.test",
        "[::1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        enum host_kind kind;
        struct text label;

        assert_false(host_find(&names, text_of(foreign[i]), &kind, &label));
    }
}

static void
h2_port_and_case_play_no_part(void **state)
{
    static const struct {
        const char *host;
        enum host_kind kind;
        const char *label;
    } ours[] = {
        { "localhost", HOST_BARE, "" },
        { "LOCALHOST:8443", HOST_BARE, "" },
        { "127.0.0.1:1", HOST_BARE, "" },
        { "[::1]:8443", HOST_BARE, "" },
        { "example.net:8443", HOST_BARE, "" },
        { "Registry.Example.org", HOST_BARE, "" },
        { "Team.AzureCR.example.net:8443", HOST_REGISTRY, "Team" },
        { "keys.vault.example.net", HOST_VAULT, "keys" },
        { "share.file.core.example.net", HOST_FILE, "share" },
        { "management.example.net", HOST_MANAGEMENT, "" },
        { "login.example.net", HOST_LOGIN, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        enum host_kind kind;
        struct text label;

        if (!host_find(&names, text_of(ours[i].host), &kind, &label))
            fail_msg("%s is ours", ours[i].host);
        assert_int_equal(kind, ours[i].kind);
        assert_true(text_is(label, ours[i].label));
    }
}

static void
a_host_answers_in_its_own_dialects_only(void **state)
{
    (void)state;
    assert_true(host_serves(HOST_BARE, DIALECT_ARM));
    assert_true(host_serves(HOST_REGISTRY, DIALECT_OCI));
    assert_false(host_serves(HOST_REGISTRY, DIALECT_ARM));
    assert_false(host_serves(HOST_LOGIN, DIALECT_OCI));
    assert_false(host_serves(HOST_VAULT, DIALECT_ARM));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_a_host_that_is_not_ours_is_refused),
        cmocka_unit_test(h2_port_and_case_play_no_part),
        cmocka_unit_test(a_host_answers_in_its_own_dialects_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
