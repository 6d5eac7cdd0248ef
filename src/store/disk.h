/*
 * disk.h - the seam between the blob store and the file system.
 *
 * All calls return -errno on failure (and retry EINTR themselves).  Tests pass a table that records
 * the order of calls, fails the n-th, or ends the process at a named step.
 *
 * An ordered disk is one whose file system commits all changes of metadata through one journal, in
 * the order they were made (ext4 with a journal, XFS).  There a sync of any inode makes everything
 * durable that was changed before that inode's own last change.  So the bytes of a new file need
 * only be written out, their place entered in the journal, before the file gets its name: the one
 * sync of the folder then commits both, and flushes the disk's cache before it does.  Elsewhere
 * each file and each folder is synced by itself.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct disk_ops {
    int (*open)(int dirfd, const char *name, int flags, mode_t mode); /* returns a descriptor */
    int (*mkdir)(int dirfd, const char *name, mode_t mode);
    ssize_t (*write)(int fd, const void *p, size_t n, off_t at);
    ssize_t (*read)(int fd, void *p, size_t n, off_t at);
    int (*truncate)(int fd, off_t size);
    int (*direct)(int fd, bool on); /* O_DIRECT; -EINVAL where there is none */
    bool (*ordered)(int dirfd);
    int (*writeout)(int fd); /* on an ordered disk: bytes written, their place in the journal */
    int (*touch)(int fd);    /* change the inode, so that its next sync covers all before it */
    int (*datasync)(int fd);
    int (*dirsync)(int fd);
    int (*link)(int fd, int dirfd, const char *name); /* gives a nameless file its name */
    int (*rename)(int from_dir, const char *from, int to_dir, const char *to); /* never replaces */
    int (*unlink)(int dirfd, const char *name);
    void (*step)(const char *step); /* told the name of the step that comes next; may be NULL */
};

extern const struct disk_ops disk_real;

static inline void
disk_step(const struct disk_ops *disk, const char *step)
{
    if (disk->step != NULL)
        disk->step(step);
}

#endif /* STORE_DISK_H */
