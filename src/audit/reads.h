/*
 * reads.h - equal reads of the last second, merged: the fast way into the log (U3).
 *
 * Every thread notes into a stripe of its own, under a lock that nobody else holds for long; the
 * writer of the log drains the stripes and merges what is equal across them.
 *
 * Invariants:
 *   R1  reads_note() allocates nothing, does no I/O, and waits for nothing but a copy of a stripe's
 *       few words;
 *   R2  every read noted is in exactly one drained record's count, or in the number of drops.
 * Threads: reads_note() from any thread; the others from the one that writes.
 */
#ifndef AUDIT_READS_H
#define AUDIT_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/audit.h"
#include "base/own.h"

#define READS_STRIPES     16
#define READS_PER_STRIPE  128                 /* different reads a thread may make between drains */
#define READS_STRIPE_POOL ((size_t)64 * 1024) /* bytes of their texts */

struct reads;

struct reads *reads_new(void); /* NULL when out of memory */
void reads_free(struct reads *reads);
DEFINE_OWN(reads);

/* reads_note(rs, r): true when the stripe is nearly full: a drain should come soon. */
bool reads_note(struct reads *reads, const struct audit_record *r);

/* reads_drain(rs): move what was noted to the merged records, which stay until reads_written(). */
void reads_drain(struct reads *reads);
size_t reads_count(const struct reads *reads);
const struct audit_record *reads_at(const struct reads *reads, size_t i);
uint64_t reads_dropped(const struct reads *reads); /* and not recorded yet */

/* reads_written(rs): the merged records and the drops that reads_dropped() told are durable. */
void reads_written(struct reads *reads);

#endif /* AUDIT_READS_H */
