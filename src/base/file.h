/*
 * file.h - small whole files: read at once, replaced at once.
 *
 * Invariants:
 *   F1  after file_replace() the name holds the old bytes or the new ones, whole, whenever the
 *       machine stops; when it returned 0, the new ones;
 *   F2  the new file never has a mode wider than ${mode}, at no time;
 *   F3  a failure leaves no file behind that was not there.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/* file_read(dirfd, name, out, err): append the bytes, at most out->max.  1 when there is none. */
MUST_CHECK int file_read(int dirfd, const char *name, struct buf *out, struct err *err);

/*
 * file_replace(dirfd, name, mode, bytes, err): write beside it, fsync, rename, fsync the folder.
 * ${name} may be in a folder that is there.
 */
MUST_CHECK int file_replace(int dirfd, const char *name, mode_t mode, struct text bytes,
                            struct err *err);

#endif /* BASE_FILE_H */
