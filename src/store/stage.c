#include "store/stage.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "base/mem.h"

#define STACK_BYTES ((size_t)128 << 10)

/* A free block holds the way to the next one in its first bytes. */
struct block {
    struct block *next;
};

struct job {
    void (*fn)(void *arg);
    void *arg;
};

struct stages {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a job is there, or stopping */
    pthread_cond_t ended;
    struct job *jobs; /* a stack of at most 2 * staged_max */
    uint32_t waiting, idle, threads;
    uint32_t staged, staged_max;
    struct block *blocks;
    uint32_t cached;
    bool stopping;
};

struct stages *
stages_new(uint32_t staged_max, struct err *err)
{
    OWN_MEM(struct stages) s = mem_zalloc(sizeof(*s));
    pthread_condattr_t clock;

    if (s == NULL || (s->jobs = mem_zalloc(2 * staged_max * sizeof(*s->jobs))) == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    s->staged_max = staged_max;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->work, &clock);
    (void)pthread_cond_init(&s->ended, NULL);
    (void)pthread_condattr_destroy(&clock);
    return GIVE(s);
}

static void
trim(struct stages *s, uint32_t keep)
{
    while (s->cached > keep) {
        struct block *b = s->blocks;

        s->blocks = b->next;
        s->cached--;
        (void)munmap(b, STAGE_BLOCK);
    }
}

void
stages_free(struct stages *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_cond_broadcast(&s->work);
    while (s->threads > 0)
        (void)pthread_cond_wait(&s->ended, &s->lock);
    trim(s, 0);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_cond_destroy(&s->ended);
    (void)pthread_mutex_destroy(&s->lock);
    mem_free(s->jobs);
    mem_free(s);
}

void *
stages_take(struct stages *s)
{
    struct block *b;

    (void)pthread_mutex_lock(&s->lock);
    if ((b = s->blocks) != NULL) {
        s->blocks = b->next;
        s->cached--;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (b != NULL)
        return b;
    b = mmap(NULL, STAGE_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return b == MAP_FAILED ? NULL : b;
}

void
stages_give(struct stages *s, void *block)
{
    struct block *b = block;

    if (b == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    b->next = s->blocks;
    s->blocks = b;
    s->cached++;
    if (s->threads == 0) /* nobody would trim later */
        trim(s, STAGE_KEPT);
    (void)pthread_mutex_unlock(&s->lock);
}

bool
stages_begin(struct stages *s)
{
    bool granted;

    (void)pthread_mutex_lock(&s->lock);
    granted = s->staged < s->staged_max;
    s->staged += granted;
    (void)pthread_mutex_unlock(&s->lock);
    return granted;
}

void
stages_end(struct stages *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->staged--;
    (void)pthread_mutex_unlock(&s->lock);
}

/* With the lock held: wait for a job; false when idle for too long, or stopping. */
static bool
wait_for_job(struct stages *s)
{
    struct timespec until;
    int r = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STAGE_IDLE_MS / 1000;
    s->idle++;
    while (s->waiting == 0 && !s->stopping && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&s->work, &s->lock, &until);
    s->idle--;
    return s->waiting > 0;
}

static void *
work(void *arg)
{
    struct stages *s = arg;

    (void)pthread_mutex_lock(&s->lock);
    while (wait_for_job(s)) {
        struct job job = s->jobs[--s->waiting];

        (void)pthread_mutex_unlock(&s->lock);
        job.fn(job.arg);
        (void)pthread_mutex_lock(&s->lock);
    }
    if (--s->threads == 0) {
        trim(s, STAGE_KEPT);
        (void)pthread_cond_signal(&s->ended);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static bool
add_thread(struct stages *s)
{
    pthread_attr_t attr;
    pthread_t thread;
    int r;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    r = pthread_create(&thread, &attr, work, s);
    (void)pthread_attr_destroy(&attr);
    s->threads += r == 0;
    return r == 0;
}

bool
stages_run(struct stages *s, void (*fn)(void *arg), void *arg)
{
    bool taken = true;

    (void)pthread_mutex_lock(&s->lock);
    if (s->idle <= s->waiting)
        taken = add_thread(s);
    if (taken) {
        s->jobs[s->waiting++] = (struct job){ fn, arg };
        (void)pthread_cond_signal(&s->work);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return taken;
}
