/*
 * verified.h - credentials that were checked a moment ago, so that they are not checked again.
 *
 * Invariants:
 *   F1  what is found was put under exactly that key, in the present generation, and has not
 *       expired;
 *   F2  it holds at most VERIFIED_MAX entries; the one that would expire first gives way;
 *   F3  no credential is in it: keys are codes under a key of this process.
 * Threads: all functions from any thread; a lookup holds one of many locks for a copy.
 */
#ifndef IDENTITY_VERIFIED_H
#define IDENTITY_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/own.h"
#include "crypto/hmac.h"
#include "identity/caller.h"

#define VERIFIED_MAX 4096
#define VERIFIED_BYTES_MAX                                                                         \
    16384 /* of one caller with its grants; larger ones are not remembered                         \
           */

struct verified;

struct verified *verified_new(void); /* NULL when out of memory */
void verified_free(struct verified *v);
DEFINE_OWN(verified);

/* verified_get(): a copy in the arena. */
bool verified_get(struct verified *v, const uint8_t key[static HMAC_LEN], uint64_t generation,
                  int64_t now_us, struct arena *arena, struct caller *out);

/* verified_put(): forgetting is always allowed, so this never fails. */
void verified_put(struct verified *v, const uint8_t key[static HMAC_LEN], uint64_t generation,
                  int64_t expires_us, const struct caller *caller);

#endif /* IDENTITY_VERIFIED_H */
