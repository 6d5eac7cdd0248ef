#include "identity/turn.h"

void
turn_init(struct turn *t, unsigned at_once, unsigned waiting_max)
{
    *t = (struct turn){ .at_once = at_once, .waiting_max = waiting_max };
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->freed, NULL);
}

void
turn_done(struct turn *t)
{
    (void)pthread_cond_destroy(&t->freed);
    (void)pthread_mutex_destroy(&t->lock);
}

int
turn_take(struct turn *t, struct err *err)
{
    int result = 0;

    (void)pthread_mutex_lock(&t->lock);
    if (t->running == t->at_once && t->waiting == t->waiting_max) {
        result = err_set(err, ERR_BUSY, "too many sign-ins at once: try again in a moment");
    } else {
        t->waiting++;
        while (t->running == t->at_once)
            (void)pthread_cond_wait(&t->freed, &t->lock);
        t->waiting--;
        t->running++;
    }
    (void)pthread_mutex_unlock(&t->lock);
    return result;
}

void
turn_give(struct turn *t)
{
    (void)pthread_mutex_lock(&t->lock);
    t->running--;
    (void)pthread_cond_signal(&t->freed);
    (void)pthread_mutex_unlock(&t->lock);
}
