/*
 * authorization.h - the Authorization field: Basic and Bearer (RFC 7617, RFC 6750).
 *
 * Invariants:
 *   Z1  user is UTF-8 without control characters and without ":"; the password is everything
 *       behind the first ":";
 *   Z2  the decoded password is only ever in struct secret; no error message has a byte of it, nor
 *       of the field;
 *   Z3  a bearer token is 1 to AUTHORIZATION_MAX bytes of token68.
 */
#ifndef WIRE_AUTHORIZATION_H
#define WIRE_AUTHORIZATION_H

#include "base/err.h"
#include "base/secret.h"
#include "base/text.h"

#define AUTHORIZATION_MAX      ((size_t)16 * 1024) /* bytes of the field's value */
#define AUTHORIZATION_USER_MAX 256

enum authorization_scheme {
    AUTHORIZATION_NONE, /* there is no such field */
    AUTHORIZATION_BASIC,
    AUTHORIZATION_BEARER,
};

struct authorization {
    enum authorization_scheme scheme;
    char user[AUTHORIZATION_USER_MAX + 1];
    struct secret *password; /* Basic only; may be of 0 bytes */
    struct text token;       /* Bearer only; points into the field */
};

/*
 * authorization_parse(out, value, err): ${value} as http_field() gives it; an absent or empty one
 * is AUTHORIZATION_NONE.  ERR_UNAUTHENTICATED for another scheme or anything malformed.
 */
MUST_CHECK int authorization_parse(struct authorization *out, struct text value, struct err *err);
void authorization_done(struct authorization *a); /* safe on a zeroed one */

#define OWN_AUTHORIZATION __attribute__((cleanup(authorization_done))) struct authorization

#endif /* WIRE_AUTHORIZATION_H */
