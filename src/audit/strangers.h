/*
 * strangers.h - how many records of its own an address may have that nobody has signed in from.
 *
 * To be nobody costs nothing, and each record costs the disk for ever: without a limit, one client
 * without any rights fills it.  What is beyond the limit is counted, not forgotten (audit.h, U7).
 *
 * Invariants:
 *   S1  an address at rest has STRANGERS_BURST records at hand, and gets one more every
 *       STRANGERS_STEP_US;
 *   S2  IPv6 addresses of one /64 are one address, as they are for its connections;
 *   S3  memory is fixed: addresses that collide share, and nobody outside can choose with whom.
 * Threads: any; nothing waits.
 */
#ifndef AUDIT_STRANGERS_H
#define AUDIT_STRANGERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "base/text.h"

#define STRANGERS_SLOTS   4096
#define STRANGERS_BURST   200
#define STRANGERS_STEP_US INT64_C(1000000)

struct strangers;

struct strangers *strangers_new(void); /* NULL when out of memory */
void strangers_free(struct strangers *s);
DEFINE_OWN(strangers);

/* strangers_take(s, address, now): true: one more record, taken from what is at hand. */
bool strangers_take(struct strangers *s, struct text address, int64_t now_us);

#endif /* AUDIT_STRANGERS_H */
