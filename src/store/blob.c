#include "store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/id.h"
#include "base/mem.h"
#include "store/blob_priv.h"
#include "store/disk.h"
#include "store/shard.h"
#include "store/stage.h"
#include "store/sweep.h"

static uint32_t
half_of_the_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN) / 2;

    return n < 1 ? 1 : (uint32_t)n;
}

static struct blob_limits
complete(const struct blob_limits *given)
{
    struct blob_limits l = given != NULL ? *given : (struct blob_limits){ 0 };

    if (l.blob_max == 0)
        l.blob_max = BLOB_MAX_DEFAULT;
    if (l.large == 0)
        l.large = BLOB_LARGE_DEFAULT;
    if (l.uploads_max == 0)
        l.uploads_max = BLOB_UPLOADS_DEFAULT;
    if (l.staged_max == 0)
        l.staged_max = half_of_the_cores();
    return l;
}

struct blobs *
blobs_open(int dirfd, const struct disk_ops *disk, const struct blob_limits *limits,
           struct err *err)
{
    OWN(blobs) bs = mem_zalloc(sizeof(*bs));
    int n;

    if (bs == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    bs->root = dirfd;
    bs->disk = disk != NULL ? disk : &disk_real;
    bs->limits = complete(limits);
    dirsync_init(&bs->syncs, bs->disk, dirfd);
    claims_init(&bs->claims);
    if ((bs->stages = stages_new(bs->limits.staged_max, err)) == NULL ||
        shard_make_all(bs->disk, dirfd, err) < 0 || (n = sweep_count(dirfd, err)) < 0)
        return NULL;
    atomic_store(&bs->sessions, (unsigned)n);
    return GIVE(bs);
}

void
blobs_free(struct blobs *bs)
{
    if (bs == NULL)
        return;
    stages_free(bs->stages);
    dirsync_end(&bs->syncs);
    claims_end(&bs->claims);
    mem_free(bs);
}

struct intake
blobs_intake(struct blobs *bs, int fd, struct hasher *hash)
{
    return (struct intake){
        .disk = bs->disk,
        .stages = bs->stages,
        .hash = hash,
        .fd = fd,
        .offset = hash->size,
        .max = bs->limits.blob_max,
        .large = bs->limits.large,
    };
}

int
blobs_settle(struct blobs *bs, int fd, struct err *err)
{
    int r;

    disk_step(bs->disk, "commit.datasync");
    r = bs->syncs.ordered ? bs->disk->writeout(fd) : bs->disk->datasync(fd);
    return r < 0 ? err_sys(err, -r, "cannot make the blob durable") : 0;
}

int
blobs_mismatch(const struct digest *got, const struct digest *want, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];

    digest_text(want, text);
    (void)err_code(err, ERR_INVALID, "DIGEST_INVALID", "the content does not match %s", text);
    digest_text(got, text);
    return err_note(err, "got %s", text);
}

int
blobs_hash(struct blobs *bs, int fd, uint64_t n, struct hasher *hash, struct err *err)
{
    uint8_t *block = stages_take(bs->stages);
    uint64_t at = 0;
    ssize_t r = 1;

    if (block == NULL)
        return err_memory(err);
    while (at < n && r > 0) {
        size_t want = n - at < STAGE_BLOCK ? (size_t)(n - at) : STAGE_BLOCK;

        if ((r = bs->disk->read(fd, block, want, (off_t)at)) > 0) {
            hasher_add(hash, block, (size_t)r);
            at += (uint64_t)r;
        }
    }
    stages_give(bs->stages, block);
    if (r < 0)
        return err_sys(err, (int)-r, "cannot read the blob");
    return at == n ? 0 : err_set(err, ERR_CORRUPT, "a stored file is shorter than it was");
}

int
blob_open(struct blobs *bs, const struct digest *d, int *fd, uint64_t *size, struct err *err)
{
    char name[SHARD_NAME_MAX + 1];
    OWN_FD opened = -1;
    struct stat st;

    shard_name(d, name);
    opened = bs->disk->open(bs->root, name, O_RDONLY, 0);
    if (opened == -ENOENT) {
        opened = -1;
        return 1;
    }
    if (opened < 0)
        return err_sys(err, -opened, "cannot open the blob");
    if (fstat(opened, &st) < 0)
        return err_sys(err, errno, "cannot open the blob");
    *fd = give_fd(&opened);
    *size = (uint64_t)st.st_size;
    return 0;
}

int
blob_stat(struct blobs *bs, const struct digest *d, uint64_t *size, struct err *err)
{
    char name[SHARD_NAME_MAX + 1];
    struct stat st;

    shard_name(d, name);
    if (fstatat(bs->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 1 : err_sys(err, errno, "cannot look for the blob");
    *size = (uint64_t)st.st_size;
    return 0;
}

int
blob_remove(struct blobs *bs, const struct digest *d, struct err *err)
{
    char name[SHARD_NAME_MAX + 1];
    int r;

    shard_name(d, name);
    r = bs->disk->unlink(bs->root, name);
    if (r == -ENOENT)
        return 1;
    return r < 0 ? err_sys(err, -r, "cannot remove the blob") : 0;
}

int
blob_verify(struct blobs *bs, const struct digest *d, struct err *err)
{
    struct hasher hash;
    struct digest got;
    uint64_t size;
    OWN_FD fd = -1;
    int r = blob_open(bs, d, &fd, &size, err);

    if (r != 0)
        return r;
    hasher_init(&hash, d->algorithm);
    if (blobs_hash(bs, fd, size, &hash, err) < 0)
        return -1;
    hasher_end(&hash, &got);
    if (digest_equal(&got, d))
        return 0;
    return err_set(err, ERR_CORRUPT, "a stored blob is not what its digest says");
}

/* A file without a name, where the file system has such; else one in uploads/ that is swept. */
struct staging {
    int fd;
    char name[8 + ID_LEN + 6]; /* "uploads/<uuid>.part", or "" */
};

static int
open_staging(struct blobs *bs, struct staging *s, struct err *err)
{
    char id[ID_LEN + 1];

    s->name[0] = '\0';
    s->fd = bs->disk->open(bs->root, "uploads", O_TMPFILE | O_RDWR, 0600);
    if (s->fd == -EOPNOTSUPP || s->fd == -EISDIR) {
        id_new(id);
        (void)snprintf(s->name, sizeof(s->name), "uploads/%s.part", id);
        s->fd = bs->disk->open(bs->root, s->name, O_CREAT | O_EXCL | O_RDWR, 0600);
        if (s->fd < 0)
            s->name[0] = '\0';
    }
    if (s->fd >= 0)
        return 0;
    return err_sys(err, -s->fd, s->fd == -ENOSPC ? "no space left for blobs" : "cannot take blobs");
}

static void
close_staging(struct blobs *bs, struct staging *s)
{
    (void)close(s->fd);
    if (s->name[0] != '\0')
        (void)bs->disk->unlink(bs->root, s->name);
}

/* B3: the bytes before the name, the name before the answer. */
static int
publish(struct blobs *bs, struct staging *s, const struct digest *want, struct err *err)
{
    struct shard_from from = { s->fd, s->name[0] != '\0' ? s->name : NULL };
    int r = shard_has(bs->disk, bs->root, want, err);

    if (r < 0)
        return -1;
    if (r == 0) {
        if (blobs_settle(bs, s->fd, err) < 0)
            return -1;
        disk_step(bs->disk, "commit.link");
        if ((r = shard_place(bs->disk, bs->root, &from, want, err)) < 0)
            return -1;
        if (r == 0)
            s->name[0] = '\0';
    }
    /* Also when it was there already: whoever named it may have died before this line. */
    disk_step(bs->disk, "commit.dirsync");
    return shard_sync(&bs->syncs, want, err);
}

static int
put_staged(struct blobs *bs, struct staging *s, blob_source *source, void *ctx, int64_t length,
           const struct digest *want, uint64_t *size, struct err *err)
{
    struct hasher hash;
    struct intake in;
    struct digest got;
    uint64_t n;

    hasher_init(&hash, want->algorithm);
    in = blobs_intake(bs, s->fd, &hash);
    if (intake_run(&in, source, ctx, length, &n, err) < 0)
        return -1;
    hasher_end(&hash, &got);
    if (!digest_equal(&got, want))
        return blobs_mismatch(&got, want, err);
    if (publish(bs, s, want, err) < 0)
        return -1;
    *size = n;
    return 0;
}

int
blob_put(struct blobs *bs, blob_source *source, void *ctx, int64_t length,
         const struct digest *want, uint64_t *size, struct err *err)
{
    struct staging s;
    int r;

    disk_step(bs->disk, "put.create");
    if (open_staging(bs, &s, err) < 0)
        return -1;
    r = put_staged(bs, &s, source, ctx, length, want, size, err);
    close_staging(bs, &s);
    return r;
}

int
blobs_sweep(struct blobs *bs, int64_t seconds, struct err *err)
{
    int n = sweep_old(bs->disk, bs->root, &bs->claims, seconds, err);

    if (n > 0)
        atomic_fetch_sub(&bs->sessions, (unsigned)n);
    return n;
}
