/* identity/identity.h, with the real signer and a real database. */
#include "identity/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "who.h"
#include "wire/jws.h"

#define OTHER    "other.azurecr.localhost:8443"
#define MANY     20000
#define PARALLEL 8

static struct grant grants[1];

static struct caller
admin(struct who *w)
{
    struct caller c = { .kind = CALLER_ANONYMOUS };
    struct err err = { 0 };

    assert_int_equal(who_identify(w, who_basic(w, "admin", secret_view(w->first.password)),
                                  AUDIENCE_REGISTRY, &c, &err),
                     0);
    return c;
}

static int
refused(struct who *w, struct text authorization, enum audience audience)
{
    struct caller c = { .kind = CALLER_ANONYMOUS };
    struct err err = { 0 };
    int rc = who_identify(w, authorization, audience, &c, &err);

    assert_true(rc == 0 || c.kind == CALLER_ANONYMOUS);
    return rc == -1 && err.kind == ERR_UNAUTHENTICATED;
}

static void
both_bootstrap_principals_sign_in_everywhere(void **state)
{
    struct who *w = *state;
    struct caller c = admin(w);
    struct err err = { 0 };

    assert_int_equal(c.kind, CALLER_USER);
    grants[0] = (struct grant){ TEXT("repository"), TEXT("app/web"), GRANT_PULL | GRANT_PUSH };
    assert_string_equal(c.id, w->first.user_id);
    assert_true(text_is(c.name, "admin"));
    assert_false(c.limited);
    assert_int_equal(
        who_identify(w, who_basic(w, w->first.client_id, secret_view(w->first.client_secret)),
                     AUDIENCE_MANAGEMENT, &c, &err),
        0);
    assert_int_equal(c.kind, CALLER_SERVICE_PRINCIPAL);
    assert_string_equal(c.id, w->first.principal_id);
    assert_int_equal(secret_view(w->first.password).n, 32);
    assert_true(identity_principal_exists(w->identity, text_of(w->first.user_id)));
    assert_false(identity_principal_exists(w->identity, TEXT(WHO_TENANT)));
}

static void
nothing_is_anonymous(void **state)
{
    struct who *w = *state;
    struct caller c = { .kind = CALLER_USER };
    struct err err = { 0 };

    assert_int_equal(identity_identify(w->identity, TEXT(""), AUDIENCE_REGISTRY, TEXT("x"), false,
                                       w->arena, &c, &err),
                     0);
    assert_int_equal(c.kind, CALLER_ANONYMOUS);
}

/* Processor time of this thread, or the whole process: what others do does not count. */
static int64_t
spent_ns(clockid_t whose)
{
    struct timespec t;

    assert_int_equal(clock_gettime(whose, &t), 0);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* What is answered, and what it costs at best. */
static int64_t
try_wrong(struct who *w, const char *user, char *msg, size_t cap)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < 3; i++) {
        struct caller c;
        struct err err = { 0 };
        int64_t begin = spent_ns(CLOCK_THREAD_CPUTIME_ID);

        assert_int_equal(identity_sign_in(w->identity, text_of(user), TEXT("wrong"), TEXT(""),
                                          TEXT("test"), w->arena, &c, &err),
                         -1);
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        (void)snprintf(msg, cap, "%s", err.msg);
        if (spent_ns(CLOCK_THREAD_CPUTIME_ID) - begin < best)
            best = spent_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    }
    return best;
}

static int
add_someone(struct db *db, void *arg, struct err *err)
{
    return identity_add(db, arg, err);
}

static int
disable_someone(struct db *db, void *arg, struct err *err)
{
    return identity_set_disabled(db, text_of(arg), true, err);
}

static void
make_user(struct who *w, const char *name, const char *password, char id[static ID_LEN + 1])
{
    char record[PASSWORD_RECORD_MAX + 1];
    struct identity_principal p = { .kind = CALLER_USER, .name = text_of(name), .record = record };
    struct err err = { 0 };

    assert_int_equal(identity_record(w->identity, text_of(password), record, &err), 0);
    assert_int_equal(database_write(w->database, add_someone, &p, &err), 0);
    identity_changed(w->identity);
    memcpy(id, p.id, sizeof(p.id));
}

static void
i1_unknown_wrong_and_disabled_are_alike(void **state)
{
    struct who *w = *state;
    char one[256], two[256], three[256], id[ID_LEN + 1];
    struct err err = { 0 };
    int64_t wrong, unknown, disabled;

    make_user(w, "gone", "secret", id);
    assert_int_equal(database_write(w->database, disable_someone, id, &err), 0);
    identity_changed(w->identity);
    wrong = try_wrong(w, "admin", one, sizeof(one));
    unknown = try_wrong(w, "nobody", two, sizeof(two));
    disabled = try_wrong(w, "gone", three, sizeof(three));
    assert_string_equal(one, two);
    assert_string_equal(one, three);
    assert_true(unknown * 2 > wrong && wrong * 2 > unknown);
    assert_true(disabled * 2 > wrong && wrong * 2 > disabled);
    assert_true(refused(w, who_basic(w, "gone", TEXT("secret")), AUDIENCE_REGISTRY));
}

struct crowd {
    struct who *w;
    struct text header;
    atomic_int good;
};

static void *
join_crowd(void *arg)
{
    struct crowd *crowd = arg;
    OWN(arena) arena = arena_new(65536);
    struct caller c;
    struct err err = { 0 };

    if (identity_identify(crowd->w->identity, crowd->header, AUDIENCE_REGISTRY, TEXT(WHO_SERVICE),
                          true, arena, &c, &err) == 0)
        (void)atomic_fetch_add(&crowd->good, 1);
    return NULL;
}

static void
i2_many_at_once_pay_once(void **state)
{
    struct who *w = *state;
    struct crowd crowd = { .w = w };
    pthread_t threads[PARALLEL];
    int64_t begin, one;

    crowd.header = who_basic(w, "admin", secret_view(w->first.password));
    identity_changed(w->identity);
    begin = spent_ns(CLOCK_PROCESS_CPUTIME_ID);
    (void)admin(w);
    one = spent_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
    identity_changed(w->identity);
    begin = spent_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < PARALLEL; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, join_crowd, &crowd), 0);
    for (size_t i = 0; i < PARALLEL; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    begin = spent_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
    assert_int_equal(atomic_load(&crowd.good), PARALLEL);
    print_message("one sign-in %lld us, %d at once %lld us\n", (long long)one / 1000, PARALLEL,
                  (long long)begin / 1000);
    assert_true(begin < one * PARALLEL / 2); /* two may begin together; the rest find it done */
}

static void
a_cached_header_needs_no_blocking_until_something_changes(void **state)
{
    struct who *w = *state;
    struct text header = who_basic(w, "admin", secret_view(w->first.password));
    struct caller c;
    struct err err = { 0 };

    (void)admin(w);
    assert_int_equal(identity_identify(w->identity, header, AUDIENCE_REGISTRY, TEXT(WHO_SERVICE),
                                       false, w->arena, &c, &err),
                     0);
    assert_int_equal(identity_identify(w->identity, header, AUDIENCE_REGISTRY, TEXT(OTHER), false,
                                       w->arena, &c, &err),
                     1);
    identity_changed(w->identity);
    assert_int_equal(identity_identify(w->identity, header, AUDIENCE_REGISTRY, TEXT(WHO_SERVICE),
                                       false, w->arena, &c, &err),
                     1);
}

static void
a_disabled_user_is_out_at_once(void **state)
{
    struct who *w = *state;
    char id[ID_LEN + 1];
    struct text header = who_basic(w, "leaver", TEXT("secret")), token;
    struct caller c;
    struct err err = { 0 };

    make_user(w, "leaver", "secret", id);
    assert_int_equal(who_identify(w, header, AUDIENCE_REGISTRY, &c, &err), 0);
    assert_int_equal(identity_issue_registry(w->identity, &c, TEXT(WHO_SERVICE), grants, 1, 600,
                                             w->arena, &token, &err),
                     0);
    assert_int_equal(who_identify(w, who_bearer(w, token), AUDIENCE_REGISTRY, &c, &err), 0);
    assert_int_equal(database_write(w->database, disable_someone, id, &err), 0);
    identity_changed(w->identity);
    assert_true(refused(w, header, AUDIENCE_REGISTRY));
    assert_true(refused(w, who_bearer(w, token), AUDIENCE_REGISTRY));
}

static void
a_registry_token_carries_its_grants(void **state)
{
    struct who *w = *state;
    struct caller c = admin(w), seen;
    struct text token;
    struct err err = { 0 };

    assert_int_equal(identity_issue_registry(w->identity, &c, TEXT(WHO_SERVICE), grants, 1, 600,
                                             w->arena, &token, &err),
                     0);
    assert_int_equal(who_identify(w, who_bearer(w, token), AUDIENCE_REGISTRY, &seen, &err), 0);
    assert_true(seen.limited);
    assert_string_equal(seen.id, c.id);
    assert_int_equal(seen.n_grants, 1);
    assert_true(caller_holds(&seen, TEXT("repository"), TEXT("app/web"), GRANT_PULL | GRANT_PUSH));
    assert_false(caller_holds(&seen, TEXT("repository"), TEXT("app/web"), GRANT_DELETE));
    assert_false(caller_holds(&seen, TEXT("repository"), TEXT("app"), GRANT_PULL));
    assert_true(seen.expires_at_us > clock_now_us());
}

/* Every kind of token at every door it is not for. */
static void
i3_no_token_passes_for_another(void **state)
{
    struct who *w = *state;
    struct caller c = admin(w), seen;
    struct text access, refresh, management, elsewhere, issuer;
    struct err err = { 0 }, e1 = { 0 }, e2 = { 0 }, e3 = { 0 };

    issuer = text_of(identity_issuer(w->identity));
    assert_int_equal(identity_issue_registry(w->identity, &c, TEXT(WHO_SERVICE), NULL, 0, 600,
                                             w->arena, &access, &err),
                     0);
    assert_int_equal(identity_issue_registry(w->identity, &c, TEXT(OTHER), NULL, 0, 600, w->arena,
                                             &elsewhere, &err),
                     0);
    assert_int_equal(
        identity_issue_refresh(w->identity, &c, TEXT(WHO_SERVICE), 600, w->arena, &refresh, &err),
        0);
    assert_int_equal(identity_issue_management(w->identity, &c, TEXT("https://localhost:8443/"),
                                               600, w->arena, &management, &err),
                     0);
    assert_false(refused(w, who_bearer(w, access), AUDIENCE_REGISTRY));
    assert_true(refused(w, who_bearer(w, access), AUDIENCE_MANAGEMENT));
    assert_true(refused(w, who_bearer(w, elsewhere), AUDIENCE_REGISTRY));
    assert_true(refused(w, who_bearer(w, refresh), AUDIENCE_REGISTRY));
    assert_true(refused(w, who_bearer(w, refresh), AUDIENCE_MANAGEMENT));
    assert_false(refused(w, who_bearer(w, management), AUDIENCE_MANAGEMENT));
    assert_true(refused(w, who_bearer(w, management), AUDIENCE_REGISTRY));
    /* the refresh token as ACR's password, at its own registry only */
    assert_false(refused(w, who_basic(w, IDENTITY_REFRESH_USER, refresh), AUDIENCE_REGISTRY));
    assert_true(refused(w, who_basic(w, IDENTITY_REFRESH_USER, access), AUDIENCE_REGISTRY));
    assert_true(refused(w, who_basic(w, IDENTITY_REFRESH_USER, refresh), AUDIENCE_MANAGEMENT));
    /* in forms */
    assert_int_equal(identity_accept(w->identity, refresh, TOKEN_REFRESH, TEXT(WHO_SERVICE),
                                     w->arena, &seen, &err),
                     0);
    assert_int_equal(
        identity_accept(w->identity, refresh, TOKEN_REFRESH, issuer, w->arena, &seen, &e1), -1);
    assert_int_equal(identity_accept(w->identity, access, TOKEN_REFRESH, TEXT(WHO_SERVICE),
                                     w->arena, &seen, &e2),
                     -1);
    assert_int_equal(
        identity_accept(w->identity, refresh, TOKEN_REFRESH, TEXT(""), w->arena, &seen, &e3), -1);
}

static void
arm_knows_its_own_names(void **state)
{
    static const struct {
        const char *audience;
        bool good;
    } cases[] = {
        { "https://localhost:8443", true },
        { "https://localhost:8443/", true },
        { "https://management.localhost:8443/", true },
        { "https://management.azure.com/", true },
        { "https://management.core.windows.net/", true },
        { "https://127.0.0.1:8443", true },
        { "https://[::1]:8443", true },
        { "https://containerregistry.azure.net", false },
        { "https://kv1.vault.localhost:8443", false },
        { "04b07795-8ddb-461a-bbee-02f9e1bf7b46", false },
        { "https://evil.example/", false },
    };
    struct who *w = *state;
    struct caller c = admin(w), seen;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 }, e = { 0 };
        struct text token;

        assert_int_equal(identity_issue_management(w->identity, &c, text_of(cases[i].audience), 600,
                                                   w->arena, &token, &err),
                         0);
        assert_int_equal(
            identity_accept(w->identity, token, TOKEN_MANAGEMENT, TEXT(""), w->arena, &seen, &e),
            cases[i].good ? 0 : -1);
        err_clear(&e);
        assert_int_equal(identity_accept(w->identity, token, TOKEN_MANAGEMENT,
                                         TEXT("https://containerregistry.azure.net"), w->arena,
                                         &seen, &e),
                         cases[i].good || i == 7 ? 0 : -1);
    }
}

/* Sign a token by hand with the real key: only the claims are wrong. */
static struct text
forge(struct who *w, const char *algorithm, enum vault_key key, json_t *claims)
{
    OWN_JSON header = json_pack("{s:s,s:s}", "typ", "JWT", "alg", algorithm);
    OWN_JSON owned = claims;
    OWN_BUF(b, 8192);
    uint8_t sig[VAULT_SIGNATURE_MAX];
    struct err err = { 0 };
    size_t n = 0;

    assert_int_equal(jws_print(&b, header, owned, &err), 0);
    assert_int_equal(vault_sign(w->vault, key, buf_view(&b), sig, &n, &err), 0);
    jws_print_signature(&b, sig, n);
    return arena_text(w->arena, buf_view(&b));
}

static json_t *
good_claims(struct who *w)
{
    json_int_t now = clock_now_us() / 1000000;

    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:[]}", "iss", identity_issuer(w->identity),
                     "aud", WHO_SERVICE, "sub", "admin", "oid", w->first.user_id, "iat", now, "nbf",
                     now, "exp", now + 600, "use", "access", "access");
}

static json_t *
with(json_t *claims, const char *name, json_t *value)
{
    (void)json_object_set_new(claims, name, value);
    return claims;
}

static void
i3_claims_are_checked(void **state)
{
    struct who *w = *state;
    json_int_t now = clock_now_us() / 1000000;
    json_t *wrong[] = {
        with(good_claims(w), "exp", json_integer(now - 1)),
        with(good_claims(w), "exp", json_string("soon")),
        with(good_claims(w), "nbf", json_integer(now + 3600)),
        with(good_claims(w), "iss", json_string("https://evil.example/adfs")),
        with(good_claims(w), "aud", json_string(OTHER)),
        with(good_claims(w), "aud", json_pack("[s]", OTHER)),
        with(good_claims(w), "use", json_string("refresh")),
        with(good_claims(w), "oid", json_string("admin")),
        with(good_claims(w), "oid", json_string(WHO_TENANT)),
        with(good_claims(w), "access", json_string("all")),
        with(good_claims(w), "access", json_pack("[{s:s}]", "type", "repository")),
        with(good_claims(w), "iat", json_null()),
    };

    assert_false(refused(w, who_bearer(w, forge(w, "ES256", VAULT_KEY_TOKEN_ES256, good_claims(w))),
                         AUDIENCE_REGISTRY));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_true(refused(w, who_bearer(w, forge(w, "ES256", VAULT_KEY_TOKEN_ES256, wrong[i])),
                            AUDIENCE_REGISTRY));
    /* key confusion: the other key, and the other algorithm's name */
    assert_true(refused(w, who_bearer(w, forge(w, "RS256", VAULT_KEY_TOKEN_RS256, good_claims(w))),
                        AUDIENCE_REGISTRY));
    assert_true(refused(w, who_bearer(w, forge(w, "ES256", VAULT_KEY_TOKEN_RS256, good_claims(w))),
                        AUDIENCE_REGISTRY));
    assert_true(refused(w, who_bearer(w, forge(w, "none", VAULT_KEY_TOKEN_ES256, good_claims(w))),
                        AUDIENCE_REGISTRY));
    assert_true(refused(w, who_bearer(w, forge(w, "HS256", VAULT_KEY_TOKEN_ES256, good_claims(w))),
                        AUDIENCE_REGISTRY));
}

static void
i3_one_changed_byte_is_one_too_many(void **state)
{
    struct who *w = *state;
    struct text good = forge(w, "ES256", VAULT_KEY_TOKEN_ES256, good_claims(w));
    char *copy = arena_cstr(w->arena, good);

    for (size_t i = 0; i < good.n; i++) {
        char was = copy[i];

        copy[i] = was == 'A' ? 'B' : 'A';
        assert_true(refused(w, who_bearer(w, text_of(copy)), AUDIENCE_REGISTRY));
        copy[i] = was;
    }
    for (size_t n = 0; n < good.n; n += 17)
        assert_true(refused(w, who_bearer(w, text_first(good, n)), AUDIENCE_REGISTRY));
}

static int
replace_password(struct db *db, void *arg, struct err *err)
{
    char **p = arg;

    return identity_set_record(db, text_of(p[0]), p[1], err);
}

static void
a_new_password_ends_old_tokens(void **state)
{
    struct who *w = *state;
    char id[ID_LEN + 1], record[PASSWORD_RECORD_MAX + 1];
    char *change[] = { id, record };
    json_int_t past = clock_now_us() / 1000000 - 10;
    json_t *claims = good_claims(w);
    struct text old;
    struct err err = { 0 };

    make_user(w, "mover", "old", id);
    claims = with(with(claims, "oid", json_string(id)), "iat", json_integer(past));
    old = who_bearer(w, forge(w, "ES256", VAULT_KEY_TOKEN_ES256, claims));
    assert_false(refused(w, old, AUDIENCE_REGISTRY));
    assert_int_equal(identity_record(w->identity, TEXT("new"), record, &err), 0);
    assert_int_equal(database_write(w->database, replace_password, change, &err), 0);
    identity_changed(w->identity);
    assert_true(refused(w, old, AUDIENCE_REGISTRY));
    assert_true(refused(w, who_basic(w, "mover", TEXT("old")), AUDIENCE_REGISTRY));
    assert_false(refused(w, who_basic(w, "MOVER", TEXT("new")), AUDIENCE_REGISTRY));
}

static void
i4_nothing_secret_in_errors(void **state)
{
    struct who *w = *state;
    struct caller c;
    struct err err = { 0 };

    assert_int_equal(who_identify(w, who_basic(w, "admin", TEXT("planted-pa55word")),
                                  AUDIENCE_REGISTRY, &c, &err),
                     -1);
    assert_null(strstr(err.msg, "planted"));
    assert_null(strstr(err.detail, "planted"));
    err_clear(&err);
    assert_int_equal(who_identify(w, TEXT("Bearer planted.pa55.word"), AUDIENCE_REGISTRY, &c, &err),
                     -1);
    assert_null(strstr(err.msg, "planted"));
    assert_null(strstr(err.detail, "planted"));
}

static void
wrong_passwords_slow_down(void **state)
{
    struct who *w = *state;
    struct caller c;
    int busy = 0;

    for (int i = 0; i < 8; i++) {
        struct err err = { 0 };

        assert_int_equal(identity_sign_in(w->identity, TEXT("victim"), TEXT("x"), TEXT(""),
                                          TEXT("192.0.2.7"), w->arena, &c, &err),
                         -1);
        busy += err.kind == ERR_BUSY;
    }
    assert_true(busy >= 2);
    {
        struct err err = { 0 }; /* from elsewhere the same user is not locked out */

        assert_int_equal(identity_sign_in(w->identity, TEXT("victim"), TEXT("x"), TEXT(""),
                                          TEXT("192.0.2.8"), w->arena, &c, &err),
                         -1);
        assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
    }
}

static void
names_are_unique_whatever_their_case(void **state)
{
    struct who *w = *state;
    struct identity_principal twin = { .kind = CALLER_USER, .name = TEXT("ADMIN") };
    struct identity_principal colon = { .kind = CALLER_USER, .name = TEXT("a:b") };
    struct identity_principal uuid = { .kind = CALLER_USER, .name = TEXT(WHO_TENANT) };
    struct err a = { 0 }, b = { 0 }, c = { 0 };

    assert_int_equal(database_write(w->database, add_someone, &twin, &a), -1);
    assert_int_equal(a.kind, ERR_CONFLICT);
    assert_int_equal(database_write(w->database, add_someone, &colon, &b), -1);
    assert_int_equal(b.kind, ERR_INVALID);
    assert_int_equal(database_write(w->database, add_someone, &uuid, &c), -1);
    assert_int_equal(c.kind, ERR_INVALID);
}

static void
bootstrap_again_renews_the_secrets(void **state)
{
    struct who *w = *state;
    struct bootstrap again = { 0 };
    struct caller c;
    struct err err = { 0 };

    assert_int_equal(identity_bootstrap(w->identity, &again, &err), 0);
    assert_string_equal(again.user_id, w->first.user_id);
    assert_string_equal(again.client_id, w->first.client_id);
    assert_true(
        refused(w, who_basic(w, "admin", secret_view(w->first.password)), AUDIENCE_REGISTRY));
    assert_int_equal(who_identify(w, who_basic(w, "admin", secret_view(again.password)),
                                  AUDIENCE_REGISTRY, &c, &err),
                     0);
    bootstrap_done(&w->first);
    w->first = again;
}

/* Each allocation of a first verification fails in turn: refused cleanly, or it did not matter. */
static void
allocations_fail_cleanly(void **state)
{
    struct who *w = *state;
    struct text header = who_bearer(w, forge(w, "ES256", VAULT_KEY_TOKEN_ES256, good_claims(w)));
    int failures = 0;

    (void)admin(w);
    for (long n = 0; n < 200; n++) {
        OWN(arena) arena = arena_new(65536);
        struct caller c = { .kind = CALLER_ANONYMOUS };
        struct err err = { 0 };
        long live;
        int rc;

        identity_changed(w->identity);
        live = mem_live();
        mem_fail_after(n);
        rc = identity_identify(w->identity, header, AUDIENCE_REGISTRY, TEXT(WHO_SERVICE), true,
                               arena, &c, &err);
        mem_fail_after(-1);
        if (rc == 0) {
            assert_string_equal(c.id, w->first.user_id);
        } else {
            assert_int_equal(rc, -1);
            assert_int_equal(err.kind, ERR_NO_SPACE); /* no verdict on the client */
            assert_int_equal(c.kind, CALLER_ANONYMOUS);
            failures++;
            assert_true(mem_live() - live <= 2); /* the arena's own chunk */
        }
    }
    assert_true(failures > 5);
}

static void
figures(void **state)
{
    struct who *w = *state;
    struct caller c = admin(w), seen;
    OWN(arena) arena = arena_new(65536);
    struct text token, header;
    struct err err = { 0 };
    int64_t begin, first = 0;
    int hits = 0;

    assert_int_equal(identity_issue_registry(w->identity, &c, TEXT(WHO_SERVICE), grants, 1, 600,
                                             w->arena, &token, &err),
                     0);
    header = who_bearer(w, token);
    for (int i = 0; i < 200; i++) {
        identity_changed(w->identity);
        begin = spent_ns(CLOCK_THREAD_CPUTIME_ID);
        assert_int_equal(identity_identify(w->identity, header, AUDIENCE_REGISTRY,
                                           TEXT(WHO_SERVICE), true, arena, &seen, &err),
                         0);
        first += spent_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
        arena_reset(arena);
    }
    begin = spent_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < MANY; i++) {
        hits += 0 == identity_identify(w->identity, header, AUDIENCE_REGISTRY, TEXT(WHO_SERVICE),
                                       false, arena, &seen, &err);
        arena_reset(arena);
    }
    begin = spent_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    print_message("token of %zu bytes: first time %.1f us, then %.0f ns\n", token.n,
                  (double)first / 200e3, (double)begin / MANY);
    assert_int_equal(hits, MANY);
    assert_string_equal(seen.id, c.id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_bootstrap_principals_sign_in_everywhere),
        cmocka_unit_test(nothing_is_anonymous),
        cmocka_unit_test(i1_unknown_wrong_and_disabled_are_alike),
        cmocka_unit_test(i2_many_at_once_pay_once),
        cmocka_unit_test(a_cached_header_needs_no_blocking_until_something_changes),
        cmocka_unit_test(a_disabled_user_is_out_at_once),
        cmocka_unit_test(a_registry_token_carries_its_grants),
        cmocka_unit_test(i3_no_token_passes_for_another),
        cmocka_unit_test(arm_knows_its_own_names),
        cmocka_unit_test(i3_claims_are_checked),
        cmocka_unit_test(i3_one_changed_byte_is_one_too_many),
        cmocka_unit_test(a_new_password_ends_old_tokens),
        cmocka_unit_test(i4_nothing_secret_in_errors),
        cmocka_unit_test(wrong_passwords_slow_down),
        cmocka_unit_test(names_are_unique_whatever_their_case),
        cmocka_unit_test(bootstrap_again_renews_the_secrets),
        cmocka_unit_test(allocations_fail_cleanly),
        cmocka_unit_test(figures),
    };

    return cmocka_run_group_tests(tests, who_open, who_close);
}
