/* The invariants of store/database.h: groups, durability, full disks, crashes. */
#include "store/database.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/mem.h"
#include "scratch.h"

static const struct migration steps[] = {
    { "test", 1, "CREATE TABLE thing (id BIGINT PRIMARY KEY, body " DB_DDL_BYTES ")" },
    { NULL, 0, NULL },
};
static const struct migration *const sets[] = { steps, NULL };

static struct database *
opened(const char *path)
{
    struct err err = { 0 };
    struct database *d = database_open(path, sets, &err);

    must(&err, d != NULL ? 0 : -1);
    return d;
}

static int64_t
count(struct database *d, const char *sql)
{
    DB_ROWS(rows);
    struct err err = { 0 };

    return must(&err, db_one(database_reader(d), &rows, &err, sql)) == 1 ? db_int(&rows, 0) : -1;
}

static int
insert(struct db *db, void *arg, struct err *err)
{
    return db_run(db, err, "INSERT INTO thing (id) VALUES ($1)", DB_INT(*(int64_t *)arg)) < 0 ? -1
                                                                                              : 0;
}

static int
insert_then_fail(struct db *db, void *arg, struct err *err)
{
    if (insert(db, arg, err) < 0)
        return -1;
    return err_set(err, ERR_PRECONDITION, "after all, no");
}

struct worker {
    struct database *d;
    int64_t base;
    int done;
};

#define EACH 40

/* W4: after each write, the same thread's reader sees it. */
static void *
write_many(void *arg)
{
    struct worker *w = arg;

    for (int64_t i = 0; i < EACH; i++) {
        struct err err = { 0 };
        int64_t id = w->base + i;
        DB_ROWS(rows);

        if (database_write(w->d, insert, &id, &err) < 0)
            return NULL;
        if (db_one(database_reader(w->d), &rows, &err, "SELECT id FROM thing WHERE id = $1",
                   DB_INT(id)) == 1)
            w->done++;
    }
    return NULL;
}

static atomic_int groups;

static void
count_groups(const char *step)
{
    if (strcmp(step, "db.group.commit") == 0)
        atomic_fetch_add(&groups, 1);
}

static void
w1_w4_eight_threads_share_groups(void **state)
{
    SCRATCH(s);
    OWN(database) d = opened(s.database);
    struct worker w[8];
    pthread_t threads[8];

    (void)state;
    atomic_store(&groups, 0);
    database_on_step(d, count_groups);
    for (int i = 0; i < 8; i++) {
        w[i] = (struct worker){ .d = d, .base = i * 1000 };
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &w[i]), 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 8; i++)
        assert_int_equal(w[i].done, EACH);
    assert_int_equal(count(d, "SELECT count(*) FROM thing"), 8 * EACH);
    assert_true(atomic_load(&groups) < 8 * EACH);
}

/* Holds the writer inside a change until released, so that a group of a known shape gathers. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool entered, open;
};

static struct gate gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static int
wait_at_gate(struct db *db, void *arg, struct err *err)
{
    (void)db;
    (void)arg;
    (void)err;
    pthread_mutex_lock(&gate.lock);
    gate.entered = true;
    pthread_cond_broadcast(&gate.moved);
    while (!gate.open)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    return 0;
}

static void
close_gate(struct database *d)
{
    struct err err = { 0 };

    gate.entered = gate.open = false;
    must(&err, database_write_later(d, wait_at_gate, NULL, NULL, &err));
    pthread_mutex_lock(&gate.lock);
    while (!gate.entered)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void
open_gate(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static enum err_kind verdicts[8];
static int verdict_count;

static void
note_verdict(void *arg, const struct err *err)
{
    (void)arg;
    verdicts[verdict_count++] = err == NULL ? ERR_OK : err->kind;
}

static void
w2_a_failed_change_leaves_its_neighbours(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };
    int64_t ids[] = { 1, 2, 2, 3 };

    (void)state;
    verdict_count = 0;
    {
        OWN(database) d = opened(s.database);

        close_gate(d);
        must(&err, database_write_later(d, insert, &ids[0], note_verdict, &err));
        must(&err, database_write_later(d, insert, &ids[1], note_verdict, &err));
        must(&err, database_write_later(d, insert, &ids[2], note_verdict, &err));
        must(&err, database_write_later(d, insert_then_fail, &ids[3], note_verdict, &err));
        open_gate();
    } /* database_free() drains the queue */
    assert_int_equal(verdict_count, 4);
    assert_int_equal(verdicts[0], ERR_OK);
    assert_int_equal(verdicts[1], ERR_OK);
    assert_int_equal(verdicts[2], ERR_CONFLICT);
    assert_int_equal(verdicts[3], ERR_PRECONDITION);
    OWN(database) d = opened(s.database);
    assert_int_equal(count(d, "SELECT count(*) FROM thing"), 2);
}

static int
record(struct db *db, void *arg, struct err *err)
{
    int64_t *calls = arg;

    if (++*calls == 2)
        return err_set(err, ERR_IO, "the recorder is out of ink");
    return db_run(db, err, "INSERT INTO thing (id) VALUES ($1)", DB_INT(1000 + *calls)) < 0 ? -1
                                                                                            : 0;
}

static void
w3_no_record_no_change(void **state)
{
    SCRATCH(s);
    OWN(database) d = opened(s.database);
    struct err err = { 0 };
    int64_t calls = 0;

    (void)state;
    database_on_group(d, record, &calls);
    must(&err, database_write(d, insert, &(int64_t){ 1 }, &err));
    assert_int_equal(count(d, "SELECT count(*) FROM thing WHERE id IN (1, 1001)"), 2);
    assert_int_equal(database_write(d, insert, &(int64_t){ 2 }, &err), -1);
    assert_string_equal(err.msg, "the recorder is out of ink");
    err_clear(&err);
    assert_int_equal(database_write(d, insert_then_fail, &(int64_t){ 3 }, &err), -1);
    assert_int_equal(calls, 2); /* a group in which nothing changed is not recorded */
    err_clear(&err);
    must(&err, database_write(d, insert, &(int64_t){ 4 }, &err));
    assert_int_equal(count(d, "SELECT count(*) FROM thing"), 4);
}

static void
w5_in_the_order_they_were_queued(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };
    int64_t ids[600];

    (void)state;
    {
        OWN(database) d = opened(s.database);

        close_gate(d);
        for (int64_t i = 0; i < 600; i++) {
            ids[i] = 5000 - i;
            must(&err, database_write_later(d, insert, &ids[i], NULL, &err));
        }
        open_gate();
    }
    OWN(database) d = opened(s.database);
    assert_int_equal(count(d, "SELECT count(*) FROM thing AS a JOIN thing AS b "
                              "ON b.rowid = a.rowid + 1 WHERE b.id = a.id - 1"),
                     599);
}

static void
queue_is_bounded(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };
    int64_t id = 1;

    (void)state;
    OWN(database) d = opened(s.database);
    close_gate(d);
    for (int i = 1; i < DATABASE_QUEUE_MAX; i++) /* one waits at the gate */
        must(&err, database_write_later(d, insert, &id, NULL, &err));
    assert_int_equal(database_write_later(d, insert, &id, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_BUSY);
    open_gate();
}

/* W6, behind a limit that any user can set: EFBIG where a full disk says ENOSPC. */
static int
insert_large(struct db *db, void *arg, struct err *err)
{
    OWN_MEM(char) body = mem_zalloc(1 << 20);

    if (body == NULL)
        return err_memory(err);
    return db_run(db, err, "INSERT INTO thing (id, body) VALUES ($1, $2)", DB_INT(*(int64_t *)arg),
                  DB_BLOB(body, 1 << 20)) < 0
               ? -1
               : 0;
}

static int
fill_until_refused(struct database *d, struct err *err)
{
    int64_t id = 1;

    for (; id < 100; id++)
        if (database_write(d, insert_large, &id, err) < 0)
            return (int)id;
    return 0;
}

static void
w6_survives_a_file_size_limit(void **state)
{
    SCRATCH(s);
    OWN(database) d = opened(s.database);
    struct rlimit before, small;
    struct err err = { 0 };
    int refused;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){ 4 << 20, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    refused = fill_until_refused(d, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(refused > 1);
    assert_int_equal(err.kind, ERR_NO_SPACE);
    err_clear(&err);
    assert_int_equal(count(d, "SELECT count(*) FROM thing"), refused - 1);
    must(&err, database_write(d, insert, &(int64_t){ 500 }, &err));
    assert_int_equal(count(d, "SELECT count(*) FROM thing"), refused);
}

/* W6 on a real full disk: a tmpfs of 6 MiB, where this user may mount one.  77: may not. */
static int
fill_a_small_disk(const char *dir)
{
    char path[128], ballast[128];
    struct err err = { 0 };
    struct database *d;
    int refused, fd;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=6m") < 0)
        return 77;
    (void)snprintf(path, sizeof(path), "%s/holdfast.db", dir);
    (void)snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
    fd = open(ballast, O_CREAT | O_WRONLY, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, 2 << 20) != 0)
        return 1;
    d = opened(path);
    refused = fill_until_refused(d, &err);
    if (refused < 2 || err.kind != ERR_NO_SPACE)
        return 2;
    err_clear(&err);
    if (database_write(d, insert_large, &(int64_t){ 700 }, &err) == 0 || err.kind != ERR_NO_SPACE)
        return 3;
    err_clear(&err);
    (void)unlink(ballast);
    (void)close(fd);
    must(&err, database_write(d, insert_large, &(int64_t){ 701 }, &err));
    return count(d, "SELECT count(*) FROM thing") == refused ? 0 : 4;
}

static void
w6_survives_a_full_disk(void **state)
{
    SCRATCH(s);
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0)
        _exit(fill_a_small_disk(s.dir));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

/* W1, W3: kill -9 at every step of the third group; what was acknowledged is there, all or none. */
static const char *kill_at;
static int kill_after;

static void
die_here(const char *step)
{
    if (strcmp(step, kill_at) == 0 && --kill_after == 0)
        raise(SIGKILL);
}

static int
insert_pair(struct db *db, void *arg, struct err *err)
{
    int64_t id = *(int64_t *)arg;

    return insert(db, &id, err) < 0 || insert(db, &(int64_t){ id + 100 }, err) < 0 ? -1 : 0;
}

static void
live_and_die(const char *path, int pipe_fd)
{
    struct database *d = opened(path);
    struct err err = { 0 };

    database_on_step(d, die_here);
    for (int64_t id = 1; id <= 5; id++) {
        must(&err, database_write(d, insert_pair, &id, &err));
        if (write(pipe_fd, &id, sizeof(id)) != sizeof(id))
            abort();
    }
    _exit(0);
}

static void
w1_kill_at_every_step(void **state)
{
    static const char *const at[] = { "db.group.begin", "db.group.commit", "db.group.after" };

    (void)state;
    for (int i = 0; i < 3; i++) {
        SCRATCH(s);
        int64_t acknowledged = 0, id, found;
        int ends[2], status;
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        kill_at = at[i];
        kill_after = 3;
        if ((child = fork()) == 0)
            live_and_die(s.database, ends[1]);
        (void)close(ends[1]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (read(ends[0], &id, sizeof(id)) == sizeof(id))
            acknowledged = id;
        (void)close(ends[0]);
        assert_int_equal(acknowledged, 2);

        OWN(database) d = opened(s.database);
        found = count(d, "SELECT count(*) FROM thing");
        assert_int_equal(found, i == 2 ? 6 : 4); /* ".after" is after the commit */
    }
}

static void *
read_once(void *arg)
{
    assert_int_equal(count(arg, "SELECT count(*) FROM thing"), 0);
    return NULL;
}

static void
readers_end_with_their_threads(void **state)
{
    SCRATCH(s);
    OWN(database) d = opened(s.database);
    long live = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, read_once, d), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        if (i == 1)
            live = mem_live();
    }
    assert_int_equal(mem_live(), live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w1_w4_eight_threads_share_groups),
        cmocka_unit_test(w2_a_failed_change_leaves_its_neighbours),
        cmocka_unit_test(w3_no_record_no_change),
        cmocka_unit_test(w5_in_the_order_they_were_queued),
        cmocka_unit_test(queue_is_bounded),
        cmocka_unit_test(w6_survives_a_file_size_limit),
        cmocka_unit_test(w6_survives_a_full_disk),
        cmocka_unit_test(w1_kill_at_every_step),
        cmocka_unit_test(readers_end_with_their_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
