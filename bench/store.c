/*
 * store.c - the store by itself: what is left for HTTP, tokens and audit to spend.
 *
 *   bench-store DIR     one line per measurement; DIR is an existing folder on the disk in question
 *
 * Bytes come from memory, so a large body costs one copy where a server pays a receive.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "crypto/hasher.h"
#include "store/database.h"
#include "store/upload.h"

#define LARGE  ((uint64_t)256 << 20)
#define BLOCK  ((size_t)1 << 20)
#define SMALLS 2000

struct body {
    uint64_t seed, size, at;
};

static uint8_t pattern[BLOCK];

/* Every block is the same but for the seed in its first eight bytes. */
static ssize_t
body_source(void *ctx, void *p, size_t max, struct err *err)
{
    struct body *b = ctx;
    uint64_t left = b->size - b->at;
    size_t within = (size_t)(b->at % BLOCK);
    size_t n = left < max ? (size_t)left : max;

    (void)err;
    if (n > BLOCK - within)
        n = BLOCK - within;
    memcpy(p, pattern + within, n);
    if (within == 0 && n >= sizeof(b->seed))
        memcpy(p, &b->seed, sizeof(b->seed));
    b->at += n;
    return (ssize_t)n;
}

static struct digest
digest_of(uint64_t seed, uint64_t size)
{
    struct body b = { .seed = seed, .size = size };
    struct err err = { 0 };
    struct hasher h;
    struct digest d;
    static __thread uint8_t p[65536];

    hasher_init(&h, DIGEST_SHA256);
    for (ssize_t n; (n = body_source(&b, p, sizeof(p), &err)) > 0;)
        hasher_add(&h, p, (size_t)n);
    hasher_end(&h, &d);
    return d;
}

static double
cpu_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
stop(const struct err *err)
{
    fprintf(stderr, "bench-store: %s (%s)\n", err->msg, err->detail);
    exit(1);
}

struct work {
    struct blobs *bs;
    struct database *database;
    const struct digest *want;
    uint64_t from, count, size;
    bool session;
};

static void
push_one(const struct work *w, uint64_t i)
{
    struct body b = { .seed = w->from + i, .size = w->size };
    struct err err = { 0 };
    OWN(upload) up = NULL;
    char id[ID_LEN + 1];
    uint64_t n;
    int r;

    if (!w->session) {
        r = blob_put(w->bs, body_source, &b, (int64_t)b.size, &w->want[i], &n, &err);
    } else {
        id_new(id);
        r = upload_new(w->bs, id, &err);
        if (r == 0 && (r = upload_open(w->bs, id, &up, &err)) == 0 &&
            (r = upload_feed(up, body_source, &b, (int64_t)b.size, &n, &err)) == 0)
            r = upload_commit(up, &w->want[i], &err);
    }
    if (r != 0)
        stop(&err);
}

static void *
push_all(void *arg)
{
    const struct work *w = arg;

    for (uint64_t i = 0; i < w->count; i++)
        push_one(w, i);
    return NULL;
}

/* Run ${fn} on ${threads} threads that share ${all}; print rate and CPU. */
static void
run(const char *what, void *(*fn)(void *), const struct work *all, unsigned threads)
{
    struct work w[64];
    pthread_t ids[64];
    double cpu = cpu_seconds(), seconds, bytes = (double)(all->count * all->size);
    int64_t begin = clock_mono_us();

    for (unsigned i = 0; i < threads; i++) {
        w[i] = *all;
        w[i].count = all->count / threads;
        w[i].from = all->from + i * w[i].count;
        w[i].want = all->want != NULL ? all->want + i * w[i].count : NULL;
        if (pthread_create(&ids[i], NULL, fn, &w[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < threads; i++)
        (void)pthread_join(ids[i], NULL);
    seconds = (double)(clock_mono_us() - begin) / 1e6;
    cpu = cpu_seconds() - cpu;
    printf("%-44s %2u threads %9.0f/s %8.1f us CPU each", what, threads,
           (double)all->count / seconds, cpu * 1e6 / (double)all->count);
    if (bytes > 1e8)
        printf(" %7.0f MB/s %5.2f CPU s/GiB", bytes / seconds / 1e6, cpu / (bytes / (1 << 30)));
    printf("\n");
}

static void
forget(struct blobs *bs, const struct digest *want, uint64_t n)
{
    struct err err = { 0 };

    for (uint64_t i = 0; i < n; i++)
        if (blob_remove(bs, &want[i], &err) < 0)
            stop(&err);
}

/* New bytes each time and nothing removed: ext4 searches long for inodes just after removals. */
static void
bench_small(struct blobs *bs)
{
    static struct digest want[SMALLS];
    static const unsigned threads[] = { 1, 8, 1, 8 };
    uint64_t from = 1000;

    for (unsigned i = 0; i < 8; i++, from += SMALLS) {
        struct work w = {
            .bs = bs, .want = want, .from = from, .count = SMALLS, .size = 4096, .session = i % 2
        };

        for (uint64_t k = 0; k < SMALLS; k++)
            want[k] = digest_of(from + k, 4096);
        run(w.session ? "4 KiB blob through a session" : "4 KiB blob in one request", push_all, &w,
            threads[i / 2]);
    }
}

static void
bench_large(struct blobs *bs)
{
    static struct digest want[4];
    struct work w = { .bs = bs, .want = want, .count = 1, .size = LARGE, .session = true };

    for (uint64_t i = 0; i < 4; i++)
        want[i] = digest_of(i, LARGE);
    for (unsigned round = 0; round < 5; round++) {
        run("256 MiB blob through a session", push_all, &w, 1);
        forget(bs, want, 1);
    }
    w.count = 4;
    run("256 MiB blobs through sessions", push_all, &w, 4);
    forget(bs, want, 4);
}

static int
insert(struct db *db, void *arg, struct err *err)
{
    return db_run(db, err, "INSERT INTO thing (id, body) VALUES ($1, $2)", DB_INT(*(int64_t *)arg),
                  DB_STR("a row of about a hundred bytes, as a tag or a "
                         "link between manifest and blob would be")) < 0
               ? -1
               : 0;
}

static void *
write_all(void *arg)
{
    const struct work *w = arg;
    struct err err = { 0 };

    for (uint64_t i = 0; i < w->count; i++) {
        int64_t id = (int64_t)(w->from + i);

        if (database_write(w->database, insert, &id, &err) < 0)
            stop(&err);
    }
    return NULL;
}

static void *
read_all(void *arg)
{
    const struct work *w = arg;
    struct err err = { 0 };

    for (uint64_t i = 0; i < w->count; i++) {
        DB_ROWS(rows);

        if (db_one(database_reader(w->database), &rows, &err,
                   "SELECT body FROM thing WHERE id = $1",
                   DB_INT((int64_t)(w->from + i) * 7919 % 20000)) != 1 ||
            db_text(&rows, 0).n == 0)
            stop(&err);
    }
    return NULL;
}

static void
bench_database(const char *dir)
{
    static const struct migration steps[] = {
        { "bench", 1, "CREATE TABLE thing (id BIGINT PRIMARY KEY, body TEXT)" },
        { NULL, 0, NULL },
    };
    static const struct migration *const sets[] = { steps, NULL };
    char path[512];
    struct err err = { 0 };
    int64_t begin = clock_mono_us();

    (void)snprintf(path, sizeof(path), "%s/bench.db", dir);
    OWN(database) d = database_open(path, sets, &err);
    if (d == NULL)
        stop(&err);
    printf("database_open() of a new file %.1f ms\n", (double)(clock_mono_us() - begin) / 1e3);
    run("durable change", write_all, &(struct work){ .database = d, .count = 4000 }, 1);
    run("durable change", write_all, &(struct work){ .database = d, .from = 4000, .count = 16000 },
        16);
    for (int i = 0; i < 2; i++) {
        run("point select", read_all, &(struct work){ .database = d, .count = 200000 }, 1);
        run("point select", read_all, &(struct work){ .database = d, .count = 200000 }, 2);
    }
}

int
main(int argc, char **argv)
{
    struct err err = { 0 };
    OWN_FD dir = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (dir < 0) {
        fprintf(stderr, "usage: bench-store DIR\n");
        return 2;
    }
    id_random(pattern, sizeof(pattern));
    OWN(blobs) bs = blobs_open(dir, NULL, NULL, &err);
    if (bs == NULL)
        stop(&err);
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_database(argv[1]);
    bench_small(bs);
    bench_large(bs);
    return 0;
}
