#include "crypto/hmac.h"

#include <string.h>

#include "base/mem.h"

#define BLOCK 64 /* of SHA-256 */

static void
start(struct hasher *h, const uint8_t key[static BLOCK], uint8_t pad)
{
    uint8_t block[BLOCK];

    for (size_t i = 0; i < BLOCK; i++)
        block[i] = key[i] ^ pad;
    hasher_init(h, DIGEST_SHA256);
    hasher_add(h, block, BLOCK);
    mem_wipe(block, sizeof(block));
}

void
hmac_key_init(struct hmac_key *key, struct text bytes)
{
    uint8_t block[BLOCK] = { 0 };

    if (bytes.n > BLOCK) {
        struct digest d;

        hasher_of(DIGEST_SHA256, bytes.p, bytes.n, &d);
        memcpy(block, d.bytes, HMAC_LEN);
    } else if (bytes.n > 0) {
        memcpy(block, bytes.p, bytes.n);
    }
    start(&key->inner, block, 0x36);
    start(&key->outer, block, 0x5c);
    mem_wipe(block, sizeof(block));
}

void
hmac_begin(struct hmac *h, const struct hmac_key *key)
{
    h->inner = key->inner;
    h->key = key;
}

void
hmac_add(struct hmac *h, const void *p, size_t n)
{
    hasher_add(&h->inner, p, n);
}

void
hmac_end(struct hmac *h, uint8_t out[static HMAC_LEN])
{
    struct hasher outer = h->key->outer;
    struct digest d;

    hasher_end(&h->inner, &d);
    hasher_add(&outer, d.bytes, HMAC_LEN);
    hasher_end(&outer, &d);
    memcpy(out, d.bytes, HMAC_LEN);
}

void
hmac_of(const struct hmac_key *key, const void *p, size_t n, uint8_t out[static HMAC_LEN])
{
    struct hmac h;

    hmac_begin(&h, key);
    hmac_add(&h, p, n);
    hmac_end(&h, out);
}
