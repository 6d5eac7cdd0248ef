/*
 * upload_state.h - what is durable of an upload session: two slots, written in turn.
 *
 * A slot is UPLOAD_SLOT bytes, numbers big-endian:
 *
 *   offset  size  what
 *        0     4  "HFU1"
 *        4     4  length of the hash record
 *        8     8  sequence: the higher valid slot counts
 *       16     8  bytes of the data file that are kept
 *       24     .  hash record of those bytes (crypto/hasher.h)
 *      480    32  SHA-256 of the 480 bytes before
 *
 * A slot torn by a crash fails its checksum, and the other one still holds the last state that was
 * acknowledged.
 */
#ifndef STORE_UPLOAD_STATE_H
#define STORE_UPLOAD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hasher.h"

#define UPLOAD_SLOT 512

struct disk_ops;

struct upload_state {
    uint64_t sequence; /* 0: nothing was kept yet */
    uint64_t kept;
    struct hasher hash; /* of the kept bytes */
    bool hash_lost;     /* ${kept} is sure, its hash must be made from the bytes */
};

/* upload_state_read(disk, fd, s): 0, or -errno; a file without a valid slot gives sequence 0. */
int upload_state_read(const struct disk_ops *disk, int fd, struct upload_state *s);

/* upload_state_write(disk, fd, s): into the slot that is not the last; then datasync. */
int upload_state_write(const struct disk_ops *disk, int fd, const struct upload_state *s);

#endif /* STORE_UPLOAD_STATE_H */
