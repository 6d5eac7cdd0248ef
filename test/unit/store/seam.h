/* seam.h - the real disk, recorded: each call a letter, the n-th fails, a named step kills. */
#ifndef TEST_STORE_SEAM_H
#define TEST_STORE_SEAM_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/disk.h"

static struct {
    char trace[512];
    size_t n;
    long fail_after; /* calls that succeed before one fails; negative: none fails */
    int fail_with;
    bool failed;
    bool no_direct;  /* fcntl() refuses O_DIRECT */
    bool bad_direct; /* a write with O_DIRECT is refused */
    bool direct_on;
    bool ordered;     /* as ext4 and XFS are */
    bool no_nameless; /* there is no O_TMPFILE */
    const char *kill_at;
    int kill_count;
} seam;

static inline void
seam_reset(void)
{
    memset(&seam, 0, sizeof(seam));
    seam.fail_after = -1;
}

static inline int
seam_note_(char c)
{
    if (seam.n < sizeof(seam.trace) - 1) {
        seam.trace[seam.n++] = c;
        seam.trace[seam.n] = '\0';
    }
    if (seam.fail_after < 0 || seam.fail_after-- != 0)
        return 0;
    seam.failed = true;
    return -seam.fail_with;
}

#define SEAM_CALL_(letter, call)                                                                   \
    do {                                                                                           \
        int r_ = seam_note_(letter);                                                               \
        return r_ < 0 ? r_ : disk_real.call;                                                       \
    } while (0)

static inline int
seam_open_(int dirfd, const char *name, int flags, mode_t mode)
{
    if (seam.no_nameless && (flags & O_TMPFILE) == O_TMPFILE)
        return -EOPNOTSUPP;
    SEAM_CALL_('o', open(dirfd, name, flags, mode));
}

static inline int
seam_mkdir_(int dirfd, const char *name, mode_t mode)
{
    SEAM_CALL_('m', mkdir(dirfd, name, mode));
}

static inline ssize_t
seam_write_(int fd, const void *p, size_t n, off_t at)
{
    if (seam.direct_on && seam.bad_direct)
        return -EINVAL;
    SEAM_CALL_('w', write(fd, p, n, at));
}

static inline ssize_t
seam_read_(int fd, void *p, size_t n, off_t at)
{
    SEAM_CALL_('r', read(fd, p, n, at));
}

static inline int
seam_truncate_(int fd, off_t size)
{
    SEAM_CALL_('t', truncate(fd, size));
}

static inline int
seam_direct_(int fd, bool on)
{
    if (seam.no_direct && on)
        return -EINVAL;
    seam.direct_on = on;
    SEAM_CALL_('D', direct(fd, on));
}

static inline bool
seam_ordered_(int dirfd)
{
    (void)dirfd;
    return seam.ordered;
}

static inline int
seam_writeout_(int fd)
{
    SEAM_CALL_('f', writeout(fd));
}

static inline int
seam_touch_(int fd)
{
    SEAM_CALL_('T', touch(fd));
}

static inline int
seam_datasync_(int fd)
{
    SEAM_CALL_('s', datasync(fd));
}

static inline int
seam_dirsync_(int fd)
{
    SEAM_CALL_('d', dirsync(fd));
}

static inline int
seam_link_(int fd, int dirfd, const char *name)
{
    SEAM_CALL_('l', link(fd, dirfd, name));
}

static inline int
seam_rename_(int from_dir, const char *from, int to_dir, const char *to)
{
    SEAM_CALL_('p', rename(from_dir, from, to_dir, to));
}

static inline int
seam_unlink_(int dirfd, const char *name)
{
    SEAM_CALL_('u', unlink(dirfd, name));
}

static inline void
seam_step_(const char *step)
{
    if (seam.kill_at != NULL && strcmp(step, seam.kill_at) == 0 && --seam.kill_count == 0)
        raise(SIGKILL);
}

static const struct disk_ops seam_ops = {
    .open = seam_open_,
    .mkdir = seam_mkdir_,
    .write = seam_write_,
    .read = seam_read_,
    .truncate = seam_truncate_,
    .direct = seam_direct_,
    .ordered = seam_ordered_,
    .writeout = seam_writeout_,
    .touch = seam_touch_,
    .datasync = seam_datasync_,
    .dirsync = seam_dirsync_,
    .link = seam_link_,
    .rename = seam_rename_,
    .unlink = seam_unlink_,
    .step = seam_step_,
};

#endif /* TEST_STORE_SEAM_H */
