/*
 * attempts.h - wrong credentials are answered later and later.
 *
 * Invariants:
 *   T1  after ATTEMPTS_FREE failures within the window, each further one doubles the wait, up to
 *       ATTEMPTS_WAIT_MAX_US; nothing is checked while it lasts;
 *   T2  one success, or ATTEMPTS_WINDOW_US of silence, forgives everything;
 *   T3  memory is fixed: a subject that collides with another shares its waits.
 * Subjects are codes of (address, user): one attacker cannot lock a user out everywhere.
 * Threads: any.
 */
#ifndef IDENTITY_ATTEMPTS_H
#define IDENTITY_ATTEMPTS_H

#include <stdint.h>

#include "base/own.h"

#define ATTEMPTS_SLOTS       4096
#define ATTEMPTS_FREE        5
#define ATTEMPTS_WINDOW_US   (INT64_C(900) * 1000000)
#define ATTEMPTS_WAIT_US     INT64_C(1000000) /* the first one */
#define ATTEMPTS_WAIT_MAX_US (INT64_C(32) * 1000000)

struct attempts;

struct attempts *attempts_new(void); /* NULL when out of memory */
void attempts_free(struct attempts *a);
DEFINE_OWN(attempts);

/* attempts_wait(a, subject, now): microseconds until it may try again; 0: now. */
int64_t attempts_wait(struct attempts *a, uint64_t subject, int64_t now_us);
void attempts_failed(struct attempts *a, uint64_t subject, int64_t now_us);
void attempts_succeeded(struct attempts *a, uint64_t subject);

#endif /* IDENTITY_ATTEMPTS_H */
