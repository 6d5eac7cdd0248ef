/*
 * shard.h - where a digest lives: its folder among 256, its name, how it gets there durably.
 *
 * ${root} is the descriptor of DIR; every function is safe to use from any thread.
 */
#ifndef STORE_SHARD_H
#define STORE_SHARD_H

#include "base/digest.h"
#include "base/err.h"

struct dirsync;
struct disk_ops;

#define SHARD_NAME_MAX (13 + 3 + 2 * DIGEST_MAX) /* "blobs/sha512/ab/<hex>" */

/* shard_name(d, out): the blob's path below the root, and a NUL. */
void shard_name(const struct digest *d, char out[static SHARD_NAME_MAX + 1]);

/* shard_make_all(disk, root, err): at first start DIR/blobs, DIR/uploads, 256 folders of sha256. */
MUST_CHECK int shard_make_all(const struct disk_ops *disk, int root, struct err *err);

/* shard_has(disk, root, d, err): 1 there, 0 not, -1. */
MUST_CHECK int shard_has(const struct disk_ops *disk, int root, const struct digest *d,
                         struct err *err);

/* Where the bytes are now: a file with a name below the root, or ${name} NULL and a nameless ${fd}.
 */
struct shard_from {
    int fd;
    const char *name;
};

/* shard_place(disk, root, from, d, err): 0 placed, 1 was there already (${from} is as before). */
MUST_CHECK int shard_place(const struct disk_ops *disk, int root, const struct shard_from *from,
                           const struct digest *d, struct err *err);

/* shard_sync(syncs, d, err): return when the blob's name is durable. */
MUST_CHECK int shard_sync(struct dirsync *syncs, const struct digest *d, struct err *err);

#endif /* STORE_SHARD_H */
