/*
 * jwt.h - the tokens of Holdfast: what is in them, and what makes one good (RFC 7519, RFC 8725).
 *
 * Invariants:
 *   J1  the algorithm follows from the use, never from the token: RS256 for management, else ES256;
 *   J2  a token is good only with our signature, our issuer, the use and the audience that were
 *       asked for, exp in the future and nbf not more than JWT_LEEWAY_S ahead;
 *   J3  a refusal says what is wrong with the token, and has no byte of it.
 * Threads: any.
 */
#ifndef IDENTITY_JWT_H
#define IDENTITY_JWT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/own.h"
#include "identity/identity.h"

#define JWT_LEEWAY_S   60
#define JWT_GRANTS_MAX 64
#define JWT_KID_LEN    32

struct jwt;
struct principal;
struct vault;

/* jwt_new(vault, settings, err): asks ${vault} (borrowed) for its public keys. */
MUST_CHECK struct jwt *jwt_new(struct vault *vault, const struct identity_settings *settings,
                               struct err *err);
void jwt_free(struct jwt *j);
DEFINE_OWN(jwt);

const char *jwt_issuer(const struct jwt *j);
const struct key *jwt_key(const struct jwt *j, size_t nth, const char **kid);

/* What goes into a token. */
struct jwt_claims {
    enum token_use use;
    const struct principal *principal;
    struct text audience;
    unsigned lifetime_s;
    const struct grant *grants; /* TOKEN_REGISTRY */
    size_t n_grants;
};

MUST_CHECK int jwt_issue(struct jwt *j, const struct jwt_claims *claims, struct arena *arena,
                         struct text *out, struct err *err);

/* What came out of one.  Everything is in the arena. */
struct jwt_token {
    struct text subject; /* object id */
    const struct grant *grants;
    size_t n_grants;
    int64_t issued_at_us; /* of a whole second */
    int64_t expires_at_us;
};

/* jwt_accept(): ${audience} empty: that of ARM; see identity_accept(). */
MUST_CHECK int jwt_accept(struct jwt *j, struct text token, enum token_use use,
                          struct text audience, int64_t now_us, struct arena *arena,
                          struct jwt_token *out, struct err *err);

#endif /* IDENTITY_JWT_H */
