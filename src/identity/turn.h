/*
 * turn.h - at most so many at once, and at most so many waiting.
 *
 * Invariants:
 *   G1  never more than ${at_once} callers are between turn_take() and turn_give();
 *   G2  a caller that would be one too many to wait is told ERR_BUSY at once.
 * Threads: any.
 */
#ifndef IDENTITY_TURN_H
#define IDENTITY_TURN_H

#include <pthread.h>

#include "base/err.h"

struct turn {
    pthread_mutex_t lock; /* guards running and waiting */
    pthread_cond_t freed;
    unsigned running, at_once;
    unsigned waiting, waiting_max;
};

void turn_init(struct turn *t, unsigned at_once, unsigned waiting_max);
void turn_done(struct turn *t);
MUST_CHECK int turn_take(struct turn *t, struct err *err);
void turn_give(struct turn *t);

#endif /* IDENTITY_TURN_H */
