/* The invariants of store/upload.h: sessions over requests, restarts and crashes. */
#include "store/upload.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/id.h"
#define SCRATCH_PARENT "/dev/shm"

#include "base/mem.h"
#include "scratch.h"
#include "store/upload_state.h"

#include "bytes.h"
#include "seam.h"

static const char id[] = "11111111-2222-4333-8444-555555555555";

static struct blobs *
opened(const struct scratch *s)
{
    const struct blob_limits limits = { .large = 1 << 20, .staged_max = 1 };
    struct err err = { 0 };
    struct blobs *bs = blobs_open(s->fd, &seam_ops, &limits, &err);

    must(&err, bs != NULL ? 0 : -1);
    return bs;
}

static struct upload *
resumed(struct blobs *bs)
{
    struct upload *up = NULL;
    struct err err = { 0 };

    assert_int_equal(must(&err, upload_open(bs, id, &up, &err)), 0);
    return up;
}

/* Feed the session bytes of body 1 from where it stands up to ${to}. */
static int
feed(struct upload *up, uint64_t to, struct err *err)
{
    struct bytes from = { .seed = 1, .size = to, .at = upload_size(up) };
    uint64_t n = 0, size = upload_size(up);

    if (upload_feed(up, bytes_source, &from, -1, &n, err) < 0)
        return -1;
    assert_int_equal(n, to - size);
    assert_int_equal(upload_size(up), to);
    return 0;
}

static int
feed_and_keep(struct blobs *bs, uint64_t to, struct err *err)
{
    OWN(upload) up = NULL;

    if (upload_open(bs, id, &up, err) != 0 || feed(up, to, err) < 0)
        return -1;
    return upload_keep(up, err);
}

static int
feed_and_commit(struct blobs *bs, uint64_t to, struct err *err)
{
    struct digest d = bytes_digest(DIGEST_SHA256, 1, to);
    OWN(upload) up = NULL;

    if (upload_open(bs, id, &up, err) != 0 || feed(up, to, err) < 0)
        return -1;
    return upload_commit(up, &d, err);
}

static int
whole(struct blobs *bs, uint64_t size)
{
    struct digest d = bytes_digest(DIGEST_SHA256, 1, size);
    struct err err = { 0 };

    return must(&err, blob_verify(bs, &d, &err));
}

static uint64_t
kept(struct blobs *bs)
{
    struct err err = { 0 };
    uint64_t size = 0;

    return must(&err, upload_exists(bs, id, &size, &err)) == 1 ? UINT64_MAX : size;
}

/* Uneven pieces, small and large, the daemon restarted between all of them. */
static void
u1_kept_bytes_and_hash_survive(void **state)
{
    static const uint64_t to[] = { 1, 5000, 8192, 3000001, 3000002, 6000000 };
    SCRATCH(s);

    (void)state;
    seam_reset();
    for (size_t i = 0; i < 6; i++) {
        OWN(blobs) bs = opened(&s);
        struct err err = { 0 };

        if (i == 0)
            must(&err, upload_new(bs, id, &err));
        seam_reset();
        must(&err, feed_and_keep(bs, to[i], &err));
        if (i == 1) /* data and state, one slot read, one piece, synced, its slot, synced */
            assert_string_equal(seam.trace, "oorwsws");
        assert_int_equal(kept(bs), to[i]);
    }
    OWN(blobs) bs = opened(&s);
    struct err err = { 0 };
    seam_reset();
    must(&err, feed_and_commit(bs, 6000000, &err));
    assert_string_equal(seam.trace, "oor" /* kept: nothing to sync */ "op"
                                    "od"
                                    "u");
    assert_int_equal(whole(bs, 6000000), 0);
    assert_int_equal(bytes_entries(s.fd, "uploads"), 0);
    assert_int_equal(kept(bs), UINT64_MAX);
}

static void
u1_torn_slot_falls_back(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct err err = { 0 };
    char name[160];
    int fd;

    (void)state;
    seam_reset();
    must(&err, upload_new(bs, id, &err));
    must(&err, feed_and_keep(bs, 100, &err));
    must(&err, feed_and_keep(bs, 200, &err));
    (void)snprintf(name, sizeof(name), "uploads/%s.state", id);
    fd = openat(s.fd, name, O_RDWR);
    assert_int_equal(pwrite(fd, "torn", 4, 40), 4); /* sequence 2 lies in slot 0 */
    (void)close(fd);
    assert_int_equal(kept(bs), 100);
    must(&err, feed_and_commit(bs, 150, &err));
    assert_int_equal(whole(bs, 150), 0);
}

static void
u1_lost_hash_is_made_again(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct upload_state made = { .sequence = 9, .kept = 5000 };
    struct err err = { 0 };
    char name[160];
    int fd;

    (void)state;
    seam_reset();
    must(&err, upload_new(bs, id, &err));
    must(&err, feed_and_keep(bs, 5000, &err));
    (void)snprintf(name, sizeof(name), "uploads/%s.state", id);
    fd = openat(s.fd, name, O_RDWR);
    hasher_init(&made.hash, DIGEST_SHA256); /* a state of no bytes: not that of 5000 */
    assert_int_equal(upload_state_write(&disk_real, fd, &made), 0);
    (void)close(fd);
    must(&err, feed_and_commit(bs, 6000, &err));
    assert_int_equal(whole(bs, 6000), 0);
}

static void
u1_lost_bytes_are_told(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct upload *up = NULL;
    struct err err = { 0 };
    char name[160];

    (void)state;
    seam_reset();
    must(&err, upload_new(bs, id, &err));
    must(&err, feed_and_keep(bs, 5000, &err));
    (void)snprintf(name, sizeof(name), "%s/uploads/%s.data", s.dir, id);
    assert_int_equal(truncate(name, 4999), 0);
    assert_int_equal(upload_open(bs, id, &up, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
}

/*
 * kill -9 at each step.  A child makes a session, keeps 5000 and then 3 MiB, commits at 4 MiB, and
 * says after each what it was promised; after its death the promise is compared with the disk.
 */
#define PROMISES 4

static const uint64_t promised[PROMISES + 1] = { 0, 0, 5000, 3 << 20, 4 << 20 };

static void
promise(int pipe_fd, char n)
{
    if (write(pipe_fd, &n, 1) != 1)
        abort();
}

static void
live_and_die(const struct scratch *s, int pipe_fd)
{
    struct err err = { 0 };
    struct blobs *bs = opened(s);

    must(&err, upload_new(bs, id, &err));
    promise(pipe_fd, 1);
    must(&err, feed_and_keep(bs, promised[2], &err));
    promise(pipe_fd, 2);
    must(&err, feed_and_keep(bs, promised[3], &err));
    promise(pipe_fd, 3);
    must(&err, feed_and_commit(bs, promised[4], &err));
    promise(pipe_fd, 4);
    _exit(0);
}

static bool
is_a_promise(uint64_t size)
{
    return size == 0 || size == promised[2] || size == promised[3];
}

static void
check_the_dead(const struct scratch *s, char last)
{
    OWN(blobs) bs = opened(s);
    struct err err = { 0 };
    uint64_t size = kept(bs);
    int r = whole(bs, promised[4]);

    if (last == PROMISES || size == UINT64_MAX) {
        assert_true(r == 0 || last == 0);
    } else {
        assert_true(is_a_promise(size));
        assert_true(size >= promised[(int)last]);
        must(&err, feed_and_commit(bs, promised[4], &err)); /* the client goes on */
        assert_int_equal(whole(bs, promised[4]), 0);
    }
    assert_true(blobs_sweep(bs, 0, &err) >= 0);
    assert_int_equal(bytes_entries(s->fd, "uploads"), 0);
}

/* True when the child died there, false when it lived to its end. */
static bool
die_at(const char *step, int count)
{
    SCRATCH(s);
    int ends[2], status;
    char last = 0;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    if ((child = fork()) == 0) {
        seam.kill_at = step;
        seam.kill_count = count;
        live_and_die(&s, ends[1]);
    }
    (void)close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    while (read(ends[0], &last, 1) == 1)
        continue;
    (void)close(ends[0]);
    check_the_dead(&s, last);
    if (WIFEXITED(status))
        assert_int_equal(last, PROMISES);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void
u1_u4_kill_at_every_step(void **state)
{
    static const struct {
        const char *step;
        int times;
    } steps[] = {
        { "upload.create", 1 },   { "upload.write", 5 }, { "upload.datasync", 2 },
        { "upload.state", 2 },    { "upload.slot", 2 },  { "upload.kept", 2 },
        { "commit.datasync", 1 }, { "commit.link", 1 },  { "commit.dirsync", 1 },
        { "commit.unlink", 1 },
    };

    (void)state;
    seam_reset();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        for (int n = 1; n <= steps[i].times; n++)
            assert_true(die_at(steps[i].step, n));
    assert_false(die_at("commit.unlink", 2));
}

static void
u2_not_kept_is_gone(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct err err = { 0 };

    (void)state;
    seam_reset();
    must(&err, upload_new(bs, id, &err));
    for (int i = 0; i < 2; i++) {
        OWN(upload) up = resumed(bs);

        assert_int_equal(upload_size(up), 0);
        must(&err, feed(up, 5000, &err));
    }
    must(&err, feed_and_keep(bs, 100, &err));
    {
        OWN(upload) up = resumed(bs);
        must(&err, feed(up, 2 << 20, &err));
    }
    OWN(upload) up = resumed(bs);
    assert_int_equal(upload_size(up), 100);
}

static atomic_int winners, losers;

static void *
race_to_open(void *arg)
{
    struct upload *up = NULL;
    struct err err = { 0 };

    if (upload_open(arg, id, &up, &err) == 0)
        atomic_fetch_add(&winners, 1);
    else if (err.kind == ERR_CONFLICT)
        atomic_fetch_add(&losers, 1);
    return up; /* kept open until all have tried */
}

static void
u3_open_once_at_a_time(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    pthread_t threads[8];
    struct err err = { 0 };
    void *up[8];

    (void)state;
    seam_reset();
    must(&err, upload_new(bs, id, &err));
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race_to_open, bs), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], &up[i]);
    assert_int_equal(atomic_load(&winners), 1);
    assert_int_equal(atomic_load(&losers), 7);
    assert_int_equal(blobs_sweep(bs, 0, &err), 0);
    for (int i = 0; i < 8; i++)
        upload_free(up[i]);
    upload_free(resumed(bs));
}

static void
u4_wrong_digest_leaves_the_session(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct digest wrong = bytes_digest(DIGEST_SHA256, 2, 200);
    struct err err = { 0 };

    (void)state;
    seam_reset();
    must(&err, upload_new(bs, id, &err));
    must(&err, feed_and_keep(bs, 100, &err));
    {
        OWN(upload) up = resumed(bs);

        must(&err, feed(up, 200, &err));
        assert_int_equal(upload_commit(up, &wrong, &err), -1);
        assert_string_equal(err.code, "DIGEST_INVALID");
        err_clear(&err);
    }
    assert_int_equal(kept(bs), 100);
    must(&err, feed_and_commit(bs, 200, &err));
    assert_int_equal(whole(bs, 200), 0);
}

static void
u4_commit_as_sha512(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct digest d = bytes_digest(DIGEST_SHA512, 1, 70000);
    struct err err = { 0 };

    (void)state;
    seam_reset();
    must(&err, upload_new(bs, id, &err));
    OWN(upload) up = resumed(bs);
    must(&err, feed(up, 70000, &err));
    must(&err, upload_commit(up, &d, &err));
    assert_int_equal(must(&err, blob_verify(bs, &d, &err)), 0);
}

static void
u4_blob_that_is_there_already(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct err err = { 0 };

    (void)state;
    for (int i = 0; i < 2; i++) {
        seam_reset();
        must(&err, upload_new(bs, id, &err));
        must(&err, feed_and_commit(bs, 4096, &err));
        assert_string_equal(seam.trace, i == 0 ? "o"
                                                 "ow"
                                                 "osp"
                                                 "od"
                                               : "o"
                                                 "ow"
                                                 "o"
                                                 "od"
                                                 "u");
        assert_int_equal(whole(bs, 4096), 0);
        assert_int_equal(bytes_entries(s.fd, "uploads"), 0);
    }
}

static void
u5_an_empty_session_is_there_after_a_restart(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };

    (void)state;
    seam_reset();
    {
        OWN(blobs) bs = opened(&s);
        must(&err, upload_new(bs, id, &err));
        assert_int_equal(upload_new(bs, id, &err), -1);
        assert_int_equal(err.kind, ERR_CONFLICT);
        err_clear(&err);
    }
    OWN(blobs) bs = opened(&s);
    assert_int_equal(kept(bs), 0);
    must(&err, feed_and_commit(bs, 0, &err));
    assert_int_equal(whole(bs, 0), 0);
}

static void
cancel_and_unknown(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct upload *none = NULL;
    struct err err = { 0 };

    (void)state;
    seam_reset();
    assert_int_equal(upload_open(bs, id, &none, &err), 1);
    assert_int_equal(upload_open(bs, "../../etc/passwd", &none, &err), 1);
    assert_int_equal(upload_new(bs, "../11111111-2222-4333-8444-555555555", &err), -1);
    err_clear(&err);
    must(&err, upload_new(bs, id, &err));
    must(&err, feed_and_keep(bs, 100, &err));
    {
        OWN(upload) up = resumed(bs);
        must(&err, upload_cancel(up, &err));
        assert_int_equal(feed(up, 200, &err), -1);
        err_clear(&err);
    }
    assert_int_equal(upload_open(bs, id, &none, &err), 1);
    assert_int_equal(bytes_entries(s.fd, "uploads"), 0);
}

static void
sessions_are_bounded_and_swept(void **state)
{
    const struct blob_limits limits = { .uploads_max = 3 };
    SCRATCH(s);
    struct err err = { 0 };
    char many[4][ID_LEN + 1];

    (void)state;
    for (int round = 0; round < 2; round++) {
        OWN(blobs) bs = blobs_open(s.fd, NULL, &limits, &err);

        must(&err, bs != NULL ? 0 : -1);
        for (int i = 0; i < 4; i++)
            id_new(many[i]);
        for (int i = 0; i < 3 && round == 0; i++)
            must(&err, upload_new(bs, many[i], &err));
        assert_int_equal(upload_new(bs, many[3], &err), -1);
        assert_int_equal(err.kind, ERR_BUSY);
        err_clear(&err);
        assert_int_equal(blobs_sweep(bs, 3600, &err), 0);
        if (round == 1) {
            assert_int_equal(blobs_sweep(bs, 0, &err), 3);
            must(&err, upload_new(bs, many[3], &err));
        }
    }
}

/* Each call on the disk fails in turn over a session's whole life; then the client tries again. */
static int
one_life(struct blobs *bs, struct err *err)
{
    if (upload_new(bs, id, err) < 0 || feed_and_keep(bs, 5000, err) < 0 ||
        feed_and_keep(bs, 2 << 20, err) < 0)
        return -1;
    return feed_and_commit(bs, (2 << 20) + 100, err);
}

static void
u2_u4_every_call_fails_once(void **state)
{
    int refused = 0;

    (void)state;
    seam_reset();
    for (long n = 0;; n++) {
        SCRATCH(s);
        OWN(blobs) bs = opened(&s);
        struct err err = { 0 };
        uint64_t size;
        int r;

        seam_reset();
        seam.fail_after = n;
        seam.fail_with = ENOSPC;
        r = one_life(bs, &err);
        seam.fail_after = -1;
        if (!seam.failed)
            break;
        refused += r < 0;
        assert_true(r == 0 || err.kind == ERR_NO_SPACE);
        err_clear(&err);
        size = kept(bs);
        assert_true(size == UINT64_MAX || size == 0 || size == 5000 || size == 2 << 20);
        if (r < 0 && size != UINT64_MAX)
            must(&err, feed_and_commit(bs, (2 << 20) + 100, &err));
        (void)whole(bs, (2 << 20) + 100);
        assert_true(blobs_sweep(bs, 0, &err) >= 0);
        assert_int_equal(bytes_entries(s.fd, "uploads"), 0);
    }
    assert_true(refused > 20);
}

static void
allocation_sweep(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s);
    struct upload *up = NULL;
    struct err err = { 0 };

    (void)state;
    seam_reset();
    must(&err, upload_new(bs, id, &err));
    mem_fail_after(0);
    assert_int_equal(upload_open(bs, id, &up, &err), -1);
    mem_fail_after(-1);
    assert_int_equal(err.kind, ERR_NO_SPACE);
    assert_null(up);
    upload_free(resumed(bs));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u1_kept_bytes_and_hash_survive),
        cmocka_unit_test(u1_torn_slot_falls_back),
        cmocka_unit_test(u1_lost_hash_is_made_again),
        cmocka_unit_test(u1_lost_bytes_are_told),
        cmocka_unit_test(u1_u4_kill_at_every_step),
        cmocka_unit_test(u2_not_kept_is_gone),
        cmocka_unit_test(u3_open_once_at_a_time),
        cmocka_unit_test(u4_wrong_digest_leaves_the_session),
        cmocka_unit_test(u4_commit_as_sha512),
        cmocka_unit_test(u4_blob_that_is_there_already),
        cmocka_unit_test(u5_an_empty_session_is_there_after_a_restart),
        cmocka_unit_test(cancel_and_unknown),
        cmocka_unit_test(sessions_are_bounded_and_swept),
        cmocka_unit_test(u2_u4_every_call_fails_once),
        cmocka_unit_test(allocation_sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
