/*
 * hmac.h - HMAC-SHA256 (RFC 2104, FIPS 198-1) with the key's two blocks hashed once.
 *
 * Invariants:
 *   M1  any split of the same bytes over hmac_add() gives the same code;
 *   M2  no heap and no lock: a code of 700 bytes costs well under a microsecond where the processor
 *       has SHA instructions.
 * A struct hmac_key is as secret as the key: keep it in struct secret, or wipe it.
 * Threads: a key may be shared once made; a struct hmac belongs to one thread.
 */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "crypto/hasher.h"

#define HMAC_LEN 32

struct hmac_key {
    struct hasher inner;
    struct hasher outer;
};

struct hmac {
    struct hasher inner;
    const struct hmac_key *key; /* borrowed */
};

void hmac_key_init(struct hmac_key *key, struct text bytes);
void hmac_begin(struct hmac *h, const struct hmac_key *key);
void hmac_add(struct hmac *h, const void *p, size_t n);
void hmac_end(struct hmac *h, uint8_t out[static HMAC_LEN]);

/* hmac_of(key, p, n, out): the code of one run of bytes. */
void hmac_of(const struct hmac_key *key, const void *p, size_t n, uint8_t out[static HMAC_LEN]);

#endif /* CRYPTO_HMAC_H */
