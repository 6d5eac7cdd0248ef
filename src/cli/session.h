/*
 * session.h - who is logged in where: $XDG_CONFIG_HOME/holdfast/session.json (0600).
 *
 * Invariants:
 *   S1  the file is never readable by others, and never half written;
 *   S2  passwords of users are not kept; the secret of a service principal is, as az does.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <jansson.h>

#include "base/err.h"
#include "base/text.h"

struct session {
    json_t *document; /* object; members as below; NULL: nobody is logged in */
};

/* Members: server, ca, tenantId, subscriptionId, user, kind ("user", "servicePrincipal"), clientId,
 * clientSecret, accessToken, refreshToken, expiresAt (seconds since 1970). */
const char *session_get(const struct session *s, const char *member); /* NULL: not there */
int64_t session_expiry(const struct session *s);

MUST_CHECK int session_load(struct session *s, struct err *err); /* nobody logged in is no error */
MUST_CHECK int session_store(const struct session *s, struct err *err);
MUST_CHECK int session_forget(struct err *err); /* 1: nobody was logged in */
void session_done(struct session *s);

#endif /* CLI_SESSION_H */
