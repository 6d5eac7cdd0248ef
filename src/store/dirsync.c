#include "store/dirsync.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/disk.h"

struct dirsync_waiter {
    struct dirsync_waiter *next;
    const char *name;
    int result;
    bool done;
};

void
dirsync_init(struct dirsync *s, const struct disk_ops *disk, int root)
{
    *s = (struct dirsync){ .disk = disk, .root = root, .ordered = disk->ordered(root) };
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->moved, NULL);
}

void
dirsync_end(struct dirsync *s)
{
    (void)pthread_cond_destroy(&s->moved);
    (void)pthread_mutex_destroy(&s->lock);
}

static int
sync_one(struct dirsync *s, const char *name, bool touched)
{
    int fd = s->disk->open(s->root, name, O_RDONLY | O_DIRECTORY, 0);
    int r = 0;

    if (fd < 0)
        return fd;
    if (touched)
        r = s->disk->touch(fd);
    if (r == 0)
        r = s->disk->dirsync(fd);
    (void)close(fd);
    return r;
}

/* Y2: the result of an earlier waiter in the batch for the same directory, or a sync. */
static int
result_for(struct dirsync *s, const struct dirsync_waiter *batch, const struct dirsync_waiter *w)
{
    /* A touch of the first puts its sync after every change that the others wait for. */
    if (batch == w)
        return sync_one(s, w->name, s->ordered && w->next != NULL);
    if (s->ordered)
        return batch->result;
    for (; batch != w; batch = batch->next)
        if (strcmp(batch->name, w->name) == 0)
            return batch->result;
    return sync_one(s, w->name, false);
}

/* With the lock held: sync for all who wait now; who comes meanwhile waits for the next leader. */
static void
lead(struct dirsync *s)
{
    struct dirsync_waiter *batch = s->first, *next;

    s->leading = true;
    s->first = NULL;
    (void)pthread_mutex_unlock(&s->lock);
    for (struct dirsync_waiter *w = batch; w != NULL; w = w->next)
        w->result = result_for(s, batch, w);
    (void)pthread_mutex_lock(&s->lock);
    for (struct dirsync_waiter *w = batch; w != NULL; w = next) {
        next = w->next; /* once done, it may be gone */
        w->done = true;
    }
    s->leading = false;
    (void)pthread_cond_broadcast(&s->moved);
}

int
dirsync_wait(struct dirsync *s, const char *name)
{
    struct dirsync_waiter self = { .name = name };

    (void)pthread_mutex_lock(&s->lock);
    self.next = s->first;
    s->first = &self;
    while (!self.done) {
        if (s->leading)
            (void)pthread_cond_wait(&s->moved, &s->lock);
        else
            lead(s);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return self.result;
}
