#include "store/intake.h"

#include <errno.h>
#include <pthread.h>

#include "store/disk.h"
#include "store/stage.h"

#define SMALL 16384

/* One body under way. */
struct body {
    struct intake *in;
    blob_source *source;
    void *ctx;
    uint64_t room;   /* bytes that may still come */
    bool announced;  /* room is what the client said, not our limit */
    bool no_direct;  /* the file system refused O_DIRECT */
    bool direct_now; /* O_DIRECT is set */
    bool ended;
};

/* Between receiver, hash and write: each counts the blocks it is done with. */
struct ring {
    struct body *body;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint8_t *blocks[INTAKE_RING];
    size_t lengths[INTAKE_RING];
    uint64_t filled, hashed, written;
    bool closed;
    int failure; /* of the writer: -errno */
    int running;
};

static int
write_all(const struct intake *in, const uint8_t *p, size_t n, uint64_t at)
{
    while (n > 0) {
        ssize_t w;

        disk_step(in->disk, "upload.write");
        w = in->disk->write(in->fd, p, n, (off_t)at);
        if (w <= 0)
            return w < 0 ? (int)w : -EIO;
        p += w;
        n -= (size_t)w;
        at += (uint64_t)w;
    }
    return 0;
}

/* O_DIRECT on or off; where it cannot be had the page cache serves. */
static int
set_direct(struct body *b, bool on)
{
    int r;

    if (b->direct_now == on || (on && b->no_direct))
        return 0;
    r = b->in->disk->direct(b->in->fd, on);
    if (r == -EINVAL && on) {
        b->no_direct = true;
        return 0;
    }
    if (r == 0)
        b->direct_now = on;
    return r;
}

/* A block at an aligned offset: whole pages past the page cache, what is left over through it. */
static int
write_large(struct body *b, const uint8_t *p, size_t n, uint64_t at)
{
    size_t pages = n - n % STAGE_ALIGN;
    int r = pages > 0 ? set_direct(b, true) : 0;

    if (r == 0)
        r = write_all(b->in, p, pages, at);
    if (r == -EINVAL && b->direct_now) {
        b->no_direct = true;
        if ((r = set_direct(b, false)) == 0)
            r = write_all(b->in, p, pages, at);
    }
    if (r == 0 && n > pages && (r = set_direct(b, false)) == 0)
        r = write_all(b->in, p + pages, n - pages, at + pages);
    return r;
}

static int
cannot_write(struct err *err, int r)
{
    return err_sys(err, -r, r == -ENOSPC ? "no space left for blobs" : "cannot write the blob");
}

static int
too_much(const struct body *b, struct err *err)
{
    if (b->announced)
        return err_code(err, ERR_INVALID, "SIZE_INVALID", "the body is longer than announced");
    return err_code(err, ERR_TOO_LARGE, "SIZE_INVALID", "a blob may have at most %llu bytes",
                    (unsigned long long)b->in->max);
}

/* Up to ${n} bytes from the source, fewer only at its end. */
static int
fill(struct body *b, uint8_t *p, size_t n, size_t *got, struct err *err)
{
    size_t have = 0;

    while (have < n && !b->ended) {
        ssize_t r = b->source(b->ctx, p + have, n - have, err);

        if (r < 0)
            return err_set(err, ERR_CLOSED, "the body ended early");
        if (r == 0)
            b->ended = true;
        if ((uint64_t)r > b->room)
            return too_much(b, err);
        b->room -= (uint64_t)r;
        have += (size_t)r;
    }
    *got = have;
    return 0;
}

/* Receive, hash and write one piece on this thread. */
static int
pass(struct body *b, uint8_t *p, size_t n, bool large, struct err *err)
{
    struct intake *in = b->in;
    size_t got;
    int r;

    if (fill(b, p, n, &got, err) < 0)
        return -1;
    hasher_add(in->hash, p, got);
    r = large ? write_large(b, p, got, in->offset) : write_all(in, p, got, in->offset);
    if (r < 0)
        return cannot_write(err, r);
    in->offset += got;
    return 0;
}

static void
move(struct ring *ring, uint64_t *counter, int failure)
{
    (void)pthread_mutex_lock(&ring->lock);
    *counter += 1;
    if (failure < 0 && ring->failure == 0)
        ring->failure = failure;
    (void)pthread_cond_broadcast(&ring->moved);
    (void)pthread_mutex_unlock(&ring->lock);
}

/* Wait for block number ${at}: false when it will not come. */
static bool
wait_filled(struct ring *ring, uint64_t at)
{
    bool there;

    (void)pthread_mutex_lock(&ring->lock);
    while (ring->filled <= at && !ring->closed)
        (void)pthread_cond_wait(&ring->moved, &ring->lock);
    there = ring->filled > at && ring->failure == 0;
    (void)pthread_mutex_unlock(&ring->lock);
    return there;
}

/* The last word of a stage: the receiver may take the ring down after it. */
static void
leave(struct ring *ring)
{
    (void)pthread_mutex_lock(&ring->lock);
    ring->running--;
    (void)pthread_cond_broadcast(&ring->moved);
    (void)pthread_mutex_unlock(&ring->lock);
}

static void
hash_stage(void *arg)
{
    struct ring *ring = arg;

    for (uint64_t at = 0; wait_filled(ring, at); at++) {
        hasher_add(ring->body->in->hash, ring->blocks[at % INTAKE_RING],
                   ring->lengths[at % INTAKE_RING]);
        move(ring, &ring->hashed, 0);
    }
    leave(ring);
}

static void
write_stage(void *arg)
{
    struct ring *ring = arg;
    uint64_t offset = ring->body->in->offset;

    for (uint64_t at = 0; wait_filled(ring, at); at++) {
        size_t n = ring->lengths[at % INTAKE_RING];
        int r = write_large(ring->body, ring->blocks[at % INTAKE_RING], n, offset);

        offset += n;
        move(ring, &ring->written, r);
    }
    leave(ring);
}

/* A free block to receive into, or NULL after a failure of the writer. */
static uint8_t *
wait_free(struct ring *ring)
{
    uint8_t *block;

    (void)pthread_mutex_lock(&ring->lock);
    while (ring->failure == 0 && (ring->filled - ring->hashed == INTAKE_RING ||
                                  ring->filled - ring->written == INTAKE_RING))
        (void)pthread_cond_wait(&ring->moved, &ring->lock);
    block = ring->failure == 0 ? ring->blocks[ring->filled % INTAKE_RING] : NULL;
    (void)pthread_mutex_unlock(&ring->lock);
    return block;
}

static int
receive(struct ring *ring, uint64_t *total, struct err *err)
{
    uint8_t *block;
    size_t n;

    while (!ring->body->ended && (block = wait_free(ring)) != NULL) {
        if (fill(ring->body, block, STAGE_BLOCK, &n, err) < 0)
            return -1;
        if (n == 0)
            break;
        ring->lengths[ring->filled % INTAKE_RING] = n;
        *total += n;
        move(ring, &ring->filled, 0);
    }
    return 0;
}

static int
close_ring(struct ring *ring)
{
    int r;

    (void)pthread_mutex_lock(&ring->lock);
    ring->closed = true;
    (void)pthread_cond_broadcast(&ring->moved);
    while (ring->running > 0)
        (void)pthread_cond_wait(&ring->moved, &ring->lock);
    r = ring->failure;
    (void)pthread_mutex_unlock(&ring->lock);
    return r;
}

static bool
take_blocks(struct ring *ring, struct stages *stages)
{
    for (int i = 0; i < INTAKE_RING; i++)
        if ((ring->blocks[i] = stages_take(stages)) == NULL)
            return false;
    return true;
}

static bool
start_stages(struct ring *ring, struct stages *stages)
{
    ring->running = 2;
    if (!stages_run(stages, hash_stage, ring)) {
        ring->running = 0;
        return false;
    }
    if (stages_run(stages, write_stage, ring))
        return true;
    leave(ring);
    (void)close_ring(ring);
    return false;
}

/* 0, -1, or 1: no stages to be had, nothing was received, go on in line. */
static int
run_staged(struct body *b, struct err *err)
{
    struct stages *stages = b->in->stages;
    struct ring ring = { .body = b };
    uint64_t total = 0;
    int r = 1;

    if (!stages_begin(stages))
        return 1;
    (void)pthread_mutex_init(&ring.lock, NULL);
    (void)pthread_cond_init(&ring.moved, NULL);
    if (take_blocks(&ring, stages) && start_stages(&ring, stages)) {
        int failure;

        r = receive(&ring, &total, err);
        failure = close_ring(&ring);
        if (r == 0 && failure < 0)
            r = cannot_write(err, failure);
        if (r == 0)
            b->in->offset += total;
    }
    for (int i = 0; i < INTAKE_RING; i++)
        stages_give(stages, ring.blocks[i]);
    (void)pthread_mutex_destroy(&ring.lock);
    (void)pthread_cond_destroy(&ring.moved);
    stages_end(stages);
    return r;
}

/* The part of a large body that is left, from an offset that O_DIRECT can begin at. */
static int
run_large(struct body *b, uint8_t *block, struct err *err)
{
    size_t over = (size_t)(b->in->offset % STAGE_ALIGN);
    int r, direct;

    if (over != 0 && pass(b, block, STAGE_ALIGN - over, false, err) < 0)
        return -1;
    if ((r = run_staged(b, err)) > 0)
        for (r = 0; r == 0 && !b->ended;)
            r = pass(b, block, STAGE_BLOCK, true, err);
    direct = set_direct(b, false);
    if (r == 0 && direct < 0)
        r = cannot_write(err, direct);
    return r;
}

/* One block, through the page cache, until the body proves to be large. */
static int
run_medium(struct body *b, uint64_t begin, bool large, struct err *err)
{
    uint8_t *block = stages_take(b->in->stages);
    int r = 0;

    if (block == NULL)
        return err_memory(err);
    while (r == 0 && !b->ended && !large) {
        r = pass(b, block, STAGE_BLOCK, false, err);
        large = b->in->offset - begin > b->in->large;
    }
    if (r == 0 && !b->ended)
        r = run_large(b, block, err);
    stages_give(b->in->stages, block);
    return r;
}

static int
run_small(struct body *b, struct err *err)
{
    _Alignas(64) uint8_t small[SMALL];

    return pass(b, small, sizeof(small), false, err);
}

int
intake_run(struct intake *in, blob_source *source, void *ctx, int64_t length, uint64_t *n,
           struct err *err)
{
    struct body b = { .in = in, .source = source, .ctx = ctx, .room = in->max - in->offset };
    uint64_t begin = in->offset;

    if (length >= 0) {
        if ((uint64_t)length > b.room)
            return too_much(&b, err);
        b.room = (uint64_t)length;
        b.announced = true;
    }
    if (length <= SMALL && run_small(&b, err) < 0)
        return -1;
    if (!b.ended && run_medium(&b, begin, length > 0 && (uint64_t)length > in->large, err) < 0)
        return -1;
    if (b.announced && b.room > 0)
        return err_code(err, ERR_INVALID, "SIZE_INVALID", "the body is shorter than announced");
    *n = in->offset - begin;
    return 0;
}
