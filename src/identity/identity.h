/*
 * identity.h - who is calling: credentials in, a caller or a clear refusal out.
 *
 * Invariants:
 *   I1  a wrong password, an unknown user and a disabled user answer alike, in text and in time;
 *   I2  argon2id runs on at most a fixed number of threads at once and never on a loop thread;
 *   I3  a token is accepted only with the right algorithm, key, issuer, audience and time;
 *   I4  nothing that identifies (password, token) reaches err, log, or audit.
 * Threads: all functions from any thread.
 */
#ifndef IDENTITY_IDENTITY_H
#define IDENTITY_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/own.h"
#include "base/text.h"
#include "crypto/password.h"
#include "identity/caller.h"
#include "store/database.h"

struct identity;
struct key;
struct secret;
struct vault;

extern const struct migration identity_migrations[]; /* for database_open() */

/* What tokens may be presented where. */
enum audience {
    AUDIENCE_MANAGEMENT, /* ARM */
    AUDIENCE_REGISTRY,   /* the token service's own access tokens; see RFC 7519 and Docker's spec */
};

struct identity_settings {
    const char *tenant_id;
    const char *issuer_host; /* "localhost:8443": makes the iss and realm URLs */
    unsigned kdf_at_once;    /* I2; 0 means 2 */
};

#define IDENTITY_NAME_MAX      256 /* bytes of a user name */
#define IDENTITY_WAITING_MAX   64  /* sign-ins that may wait for their turn; more are ERR_BUSY */
#define IDENTITY_CACHE_SECONDS 60
#define IDENTITY_REFRESH_USER  "00000000-0000-0000-0000-000000000000" /* ACR: a refresh token */

MUST_CHECK struct identity *identity_open(struct database *database, struct vault *vault,
                                          const struct identity_settings *settings,
                                          struct err *err);
void identity_free(struct identity *identity);
DEFINE_OWN(identity);

/*
 * identity_identify(i, authorization, audience, service, may_block, arena, out, err):
 * Turn the value of an Authorization header (empty: anonymous) into a caller.
 * ${service} is the registry's login server for AUDIENCE_REGISTRY (the token's aud).  Basic
 * credentials work for either audience (user + password, application id + secret, or the ACR form
 * 00000000-0000-0000-0000-000000000000 + refresh token).  Results are cached by a keyed hash of
 * the header for at most 60 s and dropped at once when a principal changes.
 * Return 0; 1 when it would have to block and ${may_block} is false; -1 with
 * ERR_UNAUTHENTICATED (the message is safe to show).
 */
MUST_CHECK int identity_identify(struct identity *identity, struct text authorization,
                                 enum audience audience, struct text service, bool may_block,
                                 struct arena *arena, struct caller *out, struct err *err);

/*
 * identity_identify_from(): the same, for a known ${address}: wrong credentials are counted per
 * address and user, and both wait longer and longer (ERR_BUSY).  identity_identify() counts them
 * per user only.
 */
MUST_CHECK int identity_identify_from(struct identity *identity, struct text authorization,
                                      enum audience audience, struct text service,
                                      struct text address, bool may_block, struct arena *arena,
                                      struct caller *out, struct err *err);

/*
 * identity_sign_in(i, user, password, service, address, arena, out, err): credentials that came in
 * a form.  Blocks.  ${service} as above (for a refresh token as password); may be empty.
 */
MUST_CHECK int identity_sign_in(struct identity *identity, struct text user, struct text password,
                                struct text service, struct text address, struct arena *arena,
                                struct caller *out, struct err *err);

/* What a token may be used for; none passes for another (I3). */
enum token_use {
    TOKEN_REGISTRY,   /* ES256; aud: the login server */
    TOKEN_REFRESH,    /* ES256; aud: the login server, or the issuer for ARM */
    TOKEN_MANAGEMENT, /* RS256; aud: the resource it was asked for */
};

/*
 * identity_accept(i, token, use, service, arena, out, err): check a token that came in a form.
 * ${service} is the audience it must have; for TOKEN_MANAGEMENT empty means ARM's, and ARM's is
 * accepted beside any other.
 */
MUST_CHECK int identity_accept(struct identity *identity, struct text token, enum token_use use,
                               struct text service, struct arena *arena, struct caller *out,
                               struct err *err);

const char *identity_issuer(const struct identity *identity); /* "https://HOST/adfs" */
const char *identity_tenant(const struct identity *identity);
const char *identity_host(const struct identity *identity); /* "localhost:8443" */

/* identity_public_key(i, nth, kid): for JWKS: 0 RS256, 1 ES256, then NULL; borrowed. */
const struct key *identity_public_key(const struct identity *identity, size_t nth,
                                      const char **kid);

/* Tokens: each writes a signed JWT into the arena.  Lifetimes in seconds. */
MUST_CHECK int identity_issue_management(struct identity *identity, const struct caller *caller,
                                         struct text audience, unsigned lifetime_s,
                                         struct arena *arena, struct text *out, struct err *err);
MUST_CHECK int identity_issue_registry(struct identity *identity, const struct caller *caller,
                                       struct text service, const struct grant *grants, size_t n,
                                       unsigned lifetime_s, struct arena *arena, struct text *out,
                                       struct err *err);
MUST_CHECK int identity_issue_refresh(struct identity *identity, const struct caller *caller,
                                      struct text service, unsigned lifetime_s, struct arena *arena,
                                      struct text *out, struct err *err);

/*
 * identity_bootstrap(i, out, err): make user "admin" and service principal "holdfast" with random
 * secrets; those that are there already (a first start that was cut off) get new secrets.  Call it
 * only until the first start is complete.
 */
struct bootstrap {
    char user_id[ID_LEN + 1];
    const char *username; /* static */
    struct secret *password;
    char client_id[ID_LEN + 1];    /* application id of the service principal */
    char principal_id[ID_LEN + 1]; /* its object id */
    struct secret *client_secret;
};

MUST_CHECK int identity_bootstrap(struct identity *identity, struct bootstrap *out,
                                  struct err *err);
void bootstrap_done(struct bootstrap *b); /* wipes and frees the secrets */

/*
 * Principals, inside a change (see store/database.h); call identity_changed() when it is durable:
 * from then on nothing that was remembered about anyone counts.
 */
struct identity_principal {
    char id[ID_LEN + 1];     /* object id; when empty a new one is made */
    enum caller_kind kind;   /* CALLER_USER or CALLER_SERVICE_PRINCIPAL */
    char app_id[ID_LEN + 1]; /* of a service principal; when empty a new one is made */
    struct text name;        /* unique among users, without regard to ASCII case; no ":" */
    const char *record;      /* of identity_record(), or NULL: it cannot sign in */
};

/* identity_record(i, password, out, err): what is kept of a password.  Blocks (I2). */
MUST_CHECK int identity_record(struct identity *identity, struct text password,
                               char out[static PASSWORD_RECORD_MAX + 1], struct err *err);
MUST_CHECK int identity_add(struct db *db, struct identity_principal *p, struct err *err);
MUST_CHECK int identity_set_record(struct db *db, struct text id, const char *record,
                                   struct err *err); /* 1: there is none */
MUST_CHECK int identity_set_disabled(struct db *db, struct text id, bool disabled,
                                     struct err *err); /* 1: there is none */
void identity_changed(struct identity *identity);

/* identity_principal_exists(i, id): for role assignments. */
bool identity_principal_exists(struct identity *identity, struct text id);

#endif /* IDENTITY_IDENTITY_H */
