/*
 * EVP cannot hand out the state of a running digest, so this one file uses the low-level calls
 * that OpenSSL 3 marks as deprecated.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hasher.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/number.h"

#define HEADER 16

static const uint8_t magic[4] = { 'H', 'F', 'H', '1' };

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct hasher *)0)->state), "state is too small");
_Static_assert(sizeof(SHA512_CTX) <= sizeof(((struct hasher *)0)->state), "state is too small");

static SHA256_CTX *
sha256_of(struct hasher *h)
{
    return (SHA256_CTX *)(void *)h->state;
}

static SHA512_CTX *
sha512_of(struct hasher *h)
{
    return (SHA512_CTX *)(void *)h->state;
}

void
hasher_init(struct hasher *h, enum digest_algorithm algorithm)
{
    *h = (struct hasher){ .algorithm = algorithm };
    if (algorithm == DIGEST_SHA256)
        (void)SHA256_Init(sha256_of(h));
    else
        (void)SHA512_Init(sha512_of(h));
}

void
hasher_add(struct hasher *h, const void *p, size_t n)
{
    if (n == 0)
        return;
    if (h->algorithm == DIGEST_SHA256)
        (void)SHA256_Update(sha256_of(h), p, n);
    else
        (void)SHA512_Update(sha512_of(h), p, n);
    h->size += n;
}

void
hasher_end(const struct hasher *h, struct digest *out)
{
    struct hasher copy = *h;

    *out = (struct digest){ .algorithm = h->algorithm };
    if (h->algorithm == DIGEST_SHA256)
        (void)SHA256_Final(out->bytes, sha256_of(&copy));
    else
        (void)SHA512_Final(out->bytes, sha512_of(&copy));
}

void
hasher_of(enum digest_algorithm algorithm, const void *p, size_t n, struct digest *out)
{
    struct hasher h;

    hasher_init(&h, algorithm);
    hasher_add(&h, p, n);
    hasher_end(&h, out);
}

/* Block and word sizes of FIPS 180-4, figure 1. */
static size_t
block_size(enum digest_algorithm algorithm)
{
    return algorithm == DIGEST_SHA256 ? 64 : 128;
}

static size_t
word_size(enum digest_algorithm algorithm)
{
    return algorithm == DIGEST_SHA256 ? 4 : 8;
}

size_t
hasher_save(const struct hasher *h, uint8_t out[static HASHER_SAVED_MAX])
{
    struct hasher copy = *h;
    size_t word = word_size(h->algorithm);
    size_t tail = (size_t)(h->size % block_size(h->algorithm));
    uint8_t *at = out + HEADER;

    memset(out, 0, HASHER_SAVED_MAX);
    memcpy(out, magic, sizeof(magic));
    out[4] = (uint8_t)h->algorithm;
    number_put(out + 8, h->size * 8, 8);
    for (int i = 0; i < 8; i++, at += word)
        number_put(at,
                   h->algorithm == DIGEST_SHA256 ? sha256_of(&copy)->h[i] : sha512_of(&copy)->h[i],
                   word);
    if (h->algorithm == DIGEST_SHA256)
        memcpy(at, sha256_of(&copy)->data, tail);
    else
        memcpy(at, sha512_of(&copy)->u.p, tail);
    return HEADER + 8 * word + tail;
}

static void
restore_words(struct hasher *h, const uint8_t *words, const uint8_t *tail, size_t n)
{
    uint64_t bits = h->size * 8;

    for (int i = 0; i < 8; i++) {
        if (h->algorithm == DIGEST_SHA256)
            sha256_of(h)->h[i] = (SHA_LONG)number_get(words + 4 * i, 4);
        else
            sha512_of(h)->h[i] = number_get(words + 8 * i, 8);
    }
    if (h->algorithm == DIGEST_SHA256) {
        sha256_of(h)->Nl = (SHA_LONG)bits;
        sha256_of(h)->Nh = (SHA_LONG)(bits >> 32);
        sha256_of(h)->num = (unsigned)n;
        memcpy(sha256_of(h)->data, tail, n);
    } else {
        sha512_of(h)->Nl = bits;
        sha512_of(h)->num = (unsigned)n;
        memcpy(sha512_of(h)->u.p, tail, n);
    }
}

int
hasher_restore(struct hasher *h, const void *p, size_t n, struct err *err)
{
    const uint8_t *from = p;
    struct hasher made;
    uint64_t bits;
    size_t words, tail;

    if (n < HEADER || memcmp(from, magic, sizeof(magic)) != 0 || from[4] > DIGEST_SHA512 ||
        number_get(from + 5, 3) != 0)
        return err_set(err, ERR_CORRUPT, "a saved hash state is not one of ours");
    hasher_init(&made, (enum digest_algorithm)from[4]);
    bits = number_get(from + 8, 8);
    words = 8 * word_size(made.algorithm);
    tail = (size_t)(bits / 8 % block_size(made.algorithm));
    if (bits % 8 != 0 || n - HEADER != words + tail)
        return err_set(err, ERR_CORRUPT, "a saved hash state has the wrong length");
    made.size = bits / 8;
    restore_words(&made, from + HEADER, from + HEADER + words, tail);
    *h = made;
    return 0;
}
