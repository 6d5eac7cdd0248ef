/*
 * jobs.h - a few threads that work on named things, one at a time per name.
 *
 * Invariants:
 *   J1  work on one name never runs twice at once, and runs again when it was asked for meanwhile;
 *   J2  a name waits in the queue at most once.
 * Threads: any.
 */
#ifndef INSTANCES_JOBS_H
#define INSTANCES_JOBS_H

#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/own.h"

struct jobs;

/* Work on ${name}; return 0 when done, or milliseconds after which to try again. */
typedef unsigned jobs_work(void *self, const char *name);

MUST_CHECK struct jobs *jobs_new(unsigned threads, jobs_work *work, void *self, struct err *err);
void jobs_free(struct jobs *jobs); /* waits for work under way; what is queued is dropped */
DEFINE_OWN(jobs);

/* jobs_add(j, name): soon.  Out of memory the name is dropped: the next reconciliation finds it. */
void jobs_add(struct jobs *jobs, const char *name);

#endif /* INSTANCES_JOBS_H */
