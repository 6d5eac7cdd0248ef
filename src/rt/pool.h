/*
 * pool.h - threads that run jobs which may block; as many as there is work for, up to a limit.
 *
 * Invariants:
 *   P1  a job that was accepted runs exactly once, also when the pool is freed right after;
 *   P2  never more than max threads; beyond them queue_max jobs wait, the next one is refused;
 *   P3  threads above min that had nothing to do for POOL_IDLE_MS end, and give their stacks back.
 *
 * Threads: pool_submit() from any thread, jobs included; pool_free() from none of the pool's own.
 * Jobs have POOL_STACK bytes of stack, and no signals.
 */
#ifndef RT_POOL_H
#define RT_POOL_H

#include <stddef.h>

#include "base/err.h"
#include "base/own.h"

#define POOL_STACK       ((size_t)256 * 1024)
#define POOL_IDLE_MS     5000
#define POOL_THREADS_MAX 1024

struct pool;

typedef void pool_job(void *arg);

/* pool_new(name, min, max, queue_max, err): ${name} (15 bytes) is shown by ps -L and top -H. */
MUST_CHECK struct pool *pool_new(const char *name, unsigned min, unsigned max, size_t queue_max,
                                 struct err *err);

/* pool_free(pool): run what was accepted, then end. */
void pool_free(struct pool *pool);
DEFINE_OWN(pool);

/* pool_submit(pool, job, arg, err): ERR_BUSY when all threads are busy and the queue is full. */
MUST_CHECK int pool_submit(struct pool *pool, pool_job *job, void *arg, struct err *err);

struct pool_state {
    unsigned threads;
    unsigned busy;
    size_t queued;
};

void pool_look(struct pool *pool, struct pool_state *out); /* for metrics and tests */

#endif /* RT_POOL_H */
