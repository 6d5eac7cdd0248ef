/*
 * caller.h - who asks: the outcome of the identity step of a request.
 *
 * A caller is plain data in the request's arena; it carries no secret.
 */
#ifndef IDENTITY_CALLER_H
#define IDENTITY_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/text.h"

enum caller_kind {
    CALLER_ANONYMOUS,
    CALLER_USER,
    CALLER_SERVICE_PRINCIPAL,
    CALLER_SYSTEM, /* Holdfast itself: reconciliation, timers */
};

/* One entry of a registry token's "access" claim: what the token was asked to be good for. */
struct grant {
    struct text type; /* "repository" or "registry" */
    struct text name; /* "app/web", "catalog" */
    unsigned actions; /* GRANT_* bits */
};

#define GRANT_PULL           0x01u
#define GRANT_PUSH           0x02u
#define GRANT_DELETE         0x04u
#define GRANT_METADATA_READ  0x08u
#define GRANT_METADATA_WRITE 0x10u
#define GRANT_CATALOG        0x20u

struct caller {
    enum caller_kind kind;
    char id[ID_LEN + 1]; /* the principal's object id; empty when anonymous */
    struct text name;    /* user principal name or application name, for people */
    bool limited;        /* a registry token: nothing beyond its grants, whatever the roles say */
    const struct grant *grants;
    size_t n_grants;
    int64_t expires_at_us; /* of the token; 0 for Basic credentials */
};

const char *
caller_kind_name(enum caller_kind kind); /* "Anonymous", "User", "ServicePrincipal", "System" */

/* grant_bit(word): "pull" -> GRANT_PULL ...; 0 for a word nobody knows. */
unsigned grant_bit(struct text word);

/* grant_word(bit): the word of one bit, or NULL.  "*" is GRANT_CATALOG: registry:catalog:*. */
const char *grant_word(unsigned bit);

/* caller_holds(c, type, name, bits): may the token be used for this at all?  True if not limited.
 */
bool caller_holds(const struct caller *c, struct text type, struct text name, unsigned bits);

#endif /* IDENTITY_CALLER_H */
