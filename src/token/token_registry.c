/*
 * The registry's token service.
 * Sources: distribution/docs/spec/auth (token.md, oauth.md, scope.md); oci-registry facts 3.8, 5.
 */
#include "base/clock.h"
#include "token/token_priv.h"
#include "token/token_scope.h"
#include "wire/json.h"

/* The audience of tokens that az asks for when it wants to talk to registries only. */
#define REGISTRY_RESOURCE "https://containerregistry.azure.net"

/* One question to the service, from a query or a form. */
struct asked {
    struct caller caller;
    struct token_scopes scopes;
    bool offline; /* a refresh token is wanted too */
};

static int
refuse(struct err *err, const char *why)
{
    return err_code(err, ERR_UNAUTHENTICATED, "UNAUTHORIZED", "%s", why);
}

/* O1: what the subject may do now; the rest of a scope stays as a name without actions. */
static int
narrow(struct exchange *x, const struct caller *caller, struct grant *g, struct err *err)
{
    const char *scope = NULL;
    unsigned allowed = 0;

    if (text_is(g->type, "repository"))
        scope =
            arena_printf(x->arena, "%.*s/repositories/%.*s", TEXT_ARG(x->scope), TEXT_ARG(g->name));
    if (text_is(g->type, "repository") && scope == NULL)
        return err_memory(err);
    for (unsigned bit = 1; bit <= GRANT_CATALOG; bit <<= 1) {
        struct decision d;

        if ((g->actions & bit) != 0 &&
            access_check(x->world->access, caller, token_scope_action(bit),
                         scope != NULL ? text_of(scope) : x->scope, &d))
            allowed |= bit;
    }
    g->actions = allowed;
    return 0;
}

static int
add_refresh(struct exchange *x, const struct asked *a, json_t *document, struct err *err)
{
    struct text refresh;

    if (identity_issue_refresh(x->world->identity, &a->caller, x->service, TOKEN_OFFLINE_S,
                               x->arena, &refresh, err) < 0)
        return -1;
    return json_object_set_new(document, "refresh_token", json_from(refresh)) != 0 ? err_memory(err)
                                                                                   : 0;
}

/* GET wants "token", POST "access_token"; both in both harm nobody. */
static int
give(struct exchange *x, struct asked *a, struct err *err)
{
    char issued_at[CLOCK_TEXT_LEN + 1];
    struct text token;
    OWN_JSON document = NULL;

    for (size_t i = 0; i < a->scopes.n; i++)
        if (narrow(x, &a->caller, &a->scopes.grants[i], err) < 0)
            return -1;
    if (identity_issue_registry(x->world->identity, &a->caller, x->service, a->scopes.grants,
                                a->scopes.n, TOKEN_REGISTRY_S, x->arena, &token, err) < 0)
        return -1;
    clock_text(clock_now_us(), issued_at);
    document =
        json_pack("{s:o,s:o,s:i,s:s}", "token", json_from(token), "access_token", json_from(token),
                  "expires_in", (int)TOKEN_REGISTRY_S, "issued_at", issued_at);
    if (document == NULL)
        return err_memory(err);
    if (a->offline && add_refresh(x, a, document, err) < 0)
        return -1;
    x->caller = a->caller;
    return token_answer(x, document, err);
}

/* The field said who asks; O2. */
static int
take_caller(struct exchange *x, struct asked *a, struct err *err)
{
    if (x->caller.kind == CALLER_ANONYMOUS)
        return refuse(err, "authentication is required: sign in first");
    if (x->caller.limited)
        return refuse(err, "a registry token cannot ask for another: sign in");
    a->caller = x->caller;
    return 0;
}

static int
add_scopes(const struct url_query *from, struct token_scopes *out, struct err *err)
{
    struct text scope;

    for (size_t i = 0; url_query_get(from, "scope", i, &scope); i++)
        if (token_scopes_add(out, scope, err) < 0)
            return -1;
    return 0;
}

int
token_registry_get(void *room, struct exchange *x, struct err *err)
{
    struct asked a = { .offline = text_is(exchange_query(x, "offline_token"), "true") };

    (void)room;
    if (take_caller(x, &a, err) < 0 || add_scopes(&x->query, &a.scopes, err) < 0)
        return -1;
    return give(x, &a, err);
}

/* Who asks, by the grant type of a form. */
static int
redeem(struct exchange *x, const struct url_query *form, struct asked *a, struct err *err)
{
    struct identity *identity = x->world->identity;
    struct text type = token_form_get(form, "grant_type");

    if (text_is(type, "password"))
        return identity_sign_in(identity, token_form_get(form, "username"),
                                token_form_get(form, "password"), x->service, text_of(x->address),
                                x->arena, &a->caller, err);
    if (text_is(type, "refresh_token"))
        return identity_accept(identity, token_form_get(form, "refresh_token"), TOKEN_REFRESH,
                               x->service, x->arena, &a->caller, err);
    if (type.n == 0 && x->caller.kind != CALLER_ANONYMOUS)
        return take_caller(x, a, err);
    return err_code(err, ERR_INVALID, "UNSUPPORTED",
                    "grant_type must be \"password\" or \"refresh_token\"");
}

int
token_registry_post(void *room, struct exchange *x, struct err *err)
{
    struct url_query form;
    struct asked a = { .offline = false };

    (void)room;
    if (token_form(x, &form, err) < 0 || redeem(x, &form, &a, err) < 0 ||
        add_scopes(&form, &a.scopes, err) < 0)
        return -1;
    a.offline = text_is(token_form_get(&form, "access_type"), "offline");
    return give(x, &a, err);
}

int
token_registry_exchange(void *room, struct exchange *x, struct err *err)
{
    struct url_query form;
    struct text type, refresh;
    OWN_JSON document = NULL;

    (void)room;
    if (token_form(x, &form, err) < 0)
        return -1;
    type = token_form_get(&form, "grant_type");
    if (!text_is(type, "access_token") && !text_is(type, "access_token_refresh_token"))
        return err_code(err, ERR_INVALID, "UNSUPPORTED",
                        "grant_type must be \"access_token\": a token for ARM is exchanged here");
    if (identity_accept(x->world->identity, token_form_get(&form, "access_token"), TOKEN_MANAGEMENT,
                        TEXT(REGISTRY_RESOURCE), x->arena, &x->caller, err) < 0 ||
        identity_issue_refresh(x->world->identity, &x->caller, x->service, TOKEN_EXCHANGED_S,
                               x->arena, &refresh, err) < 0)
        return -1;
    document = json_pack("{s:o}", "refresh_token", json_from(refresh));
    return document == NULL ? err_memory(err) : token_answer(x, document, err);
}
