/*
 * The login of ARM: OAuth 2.0 (RFC 6749) and OpenID Connect discovery, in the form that az and MSAL
 * take for an AD FS server (/adfs), and in that of a tenant (/{tenant}).
 */
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "token/token_priv.h"
#include "wire/base64.h"
#include "wire/json.h"

#define RESOURCE_MAX 256
#define DEFAULT_END  "/.default"

static bool
under_adfs(const struct exchange *x)
{
    return text_starts_nocase(x->path, "/adfs/");
}

/* /{tenant}/...: ours, or one of the words that stand for "whichever". */
static int
check_tenant(const struct exchange *x, struct err *err)
{
    struct text tenant = exchange_param(x, "tenant");

    if (tenant.p == NULL || text_equal_nocase(tenant, text_of(x->world->tenant_id)) ||
        text_is_nocase(tenant, "common") || text_is_nocase(tenant, "organizations"))
        return 0;
    return err_code(err, ERR_INVALID, "invalid_tenant",
                    "AADSTS90002: Tenant '%.*s' not found.  This server's tenant is %s.",
                    TEXT_ARG(text_first(tenant, 60)), x->world->tenant_id);
}

int
token_login_configuration(void *room, struct exchange *x, struct err *err)
{
    bool adfs = under_adfs(x);
    const char *base, *keys;
    OWN_JSON document = NULL;

    (void)room;
    if (check_tenant(x, err) < 0)
        return -1;
    base = arena_printf(x->arena, "https://%.*s/%s", TEXT_ARG(x->host_name),
                        adfs ? "adfs/oauth2" : "");
    if (!adfs)
        base = arena_printf(x->arena, "%s%s/oauth2/v2.0", base, x->world->tenant_id);
    keys = arena_printf(x->arena, "https://%.*s/adfs/discovery/keys", TEXT_ARG(x->host_name));
    if (base == NULL || keys == NULL)
        return err_memory(err);
    document = json_pack(
        "{s:s,s:o,s:o,s:s,s:[s,s],s:[s,s,s],s:[s],s:[s],s:[s],s:[s,s,s]}", "issuer",
        identity_issuer(x->world->identity), "authorization_endpoint",
        json_sprintf("%s/authorize", base), "token_endpoint", json_sprintf("%s/token", base),
        "jwks_uri", keys, "token_endpoint_auth_methods_supported", "client_secret_post",
        "client_secret_basic", "grant_types_supported", "client_credentials", "password",
        "refresh_token", "response_types_supported", "token", "subject_types_supported", "public",
        "id_token_signing_alg_values_supported", "RS256", "scopes_supported", "openid", "profile",
        "offline_access");
    if (document == NULL)
        return err_memory(err);
    answer_status(x, 200);
    answer_document(x, document);
    return 0;
}

/* ---- keys ---- */

static json_t *
number_text(const uint8_t *p, size_t n)
{
    OWN_BUF(b, 1024);

    base64_print(&b, BASE64_URL, p, n);
    return buf_failed(&b) ? NULL : json_from(buf_view(&b));
}

/* RFC 7517 */
static json_t *
web_key(const struct key *key, const char *kid, struct err *err)
{
    struct key_numbers v;

    if (key_numbers(key, &v, err) < 0)
        return NULL;
    if (key_kind(key) == KEY_RSA)
        return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o}", "kty", "RSA", "use", "sig", "alg", "RS256",
                         "kid", kid, "n", number_text(v.n, v.n_len), "e",
                         number_text(v.e, v.e_len));
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "kty", "EC", "crv", "P-256", "use", "sig",
                     "alg", "ES256", "kid", kid, "x", number_text(v.x, sizeof(v.x)), "y",
                     number_text(v.y, sizeof(v.y)));
}

int
token_login_keys(void *room, struct exchange *x, struct err *err)
{
    OWN_JSON document = json_object();
    json_t *list = json_array();
    const char *kid;
    const struct key *key;

    (void)room;
    if (json_object_set_new(document, "keys", list) != 0)
        return err_memory(err);
    for (size_t i = 0; (key = identity_public_key(x->world->identity, i, &kid)) != NULL; i++)
        if (json_array_append_new(list, web_key(key, kid, err)) != 0)
            return err->kind != ERR_OK ? -1 : err_memory(err);
    answer_status(x, 200);
    answer_document(x, document);
    return 0;
}

/* ---- tokens ---- */

/* What the form asks a token for. */
struct wanted {
    const struct url_query *form;
    struct text client_id;
    struct text resource;
    bool refresh; /* whoever holds it is a person: give a refresh token */
};

/* The dialect's word for a failed sign-in instead of ours. */
static int
reword(struct err *err, const char *code, const char *text)
{
    if (err->kind != ERR_UNAUTHENTICATED)
        return -1;
    err_clear(err);
    return err_code(err, ERR_UNAUTHENTICATED, code, "%s", text);
}

static int
by_client_secret(struct exchange *x, struct wanted *w, struct err *err)
{
    struct text secret = token_form_get(w->form, "client_secret");

    if (secret.n == 0 && x->caller.kind == CALLER_SERVICE_PRINCIPAL && !x->caller.limited)
        return 0; /* client_secret_basic: identity has checked it */
    if (identity_sign_in(x->world->identity, w->client_id, secret, TEXT(""), text_of(x->address),
                         x->arena, &x->caller, err) < 0)
        return reword(err, "invalid_client",
                      "AADSTS7000215: Invalid client secret provided, or the application is not "
                      "known here.");
    if (x->caller.kind == CALLER_SERVICE_PRINCIPAL)
        return 0;
    return err_code(err, ERR_UNAUTHENTICATED, "invalid_client",
                    "AADSTS7000215: client_credentials is for service principals; users sign in "
                    "with grant_type=password.");
}

static int
by_password(struct exchange *x, struct wanted *w, struct err *err)
{
    w->refresh = true;
    if (identity_sign_in(x->world->identity, token_form_get(w->form, "username"),
                         token_form_get(w->form, "password"), TEXT(""), text_of(x->address),
                         x->arena, &x->caller, err) == 0 &&
        x->caller.kind == CALLER_USER)
        return 0;
    if (err->kind == ERR_OK)
        (void)err_set(err, ERR_UNAUTHENTICATED, "no user");
    return reword(err, "invalid_grant",
                  "AADSTS50126: Error validating credentials due to invalid username or password.");
}

static int
by_refresh_token(struct exchange *x, struct wanted *w, struct err *err)
{
    w->refresh = true;
    if (identity_accept(x->world->identity, token_form_get(w->form, "refresh_token"), TOKEN_REFRESH,
                        text_of(identity_issuer(x->world->identity)), x->arena, &x->caller,
                        err) == 0)
        return 0;
    return reword(err, "invalid_grant",
                  "AADSTS70008: The refresh token is not valid, or has expired: sign in again.");
}

static const struct {
    const char *type;
    int (*redeem)(struct exchange *x, struct wanted *w, struct err *err);
} grants[] = {
    { "client_credentials", by_client_secret },
    { "password", by_password },
    { "refresh_token", by_refresh_token },
};

static int
redeem(struct exchange *x, struct wanted *w, struct err *err)
{
    struct text type = token_form_get(w->form, "grant_type");

    for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++)
        if (text_is(type, grants[i].type))
            return grants[i].redeem(x, w, err);
    return err_code(err, ERR_INVALID, type.n == 0 ? "invalid_request" : "unsupported_grant_type",
                    "AADSTS70003: grant_type must be client_credentials, password or "
                    "refresh_token.");
}

/* "https://HOST//.default openid": the resource is the first scope that names one. */
static int
find_resource(struct exchange *x, struct wanted *w, struct err *err)
{
    struct text scopes = token_form_get(w->form, "scope"), one;

    w->resource = token_form_get(w->form, "resource");
    while (w->resource.n == 0 && text_cut(&scopes, ' ', &one))
        if (text_ends(one, DEFAULT_END))
            w->resource = text_first(one, one.n - (sizeof(DEFAULT_END) - 1));
        else if (text_starts_nocase(one, "https://"))
            w->resource = one; /* an older form: RESOURCE/user_impersonation */
    if (text_ends(w->resource, "/user_impersonation"))
        w->resource = text_first(w->resource, w->resource.n - (sizeof("user_impersonation") - 1));
    if (w->resource.n == 0) {
        const char *own = arena_printf(x->arena, "https://%s/", identity_host(x->world->identity));

        w->resource = text_of(own);
    }
    if (w->resource.n > RESOURCE_MAX)
        return err_code(err, ERR_INVALID, "invalid_resource",
                        "AADSTS500011: the resource has more than %d bytes.", RESOURCE_MAX);
    return 0;
}

static json_t *
client_info(const struct exchange *x)
{
    OWN_BUF(b, 256);
    OWN_BUF(out, 512);

    buf_printf(&b, "{\"uid\":\"%s\",\"utid\":\"%s\"}", x->caller.id, x->world->tenant_id);
    base64_print(&out, BASE64_URL, b.p, b.n);
    return buf_failed(&out) ? NULL : json_from(buf_view(&out));
}

/* What a person gets besides: to stay signed in, and to know who they are. */
static int
add_for_user(struct exchange *x, const struct wanted *w, json_t *document, struct err *err)
{
    struct identity *identity = x->world->identity;
    struct text refresh, id_token;

    if (identity_issue_refresh(identity, &x->caller, text_of(identity_issuer(identity)),
                               TOKEN_OFFLINE_S, x->arena, &refresh, err) < 0 ||
        identity_issue_management(identity, &x->caller,
                                  w->client_id.n > 0 ? w->client_id : TEXT("client"),
                                  TOKEN_MANAGEMENT_S, x->arena, &id_token, err) < 0)
        return -1;
    if (json_object_set_new(document, "refresh_token", json_from(refresh)) != 0 ||
        json_object_set_new(document, "id_token", json_from(id_token)) != 0)
        return err_memory(err);
    return 0;
}

int
token_login_post(void *room, struct exchange *x, struct err *err)
{
    struct url_query form;
    struct wanted w = { .form = &form };
    struct text token;
    OWN_JSON document = NULL;
    json_int_t now = clock_now_us() / 1000000;

    (void)room;
    if (check_tenant(x, err) < 0 || token_form(x, &form, err) < 0)
        return -1;
    w.client_id = token_form_get(&form, "client_id");
    if (redeem(x, &w, err) < 0 || find_resource(x, &w, err) < 0 ||
        identity_issue_management(x->world->identity, &x->caller, w.resource, TOKEN_MANAGEMENT_S,
                                  x->arena, &token, err) < 0)
        return -1;
    document =
        json_pack("{s:s,s:i,s:i,s:I,s:o,s:o,s:o}", "token_type", "Bearer", "expires_in",
                  (int)TOKEN_MANAGEMENT_S, "ext_expires_in", (int)TOKEN_MANAGEMENT_S, "expires_on",
                  now + (json_int_t)TOKEN_MANAGEMENT_S, "resource", json_from(w.resource),
                  "access_token", json_from(token), "client_info", client_info(x));
    if (document == NULL)
        return err_memory(err);
    if (w.refresh && add_for_user(x, &w, document, err) < 0)
        return -1;
    return token_answer(x, document, err);
}
