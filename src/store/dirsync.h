/*
 * dirsync.h - directory syncs in batches: one leader syncs for all who wait.
 *
 * Invariants:
 *   Y1  dirsync_wait() returned 0 only after a sync that began after the call and covers that
 *       directory;
 *   Y2  a directory is synced once per batch, however many wait for it; on an ordered disk (see
 *       disk.h) one sync covers the whole batch.
 * Threads: any.
 */
#ifndef STORE_DIRSYNC_H
#define STORE_DIRSYNC_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define DIRSYNC_NAME 24 /* "blobs/sha256/ab" and a NUL fit */

struct disk_ops;
struct dirsync_waiter;

struct dirsync {
    const struct disk_ops *disk;
    int root; /* borrowed: directories are named from here */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct dirsync_waiter *first;
    bool leading;
    bool ordered;
};

void dirsync_init(struct dirsync *s, const struct disk_ops *disk, int root);
void dirsync_end(struct dirsync *s);

/* dirsync_wait(s, name): 0 when the entries of directory ${name} are durable, or -errno. */
int dirsync_wait(struct dirsync *s, const char *name);

#endif /* STORE_DIRSYNC_H */
