#include "identity/jwt.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/hasher.h"
#include "crypto/key.h"
#include "identity/principal.h"
#include "vault/vault.h"
#include "wire/jws.h"

#define ISSUER_MAX   300
#define KEYS         2
#define SECOND_US    INT64_C(1000000)
#define LIFETIME_MAX (100u * 365 * 24 * 3600)

struct jwt {
    struct vault *vault; /* borrowed */
    struct key *key[KEYS];
    char kid[KEYS][JWT_KID_LEN + 1];
    char issuer[ISSUER_MAX];
    char host[ISSUER_MAX];
    char tenant[ID_LEN + 1];
};

/* J1: everything that follows from a use. */
static const struct {
    const char *name; /* of the claim "use" */
    size_t key;       /* index above */
    enum vault_key vault_key;
    const char *algorithm;
} uses[] = {
    [TOKEN_REGISTRY] = { "access", 1, VAULT_KEY_TOKEN_ES256, "ES256" },
    [TOKEN_REFRESH] = { "refresh", 1, VAULT_KEY_TOKEN_ES256, "ES256" },
    [TOKEN_MANAGEMENT] = { "management", 0, VAULT_KEY_TOKEN_RS256, "RS256" },
};

/* ---- keys ---- */

static int
fetch_key(struct jwt *j, enum vault_key which, size_t at, struct err *err)
{
    OWN_BUF(der, KEY_DER_MAX);
    struct digest d;

    if (vault_public_key(j->vault, which, &der, err) < 0 ||
        (j->key[at] = key_from_public(buf_view(&der), err)) == NULL)
        return -1;
    hasher_of(DIGEST_SHA256, der.p, der.n, &d);
    hex_print(d.bytes, JWT_KID_LEN / 2, j->kid[at]);
    return 0;
}

struct jwt *
jwt_new(struct vault *vault, const struct identity_settings *settings, struct err *err)
{
    OWN(jwt) j = mem_zalloc(sizeof(*j));

    if (j == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    j->vault = vault;
    if (!text_copy(text_of(settings->tenant_id), j->tenant, sizeof(j->tenant)) ||
        !text_copy(text_of(settings->issuer_host), j->host, sizeof(j->host)) ||
        snprintf(j->issuer, sizeof(j->issuer), "https://%s/adfs", settings->issuer_host) >=
            (int)sizeof(j->issuer)) {
        (void)err_set(err, ERR_INVALID, "the issuer's host name is too long");
        return NULL;
    }
    if (fetch_key(j, VAULT_KEY_TOKEN_RS256, 0, err) < 0 ||
        fetch_key(j, VAULT_KEY_TOKEN_ES256, 1, err) < 0)
        return NULL;
    return GIVE(j);
}

void
jwt_free(struct jwt *j)
{
    if (j == NULL)
        return;
    for (size_t i = 0; i < KEYS; i++)
        key_free(j->key[i]);
    mem_free(j);
}

const char *
jwt_issuer(const struct jwt *j)
{
    return j->issuer;
}

const struct key *
jwt_key(const struct jwt *j, size_t nth, const char **kid)
{
    if (nth >= KEYS)
        return NULL;
    *kid = j->kid[nth];
    return j->key[nth];
}

/* ---- issuing ---- */

static json_t *
actions_of(unsigned bits)
{
    json_t *words = json_array();

    for (unsigned bit = 1; bit <= GRANT_CATALOG && words != NULL; bit <<= 1)
        if ((bits & bit) != 0 && json_array_append_new(words, json_string(grant_word(bit))) != 0) {
            json_decref(words);
            return NULL;
        }
    return words;
}

/* The "access" claim of Docker's token specification. */
static json_t *
access_of(const struct grant *grants, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n && list != NULL; i++) {
        json_t *one =
            json_pack("{s:o,s:o,s:o}", "type", json_from(grants[i].type), "name",
                      json_from(grants[i].name), "actions", actions_of(grants[i].actions));

        if (one == NULL || json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int
add_text(json_t *o, const char *key, struct text value)
{
    return json_object_set_new(o, key, json_from(value));
}

/* What az, MSAL and the SDKs look for in a token for ARM (azure-api.md, section 2.1). */
static int
add_management(const struct jwt *j, json_t *o, const struct principal *p)
{
    bool user = p->kind == CALLER_USER;
    struct text name = text_of(p->name);

    if (add_text(o, "tid", text_of(j->tenant)) != 0 || add_text(o, "ver", TEXT("1.0")) != 0 ||
        add_text(o, "idtyp", user ? TEXT("user") : TEXT("app")) != 0)
        return -1;
    if (!user)
        return add_text(o, "appid", text_of(p->app_id)) != 0 ||
               add_text(o, "app_displayname", name) != 0;
    return add_text(o, "upn", name) != 0 || add_text(o, "unique_name", name) != 0 ||
           add_text(o, "preferred_username", name) != 0 || add_text(o, "name", name) != 0;
}

static json_t *
claims_of(const struct jwt *j, const struct jwt_claims *c)
{
    int64_t now = clock_now_us() / SECOND_US;
    char id[ID_LEN + 1];
    const struct principal *p = c->principal;
    OWN_JSON o = NULL;
    int bad;

    id_new(id);
    o = json_pack("{s:s,s:o,s:s,s:s,s:I,s:I,s:I,s:s,s:s}", "iss", j->issuer, "aud",
                  json_from(c->audience), "sub", c->use == TOKEN_REGISTRY ? p->name : p->id, "oid",
                  p->id, "iat", (json_int_t)now, "nbf", (json_int_t)now, "exp",
                  (json_int_t)(now + c->lifetime_s), "jti", id, "use", uses[c->use].name);
    if (o == NULL)
        return NULL;
    if (c->use == TOKEN_MANAGEMENT)
        bad = add_management(j, o, p);
    else if (c->use == TOKEN_REFRESH)
        bad = add_text(o, "grant_type", TEXT("refresh_token"));
    else
        bad = json_object_set_new(o, "access", access_of(c->grants, c->n_grants));
    return bad != 0 ? NULL : GIVE(o);
}

int
jwt_issue(struct jwt *j, const struct jwt_claims *c, struct arena *arena, struct text *out,
          struct err *err)
{
    const char *kid = j->kid[uses[c->use].key];
    OWN_JSON header =
        json_pack("{s:s,s:s,s:s}", "typ", "JWT", "alg", uses[c->use].algorithm, "kid", kid);
    OWN_JSON claims = claims_of(j, c);
    uint8_t signature[VAULT_SIGNATURE_MAX];
    OWN_BUF(token, JWS_TOKEN_MAX);
    struct text made;
    size_t n;

    if (c->lifetime_s == 0 || c->lifetime_s > LIFETIME_MAX)
        return err_set(err, ERR_INVALID, "a token cannot live so long");
    if (header == NULL || claims == NULL)
        return err_memory(err);
    if (jws_print(&token, header, claims, err) < 0 ||
        vault_sign(j->vault, uses[c->use].vault_key, buf_view(&token), signature, &n, err) < 0)
        return -1;
    jws_print_signature(&token, signature, n);
    if (buf_check(&token, err) < 0)
        return -1;
    if ((made = arena_text(arena, buf_view(&token))).p == NULL)
        return err_memory(err);
    *out = made;
    return 0;
}

/* ---- accepting ---- */

static int
bad(struct err *err, const char *why)
{
    return err_code(err, ERR_UNAUTHENTICATED, "UNAUTHORIZED", "%s", why);
}

static int
check_times(const json_t *claims, int64_t now_us, struct jwt_token *out, struct err *err)
{
    struct err inner = { 0 };
    int64_t now = now_us / SECOND_US, exp = 0, nbf = 0, iat = 0;
    int has_nbf = jws_time(claims, "nbf", &nbf, &inner);

    if (jws_time(claims, "exp", &exp, &inner) != 0 || has_nbf < 0 ||
        jws_time(claims, "iat", &iat, &inner) != 0)
        return bad(err, "the token does not say properly when it is valid");
    if (exp <= now)
        return bad(err, "the token has expired: ask for a new one");
    if (has_nbf == 0 && nbf > now + JWT_LEEWAY_S)
        return bad(err, "the token is not valid yet: is a clock wrong?");
    out->issued_at_us = iat * SECOND_US;
    out->expires_at_us = exp * SECOND_US;
    return 0;
}

static struct text
without(struct text t, char end)
{
    while (t.n > 0 && t.p[t.n - 1] == end)
        t.n--;
    return t;
}

/* "https://HOST:PORT/" without scheme, port and slashes. */
static struct text
host_of(struct text audience)
{
    struct text host = without(audience, '/');
    ptrdiff_t colon;

    if (text_starts_nocase(host, "https://"))
        host = text_after(host, sizeof("https://") - 1);
    colon = host.n > 0 && host.p[0] == '[' ? -1 : text_find(host, ':');
    return colon < 0 ? host : text_first(host, (size_t)colon);
}

/* ARM is known by the bare host, management.DOMAIN, and by its names in the public cloud. */
static bool
is_management(const struct jwt *j, struct text audience)
{
    struct text host = host_of(audience);
    struct text first, rest = host;

    if (text_equal_nocase(host, host_of(text_of(j->host))) || text_is_nocase(host, "localhost") ||
        text_starts_nocase(host, "management."))
        return true;
    if (host.n > 0 && host.p[0] == '[')
        return true; /* an IPv6 address */
    while (text_cut(&rest, '.', &first)) {
        uint64_t v;

        if (!text_to_u64(first, 255, &v))
            return false;
    }
    return host.n > 0; /* an IPv4 address */
}

static bool
audience_fits(const struct jwt *j, const json_t *claims, enum token_use use, struct text wanted)
{
    struct text has = jws_claim(claims, "aud");

    if (has.p == NULL)
        return false;
    if (use != TOKEN_MANAGEMENT)
        return wanted.n > 0 && text_equal(has, wanted);
    return is_management(j, has) ||
           (wanted.n > 0 && text_equal_nocase(without(has, '/'), without(wanted, '/')));
}

static int
read_grant(const json_t *from, struct arena *arena, struct grant *out)
{
    struct text type = jws_claim(from, "type"), name = jws_claim(from, "name");
    const json_t *actions = json_object_get(from, "actions");
    struct grant g = { arena_text(arena, type), arena_text(arena, name), 0 };

    if (type.p == NULL || name.p == NULL || !json_is_array(actions))
        return -1;
    for (size_t i = 0; i < json_array_size(actions); i++)
        g.actions |= grant_bit(json_text(json_array_get(actions, i)));
    *out = g;
    return 0;
}

static int
read_grants(const json_t *claims, struct arena *arena, struct jwt_token *out, struct err *err)
{
    const json_t *list = json_object_get(claims, "access");
    size_t n = json_array_size(list);
    struct grant *grants =
        n > 0 && n <= JWT_GRANTS_MAX ? arena_take(arena, n * sizeof(*grants)) : NULL;

    if (n > 0 && n <= JWT_GRANTS_MAX && grants == NULL)
        return err_memory(err);
    if (!json_is_array(list) || n > JWT_GRANTS_MAX)
        return bad(err, "the token has no proper list of grants");
    for (size_t i = 0; i < n; i++)
        if (read_grant(json_array_get(list, i), arena, &grants[i]) < 0)
            return arena_full(arena) ? err_memory(err)
                                     : bad(err, "the token has no proper list of grants");
    out->grants = grants;
    out->n_grants = n;
    return arena_full(arena) ? err_memory(err) : 0;
}

/* After the signature: is this the kind of token that was asked for? */
static int
check_claims(const struct jwt *j, const struct jws *s, enum token_use use, struct text audience,
             int64_t now_us, struct jwt_token *out, struct err *err)
{
    if (!text_is(jws_claim(s->claims, "iss"), j->issuer))
        return bad(err, "the token was issued by somebody else");
    if (!text_is(jws_claim(s->claims, "use"), uses[use].name))
        return bad(err, "the token is of another kind: it cannot be used here");
    if (!audience_fits(j, s->claims, use, audience))
        return bad(err, "the token is for another service");
    return check_times(s->claims, now_us, out, err);
}

int
jwt_accept(struct jwt *j, struct text token, enum token_use use, struct text audience,
           int64_t now_us, struct arena *arena, struct jwt_token *out, struct err *err)
{
    size_t at = uses[use].key;
    OWN_JWS s = { 0 };
    struct err inner = { 0 };
    struct jwt_token t = { .n_grants = 0 };

    if (jws_parse(&s, token, &inner) < 0)
        return inner.kind == ERR_NO_SPACE ? err_memory(err) : bad(err, "the token is malformed");
    if (!text_is(s.alg, uses[use].algorithm) || (s.typ.p != NULL && !text_is(s.typ, "JWT")))
        return bad(err, "the token is of another kind: it cannot be used here");
    if ((s.kid.p != NULL && !text_is(s.kid, j->kid[at])) ||
        !key_verify(j->key[at], s.signing_input, s.signature, s.signature_n))
        return bad(err, "the token was not signed by this server");
    if (check_claims(j, &s, use, audience, now_us, &t, err) < 0 ||
        (use == TOKEN_REGISTRY && read_grants(s.claims, arena, &t, err) < 0))
        return -1;
    t.subject = arena_text(arena, jws_claim(s.claims, "oid"));
    if (arena_full(arena))
        return err_memory(err);
    if (!id_is(t.subject))
        return bad(err, "the token names no principal");
    *out = t;
    return 0;
}
