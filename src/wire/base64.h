/*
 * base64.h - RFC 4648, strict: one spelling for one value.
 *
 * Invariants:
 *   X1  what decodes encodes back to the same characters: padding as the variant has it, unused
 *       bits zero, no white space;
 *   X2  decoding writes at most the stated maximum, and nothing when it fails.
 */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/text.h"

enum base64_variant {
    BASE64_STANDARD, /* "+/", padded with "=" */
    BASE64_URL,      /* "-_", never padded (JOSE) */
};

void base64_print(struct buf *b, enum base64_variant variant, const void *p, size_t n);

/* base64_size(variant, t): bytes that ${t} stands for, when it decodes at all. */
size_t base64_size(enum base64_variant variant, struct text t);

/* base64_parse(variant, t, out, max, n): false when malformed or longer than ${max} bytes. */
bool base64_parse(enum base64_variant variant, struct text t, void *out, size_t max, size_t *n);

#endif /* WIRE_BASE64_H */
