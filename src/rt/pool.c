#include "rt/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"

struct queued {
    pool_job *job;
    void *arg;
};

enum worker_state {
    WORKER_NONE, /* the slot is free */
    WORKER_LIVES,
    WORKER_ENDED, /* to be joined */
};

struct worker {
    struct pool *pool;
    pthread_t thread;
    enum worker_state state;
};

/* All but the settings is guarded by the lock; no job runs under it. */
struct pool {
    char name[16];
    unsigned min;
    unsigned max;
    size_t queue_max;

    pthread_mutex_t lock;
    pthread_cond_t work; /* a job was queued, or the pool is ending */
    pthread_cond_t ended;
    bool ending;
    struct queued *queue; /* a ring of ring_size */
    size_t ring_size;
    size_t first;
    size_t queued;
    unsigned threads;
    unsigned idle;
    struct worker *workers; /* max of them */
};

/* An idle thread waits.  True: there is a job, and the thread counts as busy; false: end. */
static bool
wait_for_work(struct pool *p)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += POOL_IDLE_MS / 1000;
    until.tv_nsec += (POOL_IDLE_MS % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    while (p->queued == 0 && !p->ending) {
        if (pthread_cond_timedwait(&p->work, &p->lock, &until) == ETIMEDOUT && p->queued == 0 &&
            p->threads > p->min) {
            p->idle--;
            return false;
        }
        if (p->threads <= p->min && p->queued == 0 && !p->ending)
            (void)pthread_cond_wait(&p->work, &p->lock);
    }
    p->idle--;
    return p->queued > 0;
}

static void *
work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;

    (void)pthread_setname_np(pthread_self(), p->name);
    (void)pthread_mutex_lock(&p->lock);
    while (wait_for_work(p)) {
        struct queued q = p->queue[p->first];

        p->first = (p->first + 1) % p->ring_size;
        p->queued--;
        (void)pthread_mutex_unlock(&p->lock);
        q.job(q.arg);
        (void)pthread_mutex_lock(&p->lock);
        p->idle++;
    }
    p->threads--;
    w->state = WORKER_ENDED;
    (void)pthread_cond_signal(&p->ended);
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int
create_thread(pthread_t *thread, struct worker *w)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int rc;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, POOL_STACK);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(thread, &attr, work, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return rc;
}

/* Under the lock.  Return 0, or an errno. */
static int
add_thread(struct pool *p)
{
    struct worker *w = p->workers;
    int rc;

    while (w->state == WORKER_LIVES)
        w++;
    if (w->state == WORKER_ENDED) /* it has nothing left to do but return */
        (void)pthread_join(w->thread, NULL);
    w->state = WORKER_NONE;
    w->pool = p;
    if ((rc = create_thread(&w->thread, w)) != 0)
        return rc;
    w->state = WORKER_LIVES;
    p->threads++;
    p->idle++;
    return 0;
}

static void
init_locks(struct pool *p)
{
    pthread_condattr_t attr;

    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&p->work, &attr);
    (void)pthread_cond_init(&p->ended, &attr);
    (void)pthread_condattr_destroy(&attr);
}

struct pool *
pool_new(const char *name, unsigned min, unsigned max, size_t queue_max, struct err *err)
{
    struct pool *p;

    if (max == 0 || min > max || max > POOL_THREADS_MAX) {
        (void)err_set(err, ERR_INVALID, "a pool has 1 to %d threads", POOL_THREADS_MAX);
        return NULL;
    }
    if ((p = mem_zalloc(sizeof(*p))) == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    init_locks(p);
    (void)snprintf(p->name, sizeof(p->name), "%s", name);
    p->min = min;
    p->max = max;
    p->queue_max = queue_max;
    p->ring_size = queue_max + max; /* room for what idle threads have not taken up yet */
    p->queue = mem_zalloc(p->ring_size * sizeof(*p->queue));
    p->workers = mem_zalloc(max * sizeof(*p->workers));
    if (p->queue == NULL || p->workers == NULL) {
        (void)err_memory(err);
        pool_free(p);
        return NULL;
    }
    return p;
}

void
pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->ending = true;
    (void)pthread_cond_broadcast(&p->work);
    while (p->threads > 0)
        (void)pthread_cond_wait(&p->ended, &p->lock);
    (void)pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; p->workers != NULL && i < p->max; i++)
        if (p->workers[i].state != WORKER_NONE)
            (void)pthread_join(p->workers[i].thread, NULL);
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_cond_destroy(&p->ended);
    mem_free(p->queue);
    mem_free(p->workers);
    mem_free(p);
}

/* Under the lock. */
static int
enqueue(struct pool *p, pool_job *job, void *arg, struct err *err)
{
    int rc = 0;

    if (p->queued >= p->idle + (p->max - p->threads) + p->queue_max)
        return err_set(err, ERR_BUSY, "too much work at once; try again in a moment");
    if (p->queued >= p->idle && p->threads < p->max && (rc = add_thread(p)) != 0 && p->threads == 0)
        return err_sys(err, rc, "cannot start a thread");
    p->queue[(p->first + p->queued) % p->ring_size] = (struct queued){ job, arg };
    p->queued++;
    (void)pthread_cond_signal(&p->work);
    return 0;
}

int
pool_submit(struct pool *p, pool_job *job, void *arg, struct err *err)
{
    int rc;

    (void)pthread_mutex_lock(&p->lock);
    rc = enqueue(p, job, arg, err);
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

void
pool_look(struct pool *p, struct pool_state *out)
{
    (void)pthread_mutex_lock(&p->lock);
    *out = (struct pool_state){ p->threads, p->threads - p->idle, p->queued };
    (void)pthread_mutex_unlock(&p->lock);
}
