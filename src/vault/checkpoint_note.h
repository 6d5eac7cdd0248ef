/*
 * checkpoint_note.h - the text that a signed audit checkpoint signs.
 *
 *   holdfast audit checkpoint v1
 *   <epoch: a UUID>
 *   <size: number of records, decimal>
 *   <root: base64, padded>
 *   <time: RFC 3339, UTC>
 *
 * Invariant:
 *   N1  one checkpoint has one text, every line ended by a line feed, so that a signature kept
 *       elsewhere can be checked with nothing but openssl.
 */
#ifndef VAULT_CHECKPOINT_NOTE_H
#define VAULT_CHECKPOINT_NOTE_H

#include <stdint.h>

#include "base/buf.h"

#define CHECKPOINT_NOTE_MAX 256 /* bytes of the text */

/* checkpoint_note(epoch, size, root, time_us, out): append it to ${out}. */
void checkpoint_note(const char *epoch, uint64_t size, const uint8_t root[static 32],
                     int64_t time_us, struct buf *out);

#endif /* VAULT_CHECKPOINT_NOTE_H */
