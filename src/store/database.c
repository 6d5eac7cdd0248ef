#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "store/db_priv.h"
#include "store/migration.h"

/* One change on its way: on the waiter's stack, or on the heap when nobody waits. */
struct change {
    struct change *next;
    database_change *fn;
    void *arg;
    database_done *done;
    bool later;
    bool finished;
    int result;
    struct err err;
    pthread_cond_t woken;
};

struct queue {
    struct change *first, **end;
};

/* One thread's read connection. */
struct reader {
    struct reader *next, **link;
    struct database *database;
    struct db db;
};

struct database {
    char *path;
    struct db broken; /* what database_reader() gives when it can give nothing */
    struct db writer;
    bool has_writer;
    pthread_t thread;
    pthread_key_t reader_key;
    bool has_key;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t queued;
    struct queue queue;
    int later; /* queued changes that nobody waits for */
    bool stopping;
    struct reader *readers;
    database_change *before_commit;
    void *before_commit_arg;
    void (*step)(const char *step);

    int wal_frames; /* the writer's own: frames in the log that are not in the database yet */
};

static void
queue_clear(struct queue *q)
{
    *q = (struct queue){ NULL, NULL };
}

static void
queue_add(struct queue *q, struct change *c)
{
    c->next = NULL;
    if (q->first == NULL)
        q->first = c;
    else
        *q->end = c;
    q->end = &c->next;
}

static struct change *
queue_take(struct queue *q)
{
    struct change *c = q->first;

    if (c != NULL && (q->first = c->next) == NULL)
        queue_clear(q);
    return c;
}

/* Put ${front} before everything in ${q}. */
static void
queue_put_back(struct queue *q, struct queue *front)
{
    if (front->first == NULL)
        return;
    if (q->first != NULL) {
        *front->end = q->first;
        front->end = q->end;
    }
    *q = *front;
    queue_clear(front);
}

static void
tell(struct database *d, const char *step)
{
    if (d->step != NULL)
        d->step(step);
}

static bool
in_transaction(struct database *d)
{
    return sqlite3_get_autocommit(d->writer.handle) == 0;
}

static void
roll_back(struct database *d)
{
    if (in_transaction(d))
        (void)sqlite3_exec(d->writer.handle, "ROLLBACK", NULL, NULL, NULL);
}

/* W2: the change between a savepoint and its release. */
static void
run_change(struct database *d, struct change *c)
{
    struct err ignored = { 0 };

    c->result = -1;
    if (db_run(&d->writer, &c->err, "SAVEPOINT change") < 0)
        return;
    if (c->fn(&d->writer, c->arg, &c->err) == 0 &&
        db_run(&d->writer, &c->err, "RELEASE change") >= 0) {
        c->result = 0;
        return;
    }
    (void)err_set(&c->err, ERR_IO, "the change failed without a reason");
    if (in_transaction(d) && (db_run(&d->writer, &ignored, "ROLLBACK TO change") < 0 ||
                              db_run(&d->writer, &ignored, "RELEASE change") < 0))
        roll_back(d);
}

/* W3: every change of the group that had succeeded learns that it did not. */
static void
fail_group(struct queue *group, const struct err *why)
{
    for (struct change *c = group->first; c != NULL; c = c->next) {
        if (c->result == 0) {
            c->result = -1;
            c->err = *why;
        }
    }
}

/*
 * Run changes from ${waiting} into ${group} until all ran, or until SQLite itself gave up the whole
 * transaction (disk full, out of memory): those that have not run yet stay in ${waiting}.
 */
static int
run_changes(struct database *d, struct queue *waiting, struct queue *group, struct err *err)
{
    int succeeded = 0;
    struct change *c;

    while ((c = queue_take(waiting)) != NULL) {
        queue_add(group, c);
        run_change(d, c);
        if (!in_transaction(d)) {
            *err = c->err;
            return -1;
        }
        succeeded += c->result == 0;
    }
    return succeeded;
}

static void
run_group(struct database *d, struct queue *waiting, struct queue *group)
{
    struct err err = { 0 };
    int succeeded;

    tell(d, "db.group.begin");
    if (db_run(&d->writer, &err, "BEGIN IMMEDIATE") < 0) {
        for (struct change *c; (c = queue_take(waiting)) != NULL; queue_add(group, c))
            c->result = 0; /* nothing of it ran: it fails with the group */
        fail_group(group, &err);
        return;
    }
    succeeded = run_changes(d, waiting, group, &err);
    if (succeeded > 0 && d->before_commit != NULL &&
        d->before_commit(&d->writer, d->before_commit_arg, &err) < 0) {
        (void)err_set(&err, ERR_IO, "the change could not be recorded");
        succeeded = -1;
    }
    tell(d, "db.group.commit");
    if (succeeded > 0 && db_run(&d->writer, &err, "COMMIT") < 0)
        succeeded = -1;
    roll_back(d);
    if (succeeded < 0)
        fail_group(group, &err);
    tell(d, "db.group.after");
}

static void
finish_later(struct change *c)
{
    if (c->done != NULL)
        c->done(c->arg, c->result == 0 ? NULL : &c->err);
    mem_free(c);
}

/* Wake the waiters first; then call back those who did not wait, outside the lock. */
static void
finish_group(struct database *d, struct queue *group)
{
    struct queue later;
    struct change *c;

    queue_clear(&later);
    (void)pthread_mutex_lock(&d->lock);
    while ((c = queue_take(group)) != NULL) {
        if (c->later) {
            d->later--;
            queue_add(&later, c);
        } else {
            c->finished = true;
            (void)pthread_cond_signal(&c->woken);
        }
    }
    (void)pthread_mutex_unlock(&d->lock);
    while ((c = queue_take(&later)) != NULL)
        finish_later(c);
}

static int
count_frames(void *arg, sqlite3 *handle, const char *name, int frames)
{
    struct database *d = arg;

    (void)handle;
    (void)name;
    d->wal_frames = frames;
    return SQLITE_OK;
}

/* Failure is no one's: the log stays as it is, and the next try may find space. */
static void
checkpoint(struct database *d)
{
    int in_log = 0, done = 0;
    int code = sqlite3_wal_checkpoint_v2(d->writer.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log,
                                         &done);

    if (code == SQLITE_OK && in_log == done)
        d->wal_frames = 0;
}

/* Wait for changes; a checkpoint when none came for a while.  False: stopping, and all is done. */
static bool
wait_for_changes(struct database *d)
{
    while (d->queue.first == NULL && !d->stopping) {
        struct timespec until;

        if (d->wal_frames == 0) {
            (void)pthread_cond_wait(&d->queued, &d->lock);
            continue;
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += DATABASE_IDLE_MS / 1000;
        if (pthread_cond_timedwait(&d->queued, &d->lock, &until) == ETIMEDOUT &&
            d->queue.first == NULL) {
            (void)pthread_mutex_unlock(&d->lock);
            checkpoint(d);
            (void)pthread_mutex_lock(&d->lock);
        }
    }
    return d->queue.first != NULL;
}

static void *
write_groups(void *arg)
{
    struct database *d = arg;
    struct queue waiting, group;
    struct change *c;

    queue_clear(&waiting);
    (void)pthread_mutex_lock(&d->lock);
    while (wait_for_changes(d)) {
        queue_clear(&group);
        for (int n = 0; n < DATABASE_GROUP_MAX && (c = queue_take(&d->queue)) != NULL; n++)
            queue_add(&waiting, c);
        (void)pthread_mutex_unlock(&d->lock);
        run_group(d, &waiting, &group);
        finish_group(d, &group);
        if (d->wal_frames > DATABASE_WAL_BYTES / 4096)
            checkpoint(d);
        (void)pthread_mutex_lock(&d->lock);
        queue_put_back(&d->queue, &waiting); /* W5: what did not run stays first */
    }
    (void)pthread_mutex_unlock(&d->lock);
    return NULL;
}

static int
enqueue(struct database *d, struct change *c, struct err *err)
{
    int r = 0;

    (void)pthread_mutex_lock(&d->lock);
    if (!d->has_writer)
        r = err_set(err, ERR_UNSUPPORTED, "the database is open to read only");
    else if (d->stopping)
        r = err_set(err, ERR_CLOSED, "the database is closing");
    else if (c->later && d->later >= DATABASE_QUEUE_MAX)
        r = err_set(err, ERR_BUSY, "too many changes are waiting for the disk: try again later");
    if (r == 0) {
        d->later += c->later;
        queue_add(&d->queue, c);
        (void)pthread_cond_signal(&d->queued);
    }
    (void)pthread_mutex_unlock(&d->lock);
    return r;
}

int
database_write(struct database *d, database_change *fn, void *arg, struct err *err)
{
    struct change c = { .fn = fn, .arg = arg, .woken = PTHREAD_COND_INITIALIZER };

    if (enqueue(d, &c, err) < 0)
        return -1;
    (void)pthread_mutex_lock(&d->lock);
    while (!c.finished)
        (void)pthread_cond_wait(&c.woken, &d->lock);
    (void)pthread_mutex_unlock(&d->lock);
    (void)pthread_cond_destroy(&c.woken);
    if (c.result < 0 && err->kind == ERR_OK)
        *err = c.err;
    return c.result;
}

int
database_write_later(struct database *d, database_change *fn, void *arg, database_done *done,
                     struct err *err)
{
    struct change *c = mem_zalloc(sizeof(*c));

    if (c == NULL)
        return err_memory(err);
    c->fn = fn;
    c->arg = arg;
    c->done = done;
    c->later = true;
    if (enqueue(d, c, err) < 0) {
        mem_free(c);
        return -1;
    }
    return 0;
}

void
database_on_group(struct database *d, database_change *before_commit, void *arg)
{
    (void)pthread_mutex_lock(&d->lock);
    d->before_commit = before_commit;
    d->before_commit_arg = arg;
    (void)pthread_mutex_unlock(&d->lock);
}

void
database_on_step(struct database *d, void (*step)(const char *step))
{
    (void)pthread_mutex_lock(&d->lock);
    d->step = step;
    (void)pthread_mutex_unlock(&d->lock);
}

static void
close_reader(void *arg)
{
    struct reader *r = arg;
    struct database *d = r->database;

    (void)pthread_mutex_lock(&d->lock);
    *r->link = r->next;
    if (r->next != NULL)
        r->next->link = r->link;
    (void)pthread_mutex_unlock(&d->lock);
    db_close(&r->db);
    mem_free(r);
}

static struct db *
open_reader(struct database *d)
{
    struct reader *r = mem_zalloc(sizeof(*r));
    struct err err = { 0 };

    if (r == NULL)
        return &d->broken;
    r->database = d;
    if (db_open(&r->db, d->path, DB_MODE_READ, &err) < 0) {
        mem_free(r);
        return &d->broken;
    }
    (void)pthread_mutex_lock(&d->lock);
    r->next = d->readers;
    r->link = &d->readers;
    if (r->next != NULL)
        r->next->link = &r->next;
    d->readers = r;
    (void)pthread_mutex_unlock(&d->lock);
    if (pthread_setspecific(d->reader_key, r) != 0) {
        close_reader(r);
        return &d->broken;
    }
    return &r->db;
}

struct db *
database_reader(struct database *d)
{
    struct reader *r = pthread_getspecific(d->reader_key);

    return r != NULL ? &r->db : open_reader(d);
}

/* SQLite gives its log and index the mode of the database file, so that one is made first. */
static int
make_private(const char *path, bool create, struct err *err)
{
    OWN_FD fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot open the database %s", path);
    if ((st.st_mode & 077) != 0 && create && fchmod(fd, 0600) < 0)
        return err_sys(err, errno, "cannot make the database %s private", path);
    return 0;
}

static int
start_writer(struct database *d, const struct migration *const *sets, struct err *err)
{
    int r;

    if (db_open(&d->writer, d->path, DB_MODE_WRITE, err) < 0 ||
        migration_apply(&d->writer, sets, err) < 0)
        return -1;
    (void)sqlite3_wal_hook(d->writer.handle, count_frames, d);
    d->wal_frames = 1; /* what an earlier life left in the log is put away when idle */
    if ((r = pthread_create(&d->thread, NULL, write_groups, d)) != 0)
        return err_sys(err, r, "cannot start the database writer");
    d->has_writer = true;
    return 0;
}

struct database *
database_open(const char *path, const struct migration *const *sets, struct err *err)
{
    OWN(database) d = mem_zalloc(sizeof(*d));
    pthread_condattr_t clock;
    int r;

    if (d == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&d->queued, &clock);
    (void)pthread_condattr_destroy(&clock);
    if ((d->path = mem_text(path)) == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    if ((r = pthread_key_create(&d->reader_key, close_reader)) != 0) {
        (void)err_sys(err, r, "cannot open the database %s", path);
        return NULL;
    }
    d->has_key = true;
    if (make_private(path, sets != NULL, err) < 0 ||
        (sets != NULL && start_writer(d, sets, err) < 0))
        return NULL;
    return GIVE(d);
}

void
database_free(struct database *d)
{
    if (d == NULL)
        return;
    if (d->has_writer) {
        (void)pthread_mutex_lock(&d->lock);
        d->stopping = true;
        (void)pthread_cond_signal(&d->queued);
        (void)pthread_mutex_unlock(&d->lock);
        (void)pthread_join(d->thread, NULL);
    }
    if (d->has_key)
        (void)pthread_key_delete(d->reader_key);
    while (d->readers != NULL)
        close_reader(d->readers);
    db_close(&d->writer);
    (void)pthread_cond_destroy(&d->queued);
    (void)pthread_mutex_destroy(&d->lock);
    mem_free(d->path);
    mem_free(d);
}
