#include "instances/jobs.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#define THREADS_MAX 8

struct job {
    struct job *next;
    char name[ID_LEN + 1];
    int64_t due_us; /* clock_mono_us() */
    bool running;
    bool again; /* asked for while it ran */
};

struct jobs {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    struct job *list; /* waiting and running ones, in order of arrival */
    bool ending;
    jobs_work *work;
    void *self;
    pthread_t threads[THREADS_MAX];
    unsigned n_threads;
};

static struct job **
find(struct jobs *jobs, const char *name)
{
    struct job **at = &jobs->list;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

/* The first that is due, or NULL and when the next one will be. */
static struct job *
next_due(struct jobs *jobs, int64_t *when)
{
    int64_t now = clock_mono_us();

    *when = INT64_MAX;
    for (struct job *job = jobs->list; job != NULL; job = job->next) {
        if (job->running)
            continue;
        if (job->due_us <= now)
            return job;
        if (job->due_us < *when)
            *when = job->due_us;
    }
    return NULL;
}

static void
wait_until(struct jobs *jobs, int64_t when)
{
    struct timespec t = { (time_t)(when / 1000000), (long)(when % 1000000) * 1000 };

    if (when == INT64_MAX)
        (void)pthread_cond_wait(&jobs->changed, &jobs->lock);
    else
        (void)pthread_cond_timedwait(&jobs->changed, &jobs->lock, &t);
}

static void
finish(struct jobs *jobs, struct job *job, unsigned retry_ms)
{
    struct job **at;

    job->running = false;
    if (job->again || retry_ms > 0) {
        job->due_us = clock_mono_us() + (job->again ? 0 : (int64_t)retry_ms * 1000);
        job->again = false;
        (void)pthread_cond_broadcast(&jobs->changed);
        return;
    }
    at = find(jobs, job->name);
    *at = job->next;
    mem_free(job);
}

static void *
run(void *arg)
{
    struct jobs *jobs = arg;
    int64_t when;

    (void)pthread_mutex_lock(&jobs->lock);
    while (!jobs->ending) {
        struct job *job = next_due(jobs, &when);
        unsigned retry_ms;

        if (job == NULL) {
            wait_until(jobs, when);
            continue;
        }
        job->running = true;
        (void)pthread_mutex_unlock(&jobs->lock);
        retry_ms = jobs->work(jobs->self, job->name);
        (void)pthread_mutex_lock(&jobs->lock);
        finish(jobs, job, retry_ms);
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

static int
start_condition(struct jobs *jobs, struct err *err)
{
    pthread_condattr_t attr;

    if (pthread_condattr_init(&attr) != 0)
        return err_memory(err);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (pthread_cond_init(&jobs->changed, &attr) != 0) {
        (void)pthread_condattr_destroy(&attr);
        return err_memory(err);
    }
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&jobs->lock, NULL);
    return 0;
}

struct jobs *
jobs_new(unsigned threads, jobs_work *work, void *self, struct err *err)
{
    OWN_MEM(struct jobs) blank = mem_zalloc(sizeof(*blank));
    struct jobs *jobs;

    if (blank == NULL || start_condition(blank, err) != 0) {
        (void)err_memory(err);
        return NULL;
    }
    jobs = GIVE(blank);
    jobs->work = work;
    jobs->self = self;
    for (unsigned i = 0; i < threads && i < THREADS_MAX; i++) {
        int failed = pthread_create(&jobs->threads[i], NULL, run, jobs);

        if (failed != 0) {
            (void)err_sys(err, failed, "cannot start a thread");
            jobs_free(jobs);
            return NULL;
        }
        jobs->n_threads++;
    }
    return jobs;
}

void
jobs_free(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    (void)pthread_mutex_lock(&jobs->lock);
    jobs->ending = true;
    (void)pthread_cond_broadcast(&jobs->changed);
    (void)pthread_mutex_unlock(&jobs->lock);
    for (unsigned i = 0; i < jobs->n_threads; i++)
        (void)pthread_join(jobs->threads[i], NULL);
    while (jobs->list != NULL) {
        struct job *job = jobs->list;

        jobs->list = job->next;
        mem_free(job);
    }
    (void)pthread_cond_destroy(&jobs->changed);
    (void)pthread_mutex_destroy(&jobs->lock);
    mem_free(jobs);
}

void
jobs_add(struct jobs *jobs, const char *name)
{
    struct job **at;

    (void)pthread_mutex_lock(&jobs->lock);
    at = find(jobs, name);
    if (*at == NULL) {
        *at = mem_zalloc(sizeof(**at));
        if (*at != NULL)
            (void)text_copy(text_of(name), (*at)->name, sizeof((*at)->name));
    } else if ((*at)->running) {
        (*at)->again = true;
    } else {
        (*at)->due_us = 0;
    }
    (void)pthread_cond_broadcast(&jobs->changed);
    (void)pthread_mutex_unlock(&jobs->lock);
}
