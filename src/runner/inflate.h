/*
 * inflate.h - the uncompressed bytes of a layer blob: gzip (ISA-L), zstd, or as they are.
 *
 * Invariants:
 *   I1  what ends early, or continues with garbage, is ERR_INVALID; padding zeros after gzip are
 * not; I2  memory does not grow with the input (zstd windows up to INFLATE_WINDOW_LOG).
 */
#ifndef RUNNER_INFLATE_H
#define RUNNER_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "runner/message.h"

#define INFLATE_WINDOW_LOG 27 /* 128 MiB: what zstd's own tools take without being asked */

struct inflate;

/* inflate_new(fd, media, err): ${fd} is borrowed, and read from its start. */
MUST_CHECK struct inflate *inflate_new(int fd, enum runner_media media, struct err *err);
void inflate_free(struct inflate *in);
DEFINE_OWN(inflate);

/* inflate_read(in, out, cap, n, err): 0 with n > 0 bytes; 1 at the good end. */
MUST_CHECK int inflate_read(struct inflate *in, void *out, size_t cap, size_t *n, struct err *err);
uint64_t inflate_taken(const struct inflate *in); /* compressed bytes read so far */

#endif /* RUNNER_INFLATE_H */
