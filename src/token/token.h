/*
 * token.h - where credentials become tokens: the registry's token service and the login of ARM.
 *
 *   /oauth2/token, /oauth2/exchange    Docker's token service (GET and POST), as ACR has it
 *   /adfs/..., /{tenant}/...           OAuth 2.0 and OpenID Connect as az, MSAL and the SDKs use it
 *
 * Invariants:
 *   O1  a registry token holds only what access_check() allows its subject at that moment;
 *   O2  a limited token never buys another token;
 *   O3  answers that carry a token say Cache-Control: no-store.
 * Threads: as the rows are run.
 */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include "base/err.h"
#include "base/own.h"
#include "exchange/exchange.h"

#define TOKEN_REGISTRY_S   3600u             /* lifetimes, in seconds */
#define TOKEN_EXCHANGED_S  (3u * 3600)       /* refresh token for a management token, as ACR */
#define TOKEN_OFFLINE_S    (30u * 24 * 3600) /* refresh token for a password */
#define TOKEN_MANAGEMENT_S 3600u
#define TOKEN_FORM_MAX     ((size_t)64 * 1024) /* bytes of a form */

struct token;

MUST_CHECK struct token *token_open(const struct exchange_world *world, struct err *err);
void token_free(struct token *token);
DEFINE_OWN(token);

extern const struct route token_routes[];
const struct dialect *token_dialect(struct token *token); /* of DIALECT_OAUTH */

#endif /* TOKEN_TOKEN_H */
