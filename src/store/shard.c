#include "store/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/dirsync.h"
#include "store/disk.h"

/*
 * Made when all folders and their names are durable, and not synced itself: whoever finds it need
 * sync nothing, whoever does not makes it all again.
 */
#define COMPLETE "blobs/complete"

void
shard_name(const struct digest *d, char out[static SHARD_NAME_MAX + 1])
{
    char hex[2 * DIGEST_MAX + 1];

    hex_print(d->bytes, digest_size(d->algorithm), hex);
    (void)snprintf(out, SHARD_NAME_MAX + 1, "blobs/%s/%.2s/%s", digest_algorithm_name(d->algorithm),
                   hex, hex);
}

/* The folder of the blob called ${name}: "blobs/sha256/ab". */
static void
folder_of(const char *name, char out[static DIRSYNC_NAME])
{
    size_t n = (size_t)(strrchr(name, '/') - name);

    memcpy(out, name, n);
    out[n] = '\0';
}

static int
sync_folder(const struct disk_ops *disk, int root, const char *name)
{
    int fd = disk->open(root, name, O_RDONLY | O_DIRECTORY, 0);
    int r;

    if (fd < 0)
        return fd;
    r = disk->dirsync(fd);
    (void)close(fd);
    return r;
}

/* A folder and its name on disk, whoever made it first (and may have died before the sync). */
static int
make_folder(const struct disk_ops *disk, int root, const char *name, const char *parent)
{
    int r = disk->mkdir(root, name, 0700);

    return r < 0 && r != -EEXIST ? r : sync_folder(disk, root, parent);
}

static int
make_all(const struct disk_ops *disk, int root)
{
    char name[DIRSYNC_NAME];
    int r;

    if ((r = make_folder(disk, root, "uploads", ".")) < 0 ||
        (r = make_folder(disk, root, "blobs", ".")) < 0 ||
        (r = make_folder(disk, root, "blobs/sha256", "blobs")) < 0)
        return r;
    for (unsigned i = 0; i < 256; i++) {
        (void)snprintf(name, sizeof(name), "blobs/sha256/%02x", i);
        r = disk->mkdir(root, name, 0700);
        if (r < 0 && r != -EEXIST)
            return r;
    }
    return sync_folder(disk, root, "blobs/sha256");
}

int
shard_make_all(const struct disk_ops *disk, int root, struct err *err)
{
    int fd = disk->open(root, COMPLETE, O_PATH, 0), r;

    if (fd == -ENOENT) {
        r = make_all(disk, root);
        fd = r < 0 ? r : disk->open(root, COMPLETE, O_CREAT | O_WRONLY, 0600);
    }
    if (fd < 0)
        return err_sys(err, -fd, "cannot make the blob folders");
    (void)close(fd);
    return 0;
}

int
shard_has(const struct disk_ops *disk, int root, const struct digest *d, struct err *err)
{
    char name[SHARD_NAME_MAX + 1];
    int fd;

    shard_name(d, name);
    fd = disk->open(root, name, O_PATH, 0);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return err_sys(err, -fd, "cannot look for the blob");
    (void)close(fd);
    return 1;
}

static int
place(const struct disk_ops *disk, int root, const struct shard_from *from, const char *name)
{
    if (from->name != NULL)
        return disk->rename(root, from->name, root, name);
    return disk->link(from->fd, root, name);
}

int
shard_place(const struct disk_ops *disk, int root, const struct shard_from *from,
            const struct digest *d, struct err *err)
{
    const char *algorithm = d->algorithm == DIGEST_SHA256 ? "blobs/sha256" : "blobs/sha512";
    char name[SHARD_NAME_MAX + 1], folder[DIRSYNC_NAME];
    int r;

    shard_name(d, name);
    r = place(disk, root, from, name);
    if (r == -ENOENT) { /* the shard is missing: make it, its name durable, and try again */
        folder_of(name, folder);
        if ((r = make_folder(disk, root, algorithm, "blobs")) == 0 &&
            (r = make_folder(disk, root, folder, algorithm)) == 0)
            r = place(disk, root, from, name);
    }
    if (r == -EEXIST)
        return 1;
    return r < 0 ? err_sys(err, -r, "cannot name the blob") : 0;
}

int
shard_sync(struct dirsync *syncs, const struct digest *d, struct err *err)
{
    char name[SHARD_NAME_MAX + 1], folder[DIRSYNC_NAME];
    int r;

    shard_name(d, name);
    folder_of(name, folder);
    r = dirsync_wait(syncs, folder);
    return r < 0 ? err_sys(err, -r, "cannot make the blob durable") : 0;
}
