/* Every row that anyone may use, by name: a new one has to be written down here, on purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/health.h"
#include "exchange/route.h"
#include "instances/instances.h"
#include "registry/registry.h"
#include "token/token.h"

static const char *const public_rows[] = {
    /* is it alive; /metrics asks for Monitoring Reader itself, unless from loopback */
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    /* what is not served, said in the registry's dialect */
    "GET /v1/_ping",
    "GET /v1/search",
    /* credentials come in the form */
    "POST /oauth2/exchange",
    "GET /oauth2/token",
    "POST /oauth2/token",
    "POST /adfs/oauth2/token",
    "POST /{tenant}/oauth2/token",
    "POST /{tenant}/oauth2/v2.0/token",
    /* what a client needs before it has a token */
    "GET /adfs/.well-known/openid-configuration",
    "GET /{tenant}/v2.0/.well-known/openid-configuration",
    "GET /adfs/discovery/keys",
    "GET /{tenant}/discovery/v2.0/keys",
};

static bool
is_listed(const char *name)
{
    for (size_t i = 0; i < sizeof(public_rows) / sizeof(public_rows[0]); i++)
        if (strcmp(public_rows[i], name) == 0)
            return true;
    return false;
}

static void
look_at(void *arg, const struct route *r)
{
    size_t *n = arg;
    char name[200];

    if (!text_is(text_of(r->action), ACTION_PUBLIC))
        return;
    (void)snprintf(name, sizeof(name), "%s %s", http_method_name(r->method), r->pattern);
    if (!is_listed(name))
        fail_msg("%s is public and not listed", name);
    (*n)++;
}

static void
public_rows_are_these(void **state)
{
    struct err err = { 0 };
    struct routes *rs = routes_new();
    size_t n = 0;

    (void)state;
    assert_int_equal(routes_mount(rs, health_routes, NULL, &err), 0);
    assert_int_equal(routes_mount(rs, registry_routes, NULL, &err), 0);
    assert_int_equal(routes_mount(rs, token_routes, NULL, &err), 0);
    assert_int_equal(routes_mount(rs, instances_routes, NULL, &err), 0);
    routes_each(rs, look_at, &n);
    assert_int_equal(n, sizeof(public_rows) / sizeof(public_rows[0]));
    routes_free(rs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(public_rows_are_these) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
