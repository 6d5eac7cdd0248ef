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
#include "identity/caller.h"

struct database;
struct db;
struct identity;
struct secret;
struct vault;

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
 * identity_bootstrap(i, subscription, out, err): on the first start make user "admin" and service
 * principal "holdfast" with random secrets; 0 made, 1 already there.
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

/* identity_principal_exists(i, id, type): for role assignments; type is "User", ... or empty. */
bool identity_principal_exists(struct identity *identity, struct text id);

#endif /* IDENTITY_IDENTITY_H */
