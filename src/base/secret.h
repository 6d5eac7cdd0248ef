/*
 * secret.h - bytes that must never reach a log, an error, argv or a core dump.
 *
 * Invariants:
 *   S1  the bytes lie in locked memory that core dumps leave out, and are cleared when freed;
 *   S2  comparison takes the same time wherever the first difference is;
 *   S3  there is no function that prints one.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"
#include "base/text.h"

struct secret;

/* secret_new(p, n): a copy of ${n} bytes (the caller wipes its own), or NULL.  p NULL: zeros. */
struct secret *secret_new(const void *p, size_t n);
struct secret *secret_random(size_t n); /* ${n} bytes from the kernel */
void secret_free(struct secret *s);
DEFINE_OWN(secret);

/* secret_view(s): the bytes, borrowed; for the call that needs them and nothing else. */
struct text secret_view(const struct secret *s);
unsigned char *secret_bytes(struct secret *s); /* to fill one in place */
bool secret_equal(struct text a, struct text b);

#endif /* BASE_SECRET_H */
