/*
 * digest.h - OCI content digests, parsed once, compared as bytes (image-spec, descriptor.md).
 *
 * Invariants:
 *   D1  one digest has one spelling: lower-case hex of exactly the algorithm's length;
 *   D2  whatever parses prints back to the bytes that were parsed.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum digest_algorithm {
    DIGEST_SHA256 = 0,
    DIGEST_SHA512 = 1,
};

#define DIGEST_MAX      64  /* bytes of the longest digest */
#define DIGEST_TEXT_MAX 135 /* "sha512:" and 128 hex digits */

struct digest {
    enum digest_algorithm algorithm;
    uint8_t bytes[DIGEST_MAX]; /* unused tail is zero */
};

/* digest_parse(out, t, err): all of ${t}; ERR_INVALID with code DIGEST_INVALID otherwise. */
MUST_CHECK int digest_parse(struct digest *out, struct text t, struct err *err);

/* digest_text(d, out): "sha256:..." and a NUL; return its length. */
size_t digest_text(const struct digest *d, char out[static DIGEST_TEXT_MAX + 1]);
bool digest_equal(const struct digest *a, const struct digest *b);
size_t digest_size(enum digest_algorithm algorithm); /* bytes: 32 or 64 */
const char *digest_algorithm_name(enum digest_algorithm algorithm);

/* Hex of bytes, lower case; hex_parse accepts lower case only and exactly 2 * n digits. */
void hex_print(const uint8_t *p, size_t n, char *out); /* 2 * n characters and a NUL */
bool hex_parse(struct text t, uint8_t *out, size_t n);

#endif /* BASE_DIGEST_H */
