#include "identity/identity.h"

#include <stdatomic.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/hmac.h"
#include "identity/attempts.h"
#include "identity/identity_priv.h"
#include "identity/jwt.h"
#include "identity/principal.h"
#include "identity/turn.h"
#include "identity/verified.h"
#include "wire/authorization.h"

#define KDF_AT_ONCE 2
#define SECOND_US   INT64_C(1000000)
#define CACHE_US    (SECOND_US * IDENTITY_CACHE_SECONDS)

struct identity {
    struct database *database; /* borrowed */
    struct jwt *jwt;
    struct verified *verified;
    struct attempts *attempts;
    struct secret *cache_key; /* a struct hmac_key: the cache has codes, not credentials (F3) */
    uint64_t attempts_seed;
    atomic_ullong generation; /* of everything remembered about principals */
    struct turn kdf;          /* I2 */
    bool kdf_ready;
    char host[300];
    char tenant[ID_LEN + 1];
};

/* ---- opening ---- */

static struct secret *
make_cache_key(void)
{
    OWN(secret) random = secret_random(HMAC_LEN);
    struct secret *s = secret_new(NULL, sizeof(struct hmac_key));

    if (random == NULL || s == NULL) {
        secret_free(s);
        return NULL;
    }
    hmac_key_init((struct hmac_key *)(void *)secret_bytes(s), secret_view(random));
    return s;
}

struct identity *
identity_open(struct database *database, struct vault *vault,
              const struct identity_settings *settings, struct err *err)
{
    OWN(identity) i = mem_zalloc(sizeof(*i));

    if (i == NULL || (i->verified = verified_new()) == NULL ||
        (i->attempts = attempts_new()) == NULL || (i->cache_key = make_cache_key()) == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    i->database = database;
    atomic_store(&i->generation, 1);
    id_random(&i->attempts_seed, sizeof(i->attempts_seed));
    turn_init(&i->kdf, settings->kdf_at_once != 0 ? settings->kdf_at_once : KDF_AT_ONCE,
              IDENTITY_WAITING_MAX);
    i->kdf_ready = true;
    (void)text_copy(text_of(settings->issuer_host), i->host, sizeof(i->host));
    (void)text_copy(text_of(settings->tenant_id), i->tenant, sizeof(i->tenant));
    if ((i->jwt = jwt_new(vault, settings, err)) == NULL)
        return NULL;
    return GIVE(i);
}

void
identity_free(struct identity *identity)
{
    if (identity == NULL)
        return;
    if (identity->kdf_ready)
        turn_done(&identity->kdf);
    jwt_free(identity->jwt);
    verified_free(identity->verified);
    attempts_free(identity->attempts);
    secret_free(identity->cache_key);
    mem_free(identity);
}

const char *
identity_issuer(const struct identity *identity)
{
    return jwt_issuer(identity->jwt);
}

const char *
identity_tenant(const struct identity *identity)
{
    return identity->tenant;
}

const char *
identity_host(const struct identity *identity)
{
    return identity->host;
}

const struct key *
identity_public_key(const struct identity *identity, size_t nth, const char **kid)
{
    return jwt_key(identity->jwt, nth, kid);
}

void
identity_changed(struct identity *identity)
{
    (void)atomic_fetch_add(&identity->generation, 1);
}

struct database *
identity_database(struct identity *identity)
{
    return identity->database;
}

/* ---- principals ---- */

static int
become(const struct principal *p, struct arena *arena, struct caller *out, struct err *err)
{
    struct caller c = { .kind = p->kind, .name = arena_text(arena, text_of(p->name)) };

    if (arena_full(arena))
        return err_memory(err);
    memcpy(c.id, p->id, sizeof(c.id));
    *out = c;
    return 0;
}

bool
identity_principal_exists(struct identity *identity, struct text id)
{
    struct principal p;
    struct err err = { 0 };

    return principal_by_id(database_reader(identity->database), id, &p, &err) == 0;
}

/* ---- what was verified a moment ago ---- */

static void
cache_key(const struct identity *identity, struct text authorization, enum audience audience,
          struct text service, uint8_t out[static HMAC_LEN])
{
    const struct hmac_key *key =
        (const struct hmac_key *)(const void *)secret_view(identity->cache_key).p;
    const uint8_t head[2] = { (uint8_t)audience, (uint8_t)service.n };
    struct hmac h;

    /* The length is taken modulo 256: the header that follows cannot begin with a host name. */
    hmac_begin(&h, key);
    hmac_add(&h, head, sizeof(head));
    hmac_add(&h, service.p, service.n);
    hmac_add(&h, "\0", 1);
    hmac_add(&h, authorization.p, authorization.n);
    hmac_end(&h, out);
}

/* Clock of the cache: monotonic, cut short by the token's own end on the wall clock. */
static int64_t
remember_until(const struct caller *c, int64_t now_mono)
{
    int64_t left = c->expires_at_us - clock_now_us();

    return now_mono + (c->expires_at_us != 0 && left < CACHE_US ? left : CACHE_US);
}

/* ---- tokens ---- */

int
identity_accept(struct identity *identity, struct text token, enum token_use use,
                struct text service, struct arena *arena, struct caller *out, struct err *err)
{
    struct jwt_token t;
    struct principal p;
    struct caller c;
    int got;

    if (jwt_accept(identity->jwt, token, use, service, clock_now_us(), arena, &t, err) < 0)
        return -1;
    got = principal_by_id(database_reader(identity->database), t.subject, &p, err);
    if (got > 0 || (got == 0 && p.disabled))
        return err_code(err, ERR_UNAUTHENTICATED, "UNAUTHORIZED",
                        "who the token was made for may not sign in any more");
    if (got == 0 && t.issued_at_us + SECOND_US <= p.changed_at_us)
        return err_code(err, ERR_UNAUTHENTICATED, "UNAUTHORIZED",
                        "the token is older than the password: sign in again");
    if (got < 0 || become(&p, arena, &c, err) < 0)
        return -1;
    c.limited = use == TOKEN_REGISTRY;
    c.grants = t.grants;
    c.n_grants = t.n_grants;
    c.expires_at_us = t.expires_at_us;
    *out = c;
    return 0;
}

static int
issue(struct identity *identity, const struct caller *caller, struct jwt_claims *claims,
      struct arena *arena, struct text *out, struct err *err)
{
    struct principal p;
    int got = principal_by_id(database_reader(identity->database), text_of(caller->id), &p, err);

    if (got != 0 || p.disabled)
        return got < 0 ? -1
                       : err_code(err, ERR_UNAUTHENTICATED, "UNAUTHORIZED",
                                  "a token needs somebody it is made for: sign in");
    claims->principal = &p;
    return jwt_issue(identity->jwt, claims, arena, out, err);
}

int
identity_issue_management(struct identity *identity, const struct caller *caller,
                          struct text audience, unsigned lifetime_s, struct arena *arena,
                          struct text *out, struct err *err)
{
    struct jwt_claims c = { .use = TOKEN_MANAGEMENT,
                            .audience = audience,
                            .lifetime_s = lifetime_s };

    return issue(identity, caller, &c, arena, out, err);
}

/* A token is used right after it was issued, by a client that waits: it is known already then. */
static void
expect(struct identity *identity, const struct caller *caller, const struct jwt_claims *claims,
       uint64_t generation, struct text token)
{
    struct caller c = *caller;
    uint8_t key[HMAC_LEN];
    OWN_BUF(header, AUTHORIZATION_MAX);

    buf_str(&header, "Bearer ");
    buf_text(&header, token);
    if (buf_failed(&header))
        return;
    c.limited = true;
    c.grants = claims->grants;
    c.n_grants = claims->n_grants;
    c.expires_at_us = clock_now_us() + claims->lifetime_s * SECOND_US;
    cache_key(identity, buf_view(&header), AUDIENCE_REGISTRY, claims->audience, key);
    verified_put(identity->verified, key, generation, remember_until(&c, clock_mono_us()), &c);
}

int
identity_issue_registry(struct identity *identity, const struct caller *caller, struct text service,
                        const struct grant *grants, size_t n, unsigned lifetime_s,
                        struct arena *arena, struct text *out, struct err *err)
{
    struct jwt_claims c = { .use = TOKEN_REGISTRY,
                            .audience = service,
                            .lifetime_s = lifetime_s,
                            .grants = grants,
                            .n_grants = n };
    uint64_t generation = atomic_load(&identity->generation);

    if (n > JWT_GRANTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a token is for at most %d scopes", JWT_GRANTS_MAX);
    if (issue(identity, caller, &c, arena, out, err) < 0)
        return -1;
    expect(identity, caller, &c, generation, *out);
    return 0;
}

int
identity_issue_refresh(struct identity *identity, const struct caller *caller, struct text service,
                       unsigned lifetime_s, struct arena *arena, struct text *out, struct err *err)
{
    struct jwt_claims c = { .use = TOKEN_REFRESH, .audience = service, .lifetime_s = lifetime_s };

    return issue(identity, caller, &c, arena, out, err);
}

/* ---- passwords ---- */

int
identity_record(struct identity *identity, struct text password,
                char out[static PASSWORD_RECORD_MAX + 1], struct err *err)
{
    int result;

    if (turn_take(&identity->kdf, err) < 0)
        return -1;
    result = password_record(password, out, err);
    turn_give(&identity->kdf);
    return result;
}

static uint64_t
subject_of(const struct identity *identity, struct text address, struct text user)
{
    char folded[IDENTITY_NAME_MAX + 1];

    (void)text_copy(user, folded, sizeof(folded));
    for (char *c = folded; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return text_hash(text_of(folded), text_hash(address, identity->attempts_seed));
}

/* I1: whoever it is, one derivation is paid for, and one text says no. */
static int
check_password(struct identity *identity, struct text user, struct text password,
               struct arena *arena, struct caller *out, struct err *err)
{
    struct principal p = { .disabled = true };
    int got = principal_by_login(database_reader(identity->database), user, &p, err);
    bool usable = got == 0 && !p.disabled && p.record[0] != '\0';
    struct text record = got == 0 && p.record[0] != '\0' ? text_of(p.record) : password_nobody();
    bool match = false;

    if (got < 0 || password_verify(password, record, &match, err) < 0)
        return -1;
    mem_wipe(p.record, sizeof(p.record));
    if (!match || !usable)
        return err_code(err, ERR_UNAUTHENTICATED, "UNAUTHORIZED",
                        "the user name or the password is wrong");
    return become(&p, arena, out, err);
}

/* Where a verified credential is remembered; NULL key: nowhere. */
struct memory {
    const uint8_t *key;
    uint64_t generation;
};

static int
check_wait(struct identity *identity, uint64_t subject, struct err *err)
{
    int64_t wait = attempts_wait(identity->attempts, subject, clock_mono_us());

    if (wait == 0)
        return 0;
    return err_code(err, ERR_BUSY, "TOOMANYREQUESTS",
                    "too many wrong sign-ins: try again in %lld seconds",
                    (long long)(wait / 1000000 + 1));
}

/* With the turn taken.  Many requests with the same credentials wait here: one derives for all. */
static int
take_turn(struct identity *identity, struct text user, struct text password, uint64_t subject,
          const struct memory *m, struct arena *arena, struct caller *out, struct err *err)
{
    int64_t now = clock_mono_us();

    if (m->key != NULL && verified_get(identity->verified, m->key, m->generation, now, arena, out))
        return 0;
    if (check_wait(identity, subject, err) < 0)
        return -1;
    if (check_password(identity, user, password, arena, out, err) == 0) {
        attempts_succeeded(identity->attempts, subject);
        if (m->key != NULL)
            verified_put(identity->verified, m->key, m->generation, remember_until(out, now), out);
        return 0;
    }
    if (err->kind == ERR_UNAUTHENTICATED)
        attempts_failed(identity->attempts, subject, clock_mono_us());
    return -1;
}

static int
sign_in(struct identity *identity, struct text user, struct text password, struct text address,
        const struct memory *m, struct arena *arena, struct caller *out, struct err *err)
{
    uint64_t subject = subject_of(identity, address, user);
    int result;

    if (check_wait(identity, subject, err) < 0 || turn_take(&identity->kdf, err) < 0)
        return -1;
    result = take_turn(identity, user, password, subject, m, arena, out, err);
    turn_give(&identity->kdf);
    return result;
}

int
identity_sign_in(struct identity *identity, struct text user, struct text password,
                 struct text service, struct text address, struct arena *arena, struct caller *out,
                 struct err *err)
{
    const struct memory none = { NULL, 0 };

    if (text_is(user, IDENTITY_REFRESH_USER))
        return identity_accept(identity, password, TOKEN_REFRESH, service, arena, out, err);
    return sign_in(identity, user, password, address, &none, arena, out, err);
}

/* ---- the Authorization field ---- */

static int
verify(struct identity *identity, const struct authorization *a, enum audience audience,
       struct text service, struct text address, const struct memory *m, struct arena *arena,
       struct caller *out, struct err *err)
{
    bool registry = audience == AUDIENCE_REGISTRY;
    struct text wanted = registry ? service : TEXT("");
    int64_t now = clock_mono_us();
    int result;

    if (a->scheme == AUTHORIZATION_BASIC && !text_is(text_of(a->user), IDENTITY_REFRESH_USER))
        return sign_in(identity, text_of(a->user), secret_view(a->password), address, m, arena, out,
                       err);
    if (a->scheme == AUTHORIZATION_BASIC)
        result = identity_accept(identity, secret_view(a->password), TOKEN_REFRESH, wanted, arena,
                                 out, err);
    else
        result = identity_accept(identity, a->token, registry ? TOKEN_REGISTRY : TOKEN_MANAGEMENT,
                                 wanted, arena, out, err);
    if (result == 0)
        verified_put(identity->verified, m->key, m->generation, remember_until(out, now), out);
    return result;
}

int
identity_identify_from(struct identity *identity, struct text authorization, enum audience audience,
                       struct text service, struct text address, bool may_block,
                       struct arena *arena, struct caller *out, struct err *err)
{
    uint64_t generation = atomic_load(&identity->generation);
    int64_t now = clock_mono_us();
    uint8_t key[HMAC_LEN];
    OWN_AUTHORIZATION a = { .scheme = AUTHORIZATION_NONE };
    const struct memory m = { key, generation };

    if (authorization.n == 0) {
        *out = (struct caller){ .kind = CALLER_ANONYMOUS };
        return 0;
    }
    cache_key(identity, authorization, audience, service, key);
    if (verified_get(identity->verified, key, generation, now, arena, out))
        return 0;
    if (!may_block)
        return 1;
    if (authorization_parse(&a, authorization, err) < 0)
        return -1;
    return verify(identity, &a, audience, service, address, &m, arena, out, err);
}

int
identity_identify(struct identity *identity, struct text authorization, enum audience audience,
                  struct text service, bool may_block, struct arena *arena, struct caller *out,
                  struct err *err)
{
    return identity_identify_from(identity, authorization, audience, service, TEXT(""), may_block,
                                  arena, out, err);
}
