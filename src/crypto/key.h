/*
 * key.h - asymmetric keys: P-256 signs ES256, RSA signs RS256 (RFC 7518, sections 3.3 and 3.4).
 *
 * Invariants:
 *   Y1  an ES256 signature is r||s, 32 bytes each, big-endian, whatever OpenSSL makes of it;
 *   Y2  key_verify() is false for anything but a signature by this key of its one algorithm;
 *   Y3  a key that was read is on P-256, or RSA of 2048 to 4096 bits; nothing else is a key;
 *   Y4  private bytes leave only as struct secret.
 * Threads: a key may be shared once made.
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "base/secret.h"
#include "base/text.h"

#define KEY_SIGNATURE_MAX 512  /* RSA of 4096 bits */
#define KEY_DER_MAX       4096 /* of a private key */

struct key;

/*
 * key_lock_memory(n): once per process, before the first key: private numbers of all keys lie in
 * ${n} bytes (a power of two) of locked memory that core dumps leave out.  As far as limits allow.
 */
void key_lock_memory(size_t n);

enum key_kind {
    KEY_P256, /* ES256 */
    KEY_RSA,  /* RS256 */
};

MUST_CHECK struct key *key_generate(enum key_kind kind, struct err *err);  /* RSA: 2048 bits */
MUST_CHECK struct key *key_from_private(struct text der, struct err *err); /* PKCS #8 */
MUST_CHECK struct key *key_from_public(struct text der, struct err *err); /* SubjectPublicKeyInfo */
void key_free(struct key *key);
DEFINE_OWN(key);

enum key_kind key_kind(const struct key *key);
const char *key_algorithm(const struct key *key); /* "ES256" or "RS256" */
MUST_CHECK struct secret *key_private(const struct key *key, struct err *err); /* PKCS #8, DER */
MUST_CHECK int key_public(const struct key *key, struct buf *out, struct err *err); /* appended */

MUST_CHECK int key_sign(const struct key *key, struct text input,
                        uint8_t signature[static KEY_SIGNATURE_MAX], size_t *n, struct err *err);
bool key_verify(const struct key *key, struct text input, const uint8_t *signature, size_t n);

/* The numbers of a public key as a JSON Web Key has them, before base64 (RFC 7518, section 6). */
struct key_numbers {
    uint8_t x[32]; /* P-256 */
    uint8_t y[32];
    uint8_t n[512]; /* RSA: modulus, without leading zeros */
    size_t n_len;
    uint8_t e[8];
    size_t e_len;
};

MUST_CHECK int key_numbers(const struct key *key, struct key_numbers *out, struct err *err);

#endif /* CRYPTO_KEY_H */
