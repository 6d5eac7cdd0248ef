/*
 * jws.h - compact JSON Web Signatures and the claims in them, as bytes (RFC 7515, RFC 7519).
 *
 * No cryptography here: verify signature over signing_input before believing anything else.
 *
 * Invariants:
 *   W1  a token that parses has a header with a text "alg" that is not "none", no "crit", no "b64",
 *       an object as payload, and a signature that is not empty;
 *   W2  signing_input is exactly the bytes that were signed;
 *   W3  tokens above JWS_TOKEN_MAX bytes are refused before anything is decoded.
 */
#ifndef WIRE_JWS_H
#define WIRE_JWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/json.h"

#define JWS_TOKEN_MAX     ((size_t)16 * 1024)
#define JWS_SIGNATURE_MAX 512 /* RSA of 4096 bits */

struct jws {
    struct text signing_input; /* points into the token */
    uint8_t signature[JWS_SIGNATURE_MAX];
    size_t signature_n;
    json_t *header;
    json_t *claims;
    struct text alg; /* these three point into header; kid and typ may have p NULL */
    struct text kid;
    struct text typ;
};

/* jws_parse(out, token, err): the token must outlive ${out}; free with jws_done(). */
MUST_CHECK int jws_parse(struct jws *out, struct text token, struct err *err);
void jws_done(struct jws *j); /* safe on a zeroed one */

#define OWN_JWS __attribute__((cleanup(jws_done))) struct jws

/*
 * jws_time(claims, name, out, err): "exp", "nbf", "iat" in seconds since 1970.  0; 1 when absent;
 * -1 when it is no number between 0 and year 9999.  A fraction is cut off.
 */
MUST_CHECK int jws_time(const json_t *claims, const char *name, int64_t *out, struct err *err);

/* jws_claim(claims, name): a claim that is text; p is NULL when absent or of another type. */
struct text jws_claim(const json_t *claims, const char *name);

/* jws_audience_has(claims, audience): "aud" is that text, or an array that contains it. */
bool jws_audience_has(const json_t *claims, struct text audience);

/* jws_print(b, header, claims, err): append the signing input; sign those bytes, then append. */
MUST_CHECK int jws_print(struct buf *b, const json_t *header, const json_t *claims,
                         struct err *err);
void jws_print_signature(struct buf *b, const void *p, size_t n); /* "." and the signature */

#endif /* WIRE_JWS_H */
