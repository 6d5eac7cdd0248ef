/* The invariants of store/blob.h, intake.h and dirsync.h. */
#include "store/blob.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/mem.h"
#include "scratch.h"
#include "store/dirsync.h"
#include "store/stage.h"

#include "bytes.h"
#include "seam.h"

static struct blobs *
opened(const struct scratch *s, const struct disk_ops *disk, const struct blob_limits *limits)
{
    struct err err = { 0 };
    struct blobs *bs = blobs_open(s->fd, disk, limits, &err);

    must(&err, bs != NULL ? 0 : -1);
    return bs;
}

static int
put(struct blobs *bs, struct bytes from, int64_t length, struct err *err)
{
    struct digest d = bytes_digest(DIGEST_SHA256, from.seed, from.size);
    uint64_t size = 0;
    int r = blob_put(bs, bytes_source, &from, length, &d, &size, err);

    if (r == 0)
        assert_int_equal(size, from.size);
    return r;
}

/* 0 whole, 1 absent; anything else is a broken promise (B1). */
static int
whole(struct blobs *bs, uint64_t seed, uint64_t size)
{
    struct digest d = bytes_digest(DIGEST_SHA256, seed, size);
    struct err err = { 0 };
    uint64_t found = 0;
    int r = blob_stat(bs, &d, &found, &err);

    if (r == 0)
        assert_int_equal(found, size);
    assert_int_equal(must(&err, blob_verify(bs, &d, &err)), r);
    return r;
}

/* Every way through the intake, at and around each of its borders. */
static void
b1_n1_any_size_any_way(void **state)
{
    static const uint64_t sizes[] = { 0,       1,       4095,
                                      4096,    16383,   16384,
                                      16385,   1 << 20, (2 << 20) + 1,
                                      3 << 20, 3333333, (10 << 20) + 4097 };
    static const struct blob_limits limits[] = {
        { .large = 1 << 20, .staged_max = 1 },
        { .large = 1, .staged_max = 1 },
        { .large = UINT64_C(1) << 40 },
    };
    SCRATCH(s);

    (void)state;
    for (size_t l = 0; l < 3; l++) {
        OWN(blobs) bs = opened(&s, NULL, &limits[l]);

        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            for (uint64_t how = 0; how < 2; how++) {
                struct bytes from = { .seed = l * 100 + i * 2 + how,
                                      .size = sizes[i],
                                      .piece = how == 0 ? 0 : 100003 };
                struct err err = { 0 };
                struct digest d = bytes_digest(DIGEST_SHA256, from.seed, from.size);

                must(&err, put(bs, from, how == 0 ? (int64_t)from.size : -1, &err));
                assert_int_equal(whole(bs, from.seed, from.size), 0);
                assert_int_equal(must(&err, blob_remove(bs, &d, &err)), 0);
                assert_int_equal(must(&err, blob_remove(bs, &d, &err)), 1);
            }
        }
    }
}

static void
b1_open_gives_the_bytes(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, NULL, NULL);
    struct digest d = bytes_digest(DIGEST_SHA256, 1, 5000);
    struct err err = { 0 };
    uint8_t got[5000], want[5000];
    uint64_t size = 7;
    OWN_FD fd = -1;

    (void)state;
    assert_int_equal(blob_open(bs, &d, &fd, &size, &err), 1);
    assert_int_equal(size, 7);
    must(&err, put(bs, (struct bytes){ .seed = 1, .size = 5000 }, -1, &err));
    assert_int_equal(blob_open(bs, &d, &fd, &size, &err), 0);
    assert_int_equal(size, 5000);
    assert_int_equal(read(fd, got, sizeof(got)), 5000);
    bytes_make(1, 0, want, sizeof(want));
    assert_memory_equal(got, want, sizeof(want));
}

static void
b1_verify_finds_a_changed_byte(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, NULL, NULL);
    struct digest d = bytes_digest(DIGEST_SHA256, 1, 5000);
    struct err err = { 0 };
    char text[DIGEST_TEXT_MAX + 1], name[200];
    int fd;

    (void)state;
    must(&err, put(bs, (struct bytes){ .seed = 1, .size = 5000 }, -1, &err));
    digest_text(&d, text);
    (void)snprintf(name, sizeof(name), "blobs/sha256/%.2s/%s", text + 7, text + 7);
    fd = openat(s.fd, name, O_WRONLY);
    assert_int_equal(pwrite(fd, "\0\0\0\0", 4, 100), 4);
    (void)close(fd);
    assert_int_equal(blob_verify(bs, &d, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
}

static void
b2_wrong_digest_leaves_nothing(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, NULL, NULL);
    struct digest other = bytes_digest(DIGEST_SHA256, 2, 5000);
    struct bytes from = { .seed = 1, .size = 5000 };
    struct err err = { 0 };
    uint64_t size = 9;

    (void)state;
    assert_int_equal(blob_put(bs, bytes_source, &from, -1, &other, &size, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.code, "DIGEST_INVALID");
    assert_int_equal(size, 9);
    assert_int_equal(whole(bs, 1, 5000), 1);
    assert_int_equal(whole(bs, 2, 5000), 1);
    assert_int_equal(bytes_entries(s.fd, "uploads"), 0);
}

static void
b2_wrong_length_leaves_nothing(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, NULL, NULL);

    (void)state;
    for (int64_t length = 4999; length <= 5001; length += 2) {
        struct err err = { 0 };

        assert_int_equal(put(bs, (struct bytes){ .seed = 1, .size = 5000 }, length, &err), -1);
        assert_string_equal(err.code, "SIZE_INVALID");
        assert_int_equal(whole(bs, 1, 5000), 1);
    }
}

/* Each call on the disk fails in turn, small and large, named and nameless. */
static void
sweep_put(struct bytes from, bool no_nameless, int sys)
{
    const struct blob_limits limits = { .large = 1 << 20, .staged_max = 1 };
    SCRATCH(s);

    seam_reset();
    seam.ordered = no_nameless;
    OWN(blobs) bs = opened(&s, &seam_ops, &limits);
    struct digest d = bytes_digest(DIGEST_SHA256, from.seed, from.size);
    int refused = 0;

    for (long n = 0;; n++) {
        struct err err = { 0 };
        int r;

        seam_reset();
        seam.no_nameless = no_nameless;
        seam.fail_after = n;
        seam.fail_with = sys;
        r = put(bs, from, -1, &err);
        seam.fail_after = -1;
        if (!seam.failed) {
            must(&err, r);
            break;
        }
        if (r < 0) {
            assert_int_equal(err.kind, sys == ENOSPC ? ERR_NO_SPACE : ERR_IO);
            refused++;
        }
        if (r == 0)
            assert_int_equal(whole(bs, from.seed, from.size), 0);
        else
            (void)whole(bs, from.seed, from.size);
        assert_true(blob_remove(bs, &d, &err) >= 0);
        if (strchr(seam.trace, 'u') == NULL)
            assert_int_equal(bytes_entries(s.fd, "uploads"), 0);
    }
    assert_true(refused >= 6);
    seam_reset();
}

static void
b2_every_call_fails_once(void **state)
{
    (void)state;
    sweep_put((struct bytes){ .seed = 1, .size = 5000 }, false, ENOSPC);
    sweep_put((struct bytes){ .seed = 1, .size = 5000 }, true, EIO);
    sweep_put((struct bytes){ .seed = 1, .size = 11 << 20 }, false, ENOSPC);
}

static void
b3_bytes_then_name_then_answer(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, &seam_ops, NULL);
    struct err err = { 0 };

    (void)state;
    seam_reset();
    must(&err, put(bs, (struct bytes){ .seed = 1, .size = 5000 }, -1, &err));
    assert_string_equal(seam.trace, "owosl" /* looked for, synced, named */ "od");
    seam_reset();
    must(&err, put(bs, (struct bytes){ .seed = 1, .size = 5000 }, -1, &err));
    assert_string_equal(seam.trace, "owo" /* is there */ "od");
    seam_reset();
    seam.no_nameless = true;
    must(&err, put(bs, (struct bytes){ .seed = 2, .size = 5000 }, -1, &err));
    assert_string_equal(seam.trace, "owospod");
}

static void
b3_on_an_ordered_disk_one_sync_covers_both(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };

    (void)state;
    seam_reset();
    seam.ordered = true;
    OWN(blobs) bs = opened(&s, &seam_ops, NULL);
    seam_reset();
    must(&err, put(bs, (struct bytes){ .seed = 1, .size = 5000 }, -1, &err));
    assert_string_equal(seam.trace, "owofl" /* written out before it was named */ "od");
}

/* Holds the first sync of a directory until two more wait, then counts what they cost. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open;
    int syncs, touches, fail_second;
} batch = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static int
batch_dirsync(int fd)
{
    int r;

    (void)fd;
    pthread_mutex_lock(&batch.lock);
    r = ++batch.syncs > 1 && batch.fail_second ? -EIO : 0;
    pthread_cond_broadcast(&batch.moved);
    while (!batch.open)
        pthread_cond_wait(&batch.moved, &batch.lock);
    pthread_mutex_unlock(&batch.lock);
    return r;
}

static int
batch_touch(int fd)
{
    batch.touches++;
    return disk_real.touch(fd);
}

struct waiting {
    struct dirsync *syncs;
    const char *name;
    int result;
};

static void *
wait_for_sync(void *arg)
{
    struct waiting *w = arg;

    w->result = dirsync_wait(w->syncs, w->name);
    return NULL;
}

static struct dirsync_waiter *
first_of(struct dirsync *syncs)
{
    struct dirsync_waiter *first;

    pthread_mutex_lock(&syncs->lock);
    first = syncs->first;
    pthread_mutex_unlock(&syncs->lock);
    return first;
}

/* One leads; while its sync takes its time two others gather for the next. */
static void
gather(const struct scratch *s, bool ordered, int fail)
{
    struct disk_ops disk = seam_ops;
    struct waiting w[3] = { { .name = "." }, { .name = "blobs" }, { .name = "uploads" } };
    struct dirsync_waiter *seen = NULL;
    struct dirsync syncs;
    pthread_t threads[3];

    seam_reset();
    seam.ordered = ordered;
    disk.dirsync = batch_dirsync;
    disk.touch = batch_touch;
    batch.open = false;
    batch.syncs = batch.touches = 0;
    batch.fail_second = fail;
    dirsync_init(&syncs, &disk, s->fd);
    for (int i = 0; i < 3; i++) {
        w[i].syncs = &syncs;
        pthread_create(&threads[i], NULL, wait_for_sync, &w[i]);
        pthread_mutex_lock(&batch.lock);
        while (batch.syncs == 0)
            pthread_cond_wait(&batch.moved, &batch.lock);
        pthread_mutex_unlock(&batch.lock);
        while (i > 0 && first_of(&syncs) == seen)
            usleep(100);
        seen = first_of(&syncs);
    }
    pthread_mutex_lock(&batch.lock);
    batch.open = true;
    pthread_cond_broadcast(&batch.moved);
    pthread_mutex_unlock(&batch.lock);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(w[0].result, 0);
    for (int i = 1; i < 3; i++)
        assert_int_equal(w[i].result, fail ? -EIO : 0);
    dirsync_end(&syncs);
}

static void
y1_y2_one_sync_covers_a_batch(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, NULL, NULL);

    (void)state;
    assert_non_null(bs);
    gather(&s, true, 0);
    assert_int_equal(batch.syncs, 2);
    assert_int_equal(batch.touches, 1);
    gather(&s, false, 0);
    assert_int_equal(batch.syncs, 3);
    assert_int_equal(batch.touches, 0);
    gather(&s, true, 1);
    gather(&s, false, 1);
}

static void
b3_missing_shard_is_made_durably(void **state)
{
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, &seam_ops, NULL);
    struct digest d = bytes_digest(DIGEST_SHA512, 3, 700);
    struct bytes from = { .seed = 3, .size = 700 };
    struct err err = { 0 };
    uint64_t size;

    (void)state;
    seam_reset();
    must(&err, blob_put(bs, bytes_source, &from, 700, &d, &size, &err));
    assert_string_equal(seam.trace, "owosl" /* no folder */ "modmod"
                                    "l"
                                    "od");
    assert_int_equal(must(&err, blob_verify(bs, &d, &err)), 0);
}

struct putter {
    struct blobs *bs;
    uint64_t seed;
    int failed;
};

static void *
put_many(void *arg)
{
    struct putter *p = arg;

    for (uint64_t i = 0; i < 20; i++) {
        struct err err = { 0 };

        p->failed += put(p->bs, (struct bytes){ .seed = 777 + i, .size = 4096 }, -1, &err) < 0;
        p->failed +=
            put(p->bs, (struct bytes){ .seed = p->seed + i, .size = 4096 }, 4096, &err) < 0;
    }
    p->failed +=
        put(p->bs, (struct bytes){ .seed = p->seed, .size = 3 << 20 }, -1, &(struct err){ 0 }) < 0;
    return NULL;
}

static void
b4_same_bytes_at_once(void **state)
{
    const struct blob_limits limits = { .large = 1 << 20, .staged_max = 2 };
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, NULL, &limits);
    struct putter p[8];
    pthread_t threads[8];

    (void)state;
    for (uint64_t i = 0; i < 8; i++) {
        p[i] = (struct putter){ bs, 10000 * (i + 1), 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, &p[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(p[i].failed, 0);
        assert_int_equal(whole(bs, p[i].seed + 19, 4096), 0);
        assert_int_equal(whole(bs, p[i].seed, 3 << 20), 0);
    }
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(whole(bs, 777 + i, 4096), 0);
    assert_int_equal(bytes_entries(s.fd, "uploads"), 0);
}

static void
b5_no_blob_beyond_the_limit(void **state)
{
    const struct blob_limits limits = { .blob_max = 5000 };
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, NULL, &limits);

    (void)state;
    for (int64_t length = -1; length <= 5001; length += 5002) {
        struct err err = { 0 };

        assert_int_equal(put(bs, (struct bytes){ .seed = 1, .size = 5001 }, length, &err), -1);
        assert_int_equal(err.kind, ERR_TOO_LARGE);
    }
    assert_int_equal(put(bs, (struct bytes){ .seed = 1, .size = 5000 }, -1, &(struct err){ 0 }), 0);
}

/* Pages that are not mapped any more have no residency to ask for. */
static bool
is_mapped(void *block)
{
    unsigned char residency;

    return mincore(block, 1, &residency) == 0;
}

static void
b6_blocks_are_given_back(void **state)
{
    struct err err = { 0 };
    OWN(stages) stages = stages_new(1, &err);
    void *blocks[16];
    int mapped = 0;

    (void)state;
    for (int i = 0; i < 16; i++) {
        blocks[i] = stages_take(stages);
        assert_int_equal((uintptr_t)blocks[i] % STAGE_ALIGN, 0);
        memset(blocks[i], 1, STAGE_BLOCK);
    }
    for (int i = 0; i < 16; i++)
        stages_give(stages, blocks[i]);
    for (int i = 0; i < 16; i++)
        mapped += is_mapped(blocks[i]);
    assert_int_equal(mapped, STAGE_KEPT);
}

static void
without_o_direct(void **state)
{
    const struct blob_limits limits = { .large = 1 << 20, .staged_max = 1 };
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, &seam_ops, &limits);
    struct err err = { 0 };

    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        seam_reset();
        seam.no_direct = i == 0;
        seam.bad_direct = i == 1;
        must(&err, put(bs, (struct bytes){ .seed = i, .size = 4321000 }, -1, &err));
        assert_int_equal(whole(bs, i, 4321000), 0);
    }
}

/* On a real full disk, where this user may mount one (77: may not): told, and over when it is. */
static int
fill_a_small_disk(const char *dir)
{
    const struct blob_limits limits = { .large = 1 << 20, .staged_max = 1 };
    struct err err = { 0 };
    int fd;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=12m") < 0)
        return 77;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct blobs *bs = blobs_open(fd, NULL, &limits, &err);
    must(&err, bs != NULL ? 0 : -1);
    must(&err, put(bs, (struct bytes){ .seed = 1, .size = 5 << 20 }, -1, &err));
    for (uint64_t size = 10 << 20; size <= (20 << 20); size += 10 << 20) {
        if (put(bs, (struct bytes){ .seed = 2, .size = size }, -1, &err) == 0 ||
            err.kind != ERR_NO_SPACE)
            return 1;
        err_clear(&err);
    }
    must(&err, put(bs, (struct bytes){ .seed = 3, .size = 5 << 20 }, -1, &err));
    return whole(bs, 1, 5 << 20) == 0 && whole(bs, 3, 5 << 20) == 0 ? 0 : 2;
}

static void
b2_a_full_disk(void **state)
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

static void
first_start_cut_short(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };

    (void)state;
    for (long n = 0;; n += 29) {
        seam_reset();
        seam.fail_after = n;
        seam.fail_with = ENOSPC;
        OWN(blobs) bs = blobs_open(s.fd, &seam_ops, NULL, &err);
        seam.fail_after = -1;
        if (bs == NULL) {
            assert_int_equal(err.kind, ERR_NO_SPACE);
            err_clear(&err);
            continue;
        }
        assert_int_equal(bytes_entries(s.fd, "blobs/sha256"), 256);
        break;
    }
    seam_reset();
    OWN(blobs) bs = opened(&s, &seam_ops, NULL);
    assert_string_equal(seam.trace, "o");
}

static void
a_source_that_breaks(void **state)
{
    const struct blob_limits limits = { .large = 1 << 20, .staged_max = 1 };
    SCRATCH(s);
    OWN(blobs) bs = opened(&s, NULL, &limits);

    (void)state;
    for (uint64_t at = 1; at < (16 << 20); at = at * 5 + 1) {
        struct err err = { 0 };

        assert_int_equal(
            put(bs, (struct bytes){ .seed = 1, .size = 16 << 20, .piece = 65536, .break_at = at },
                -1, &err),
            -1);
        assert_int_equal(err.kind, ERR_CLOSED);
    }
    assert_int_equal(whole(bs, 1, 16 << 20), 1);
}

static void
allocation_sweep(void **state)
{
    SCRATCH(s);
    long live = mem_live();

    (void)state;
    for (long n = 0; n < 10; n++) {
        struct err err = { 0 };
        struct blobs *bs;

        mem_fail_after(n);
        bs = blobs_open(s.fd, NULL, NULL, &err);
        mem_fail_after(-1);
        assert_int_equal(bs == NULL, n < 3);
        assert_int_equal(err.kind, n < 3 ? ERR_NO_SPACE : ERR_OK);
        blobs_free(bs);
        assert_int_equal(mem_live(), live);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b1_n1_any_size_any_way),
        cmocka_unit_test(b1_open_gives_the_bytes),
        cmocka_unit_test(b1_verify_finds_a_changed_byte),
        cmocka_unit_test(b2_wrong_digest_leaves_nothing),
        cmocka_unit_test(b2_wrong_length_leaves_nothing),
        cmocka_unit_test(b2_every_call_fails_once),
        cmocka_unit_test(b3_bytes_then_name_then_answer),
        cmocka_unit_test(b3_on_an_ordered_disk_one_sync_covers_both),
        cmocka_unit_test(b3_missing_shard_is_made_durably),
        cmocka_unit_test(y1_y2_one_sync_covers_a_batch),
        cmocka_unit_test(b4_same_bytes_at_once),
        cmocka_unit_test(b5_no_blob_beyond_the_limit),
        cmocka_unit_test(b6_blocks_are_given_back),
        cmocka_unit_test(without_o_direct),
        cmocka_unit_test(b2_a_full_disk),
        cmocka_unit_test(first_start_cut_short),
        cmocka_unit_test(a_source_that_breaks),
        cmocka_unit_test(allocation_sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
