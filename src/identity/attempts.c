#include "identity/attempts.h"

#include <pthread.h>

#include "base/mem.h"

struct slot {
    unsigned failures;
    int64_t last_us;
    int64_t until_us;
};

struct attempts {
    pthread_mutex_t lock; /* guards slot */
    struct slot slot[ATTEMPTS_SLOTS];
};

struct attempts *
attempts_new(void)
{
    struct attempts *a = mem_zalloc(sizeof(*a));

    if (a != NULL)
        (void)pthread_mutex_init(&a->lock, NULL);
    return a;
}

void
attempts_free(struct attempts *a)
{
    if (a == NULL)
        return;
    (void)pthread_mutex_destroy(&a->lock);
    mem_free(a);
}

static struct slot *
slot_of(struct attempts *a, uint64_t subject)
{
    return &a->slot[subject % ATTEMPTS_SLOTS];
}

int64_t
attempts_wait(struct attempts *a, uint64_t subject, int64_t now_us)
{
    int64_t wait;

    (void)pthread_mutex_lock(&a->lock);
    wait = slot_of(a, subject)->until_us - now_us;
    (void)pthread_mutex_unlock(&a->lock);
    return wait > 0 ? wait : 0;
}

void
attempts_failed(struct attempts *a, uint64_t subject, int64_t now_us)
{
    struct slot *s;

    (void)pthread_mutex_lock(&a->lock);
    s = slot_of(a, subject);
    if (now_us - s->last_us > ATTEMPTS_WINDOW_US)
        s->failures = 0;
    s->last_us = now_us;
    if (++s->failures > ATTEMPTS_FREE) {
        unsigned doublings = s->failures - ATTEMPTS_FREE - 1;
        int64_t wait = doublings < 6 ? ATTEMPTS_WAIT_US << doublings : ATTEMPTS_WAIT_MAX_US;

        s->until_us = now_us + (wait < ATTEMPTS_WAIT_MAX_US ? wait : ATTEMPTS_WAIT_MAX_US);
    }
    (void)pthread_mutex_unlock(&a->lock);
}

void
attempts_succeeded(struct attempts *a, uint64_t subject)
{
    (void)pthread_mutex_lock(&a->lock);
    *slot_of(a, subject) = (struct slot){ 0, 0, 0 };
    (void)pthread_mutex_unlock(&a->lock);
}
