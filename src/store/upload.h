/*
 * upload.h - one upload session: bytes that arrive in several requests and become a blob.
 *
 * A session is named by a UUID of the caller's and lives on disk, so it survives a restart:
 * <uuid>.data holds the bytes, <uuid>.state two slots of 512 bytes written in turn: sequence,
 * bytes kept, hash state (crypto/hasher.h) and a checksum.
 *
 * One request is: upload_open, upload_feed, then upload_keep (PATCH) or upload_commit (PUT), then
 * upload_free.  A session that was only fed falls back to what was last kept.
 *
 * Invariants:
 *   U1  what upload_keep() said is kept survives kill -9 and power loss, with its hash state;
 *   U2  what was not kept is gone when the session is opened again;
 *   U3  a session is open once at a time; a second opener gets ERR_CONFLICT;
 *   U4  upload_commit() obeys B1 to B4 and ends the session; refused for its digest
 * (DIGEST_INVALID), it leaves the session as it was last kept; U5  a new, empty session survives
 * kill -9, not necessarily power loss (nothing of it is lost but its name). Threads: an upload
 * belongs to one thread at a time.
 */
#ifndef STORE_UPLOAD_H
#define STORE_UPLOAD_H

#include <stdint.h>

#include "base/own.h"
#include "store/blob.h"

struct upload;

/* upload_new(bs, id, err): make the empty session ${id} (a UUID); ERR_CONFLICT when it exists,
 * ERR_BUSY when there are limits.uploads_max. */
MUST_CHECK int upload_new(struct blobs *bs, const char *id, struct err *err);

/* upload_open(bs, id, up, err): 0; 1 no such session (or not a UUID); -1, ERR_CONFLICT in use. */
MUST_CHECK int upload_open(struct blobs *bs, const char *id, struct upload **up, struct err *err);

/* upload_free(up): close; what was neither kept nor committed is dropped. */
void upload_free(struct upload *up);
DEFINE_OWN(upload);

uint64_t upload_size(const struct upload *up); /* bytes so far, those just fed included */

/* upload_exists(bs, id, size, err): 0 and the bytes kept, also while it is open; 1 unknown; -1. */
MUST_CHECK int upload_exists(struct blobs *bs, const char *id, uint64_t *size, struct err *err);

/*
 * upload_feed(up, source, ctx, length, n, err): append all that ${source} gives; ${length} is what
 * was announced, or -1.  ${n} is how much it was.  After a failure only upload_cancel() and
 * upload_free() are left.
 */
MUST_CHECK int upload_feed(struct upload *up, blob_source *source, void *ctx, int64_t length,
                           uint64_t *n, struct err *err);

/* upload_keep(up, err): make what was fed durable (U1). */
MUST_CHECK int upload_keep(struct upload *up, struct err *err);

/* upload_commit(up, want, err): the session becomes the blob ${want}, durably. */
MUST_CHECK int upload_commit(struct upload *up, const struct digest *want, struct err *err);

/* upload_cancel(up, err): remove the session; then upload_free(). */
MUST_CHECK int upload_cancel(struct upload *up, struct err *err);

#endif /* STORE_UPLOAD_H */
