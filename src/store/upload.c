#include "store/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/id.h"
#include "base/mem.h"
#include "store/blob_priv.h"
#include "store/disk.h"
#include "store/shard.h"
#include "store/upload_state.h"

#define NAME_MAX_LEN (8 + ID_LEN + 7) /* "uploads/<uuid>.state" and a NUL */

struct upload {
    struct blobs *bs; /* borrowed */
    struct claim claim;
    int fd;
    int state_fd;             /* -1: no state file yet */
    struct upload_state last; /* what is durable */
    struct hasher hash;       /* of everything fed */
    bool failed;              /* file and hash may differ: only cancel and free are left */
    bool gone;                /* became a blob, or was cancelled */
};

static void
name_of(const char *id, const char *suffix, char out[static NAME_MAX_LEN])
{
    (void)snprintf(out, NAME_MAX_LEN, "uploads/%s.%s", id, suffix);
}

int
upload_new(struct blobs *bs, const char *id, struct err *err)
{
    char name[NAME_MAX_LEN];
    int fd;

    if (!id_is(text_of(id)))
        return err_set(err, ERR_INVALID, "an upload is named by a UUID");
    if (atomic_fetch_add(&bs->sessions, 1) >= bs->limits.uploads_max) {
        atomic_fetch_sub(&bs->sessions, 1);
        return err_set(err, ERR_BUSY, "too many uploads are under way: try again later");
    }
    name_of(id, "data", name);
    disk_step(bs->disk, "upload.create");
    fd = bs->disk->open(bs->root, name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd >= 0) {
        (void)close(fd);
        return 0;
    }
    atomic_fetch_sub(&bs->sessions, 1);
    if (fd == -EEXIST)
        return err_set(err, ERR_CONFLICT, "an upload of this name exists");
    return err_sys(err, -fd, "cannot begin an upload");
}

static int
read_state(struct upload *up, struct err *err)
{
    char name[NAME_MAX_LEN];
    int r;

    name_of(up->claim.id, "state", name);
    up->state_fd = up->bs->disk->open(up->bs->root, name, O_RDWR, 0);
    if (up->state_fd == -ENOENT) {
        up->state_fd = -1;
        return 0;
    }
    r = up->state_fd < 0 ? up->state_fd : upload_state_read(up->bs->disk, up->state_fd, &up->last);
    return r < 0 ? err_sys(err, -r, "cannot read the upload's state") : 0;
}

/* U1, U2: exactly the bytes that were kept, and their hash. */
static int
fall_back(struct upload *up, uint64_t size, struct err *err)
{
    int r;

    if (size < up->last.kept)
        return err_set(err, ERR_CORRUPT, "the upload lost bytes that were kept: begin a new one");
    if (size > up->last.kept && (r = up->bs->disk->truncate(up->fd, (off_t)up->last.kept)) < 0)
        return err_sys(err, -r, "cannot open the upload");
    if (up->last.sequence == 0 || up->last.hash_lost) {
        hasher_init(&up->last.hash, DIGEST_SHA256);
        if (blobs_hash(up->bs, up->fd, up->last.kept, &up->last.hash, err) < 0)
            return -1;
    }
    up->hash = up->last.hash;
    return 0;
}

static int
open_claimed(struct upload *up, struct err *err)
{
    char name[NAME_MAX_LEN];
    struct stat st;

    name_of(up->claim.id, "data", name);
    up->fd = up->bs->disk->open(up->bs->root, name, O_RDWR, 0);
    if (up->fd == -ENOENT)
        return 1;
    if (up->fd < 0)
        return err_sys(err, -up->fd, "cannot open the upload");
    if (fstat(up->fd, &st) < 0)
        return err_sys(err, errno, "cannot open the upload");
    if (st.st_size == 0) { /* the common case: nothing came yet, so nothing can have been kept */
        hasher_init(&up->hash, DIGEST_SHA256);
        return 0;
    }
    return read_state(up, err) < 0 ? -1 : fall_back(up, (uint64_t)st.st_size, err);
}

int
upload_open(struct blobs *bs, const char *id, struct upload **up, struct err *err)
{
    OWN(upload) made = mem_zalloc(sizeof(*made));
    int r;

    if (made == NULL)
        return err_memory(err);
    made->bs = bs;
    made->fd = made->state_fd = -1;
    if (!id_is(text_of(id)))
        return 1;
    if (!claim_take(&bs->claims, &made->claim, id))
        return err_set(err, ERR_CONFLICT, "the upload is in use by another request");
    if ((r = open_claimed(made, err)) == 0)
        *up = GIVE(made);
    return r;
}

void
upload_free(struct upload *up)
{
    if (up == NULL)
        return;
    claim_give(&up->bs->claims, &up->claim);
    if (up->fd >= 0)
        (void)close(up->fd);
    if (up->state_fd >= 0)
        (void)close(up->state_fd);
    mem_free(up);
}

uint64_t
upload_size(const struct upload *up)
{
    return up->hash.size;
}

int
upload_exists(struct blobs *bs, const char *id, uint64_t *size, struct err *err)
{
    struct upload_state state = { 0 };
    char name[NAME_MAX_LEN];
    OWN_FD fd = -1;
    struct stat st;
    int r;

    if (!id_is(text_of(id)))
        return 1;
    name_of(id, "data", name);
    if (fstatat(bs->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 1 : err_sys(err, errno, "cannot look for the upload");
    name_of(id, "state", name);
    fd = st.st_size == 0 ? -ENOENT : bs->disk->open(bs->root, name, O_RDONLY, 0);
    r = fd < 0 ? fd : upload_state_read(bs->disk, fd, &state);
    if (r < 0 && r != -ENOENT)
        return err_sys(err, -r, "cannot read the upload's state");
    *size = state.kept;
    return 0;
}

static int
check_usable(const struct upload *up, struct err *err)
{
    if (up->gone || up->failed)
        return err_set(err, ERR_IO, "the upload failed before: open it again");
    return 0;
}

int
upload_feed(struct upload *up, blob_source *source, void *ctx, int64_t length, uint64_t *n,
            struct err *err)
{
    struct intake in;

    if (check_usable(up, err) < 0)
        return -1;
    in = blobs_intake(up->bs, up->fd, &up->hash);
    if (intake_run(&in, source, ctx, length, n, err) < 0) {
        up->failed = true;
        return -1;
    }
    return 0;
}

/*
 * The state file and both names are durable before a slot is written: so whoever finds a valid slot
 * knows that the names need no sync any more.
 */
static int
make_state_file(struct upload *up)
{
    char name[NAME_MAX_LEN];

    name_of(up->claim.id, "state", name);
    up->state_fd = up->bs->disk->open(up->bs->root, name, O_CREAT | O_RDWR | O_TRUNC, 0600);
    if (up->state_fd < 0)
        return up->state_fd;
    return dirsync_wait(&up->bs->syncs, "uploads");
}

static int
keep(struct upload *up)
{
    const struct disk_ops *disk = up->bs->disk;
    struct upload_state next = { .sequence = up->last.sequence + 1,
                                 .kept = up->hash.size,
                                 .hash = up->hash };
    int r;

    disk_step(disk, "upload.datasync");
    if ((r = disk->datasync(up->fd)) < 0)
        return r;
    disk_step(disk, "upload.state");
    if (up->last.sequence == 0 && (r = make_state_file(up)) < 0)
        return r;
    disk_step(disk, "upload.slot");
    if ((r = upload_state_write(disk, up->state_fd, &next)) < 0)
        return r;
    disk_step(disk, "upload.kept");
    up->last = next;
    return 0;
}

int
upload_keep(struct upload *up, struct err *err)
{
    int r;

    if (check_usable(up, err) < 0)
        return -1;
    if (up->hash.size == up->last.kept)
        return 0;
    if ((r = keep(up)) == 0)
        return 0;
    up->failed = true;
    return err_sys(err, -r, r == -ENOSPC ? "no space left for blobs" : "cannot keep the upload");
}

/* Data first: a state file without data is swept, data without state would be an empty session. */
static int
remove_session(struct blobs *bs, const char *id, bool has_state)
{
    char name[NAME_MAX_LEN];
    int r;

    name_of(id, "data", name);
    r = bs->disk->unlink(bs->root, name);
    if (r < 0 && r != -ENOENT)
        return r;
    if (has_state) {
        name_of(id, "state", name);
        (void)bs->disk->unlink(bs->root, name);
    }
    atomic_fetch_sub(&bs->sessions, 1);
    return 0;
}

/* U4: refuse bytes that are not ${want}; a session is hashed with SHA-256 as it arrives. */
static int
check_digest(struct upload *up, const struct digest *want, struct err *err)
{
    struct hasher other;
    struct digest got;

    if (want->algorithm == up->hash.algorithm) {
        hasher_end(&up->hash, &got);
    } else {
        hasher_init(&other, want->algorithm);
        if (blobs_hash(up->bs, up->fd, up->hash.size, &other, err) < 0)
            return -1;
        hasher_end(&other, &got);
    }
    return digest_equal(&got, want) ? 0 : blobs_mismatch(&got, want, err);
}

/* The data file gets its lasting name: 0, 1 the blob was there already, -1. */
static int
place(struct upload *up, const struct digest *want, struct err *err)
{
    const struct disk_ops *disk = up->bs->disk;
    char name[NAME_MAX_LEN];
    struct shard_from from = { .fd = up->fd, .name = name };
    int r = shard_has(disk, up->bs->root, want, err);

    if (r != 0)
        return r;
    if (up->hash.size != up->last.kept || up->hash.size == 0)
        if (blobs_settle(up->bs, up->fd, err) < 0)
            return -1;
    name_of(up->claim.id, "data", name);
    disk_step(disk, "commit.link");
    return shard_place(disk, up->bs->root, &from, want, err);
}

/* What a session leaves behind when its bytes have become a blob; the sweep has what this misses.
 */
static void
end_session(struct upload *up, bool renamed)
{
    char name[NAME_MAX_LEN];

    if (!renamed) {
        (void)remove_session(up->bs, up->claim.id, up->state_fd >= 0);
        return;
    }
    atomic_fetch_sub(&up->bs->sessions, 1);
    name_of(up->claim.id, "state", name);
    if (up->state_fd >= 0)
        (void)up->bs->disk->unlink(up->bs->root, name);
}

int
upload_commit(struct upload *up, const struct digest *want, struct err *err)
{
    const struct disk_ops *disk = up->bs->disk;
    int r, synced;

    if (check_usable(up, err) < 0 || check_digest(up, want, err) < 0)
        return -1;
    if ((r = place(up, want, err)) < 0) {
        up->failed = true;
        return -1;
    }
    /* Also when it was there already: whoever named it may have died before this line. */
    disk_step(disk, "commit.dirsync");
    synced = shard_sync(&up->bs->syncs, want, err);
    disk_step(disk, "commit.unlink");
    up->gone = true;
    end_session(up, r == 0);
    return synced;
}

int
upload_cancel(struct upload *up, struct err *err)
{
    int r;

    if (up->gone)
        return err_set(err, ERR_IO, "the upload has ended");
    if ((r = remove_session(up->bs, up->claim.id, true)) < 0)
        return err_sys(err, -r, "cannot cancel the upload");
    up->gone = true;
    return 0;
}
