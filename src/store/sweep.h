/*
 * sweep.h - what lies in DIR/uploads: counted at start, removed when old.
 *
 * Names there: <uuid>.data and <uuid>.state of a session, <uuid>.part of a put on a file system
 * without nameless files.  Anything else is not ours and stays.
 */
#ifndef STORE_SWEEP_H
#define STORE_SWEEP_H

#include <stdint.h>

#include "base/err.h"

struct claims;
struct disk_ops;

/* sweep_count(root, err): sessions on disk. */
MUST_CHECK int sweep_count(int root, struct err *err);

/* sweep_old(disk, root, claims, seconds, err): remove what nobody touched for so long and nobody
 * uses; return the number of sessions removed. */
MUST_CHECK int sweep_old(const struct disk_ops *disk, int root, struct claims *claims,
                         int64_t seconds, struct err *err);

#endif /* STORE_SWEEP_H */
