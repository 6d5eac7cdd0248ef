#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Evaluate a system call again while a signal interrupts it; the value is -errno on failure. */
#define UNINTERRUPTED(call)                                                                        \
    (__extension__({                                                                               \
        __typeof__(call) r_;                                                                       \
        do                                                                                         \
            r_ = (call);                                                                           \
        while (r_ < 0 && errno == EINTR);                                                          \
        r_ < 0 ? -errno : r_;                                                                      \
    }))

static int
real_open(int dirfd, const char *name, int flags, mode_t mode)
{
    return UNINTERRUPTED(openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW, mode));
}

static int
real_mkdir(int dirfd, const char *name, mode_t mode)
{
    return UNINTERRUPTED(mkdirat(dirfd, name, mode));
}

static ssize_t
real_write(int fd, const void *p, size_t n, off_t at)
{
    return UNINTERRUPTED(pwrite(fd, p, n, at));
}

static ssize_t
real_read(int fd, void *p, size_t n, off_t at)
{
    return UNINTERRUPTED(pread(fd, p, n, at));
}

static int
real_truncate(int fd, off_t size)
{
    return UNINTERRUPTED(ftruncate(fd, size));
}

static int
real_direct(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    return UNINTERRUPTED(fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT));
}

/* An ext4 without a journal, and ext2 behind the same driver, have no such task. */
static bool
has_journal(dev_t device)
{
    char name[64], link[256], path[320];
    ssize_t n;

    (void)snprintf(name, sizeof(name), "/sys/dev/block/%u:%u", major(device), minor(device));
    if ((n = readlink(name, link, sizeof(link) - 1)) <= 0)
        return false;
    link[n] = '\0';
    if (strrchr(link, '/') == NULL)
        return false;
    (void)snprintf(path, sizeof(path), "/sys/fs/ext4%s/journal_task", strrchr(link, '/'));
    return access(path, F_OK) == 0;
}

static bool
real_ordered(int dirfd)
{
    struct statfs fs;
    struct stat st;

    if (fstatfs(dirfd, &fs) < 0 || fstat(dirfd, &st) < 0)
        return false;
    return fs.f_type == XFS_SUPER_MAGIC ||
           (fs.f_type == EXT4_SUPER_MAGIC && has_journal(st.st_dev));
}

/*
 * When the wait is over the pages are on the device and their extents are entered in the journal:
 * both file systems end a page's writeback only after the change of its extent.
 */
static int
real_writeout(int fd)
{
    return UNINTERRUPTED(sync_file_range(fd, 0, 0,
                                         SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                             SYNC_FILE_RANGE_WAIT_AFTER));
}

static int
real_touch(int fd)
{
    return UNINTERRUPTED(futimens(fd, NULL));
}

static int
real_datasync(int fd)
{
    return UNINTERRUPTED(fdatasync(fd));
}

static int
real_dirsync(int fd)
{
    return UNINTERRUPTED(fsync(fd));
}

/* AT_EMPTY_PATH needs a capability; the way through /proc does not (open(2), O_TMPFILE). */
static int
real_link(int fd, int dirfd, const char *name)
{
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return UNINTERRUPTED(linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW));
}

static int
real_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    int r = UNINTERRUPTED(renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE));

    if (r != -EINVAL)
        return r;
    /* A file system that cannot rename without replacing: two names for a moment, same bytes. */
    r = UNINTERRUPTED(linkat(from_dir, from, to_dir, to, 0));
    return r < 0 ? r : UNINTERRUPTED(unlinkat(from_dir, from, 0));
}

static int
real_unlink(int dirfd, const char *name)
{
    return UNINTERRUPTED(unlinkat(dirfd, name, 0));
}

const struct disk_ops disk_real = {
    .open = real_open,
    .mkdir = real_mkdir,
    .write = real_write,
    .read = real_read,
    .truncate = real_truncate,
    .direct = real_direct,
    .ordered = real_ordered,
    .writeout = real_writeout,
    .touch = real_touch,
    .datasync = real_datasync,
    .dirsync = real_dirsync,
    .link = real_link,
    .rename = real_rename,
    .unlink = real_unlink,
};
