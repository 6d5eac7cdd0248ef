/*
 * reconcile.h - after any death of runnerd or of the machine: what is there, and what should be.
 *
 * Groups that were ready keep running or are brought up again; half made and half removed ones are
 * removed; then everything with our tag that belongs to no group: slots, folders, cgroups,
 * interfaces, packet rules.
 */
#ifndef RUNNER_RECONCILE_H
#define RUNNER_RECONCILE_H

#include "base/err.h"
#include "runner/group.h"

MUST_CHECK int reconcile(struct host *h, struct err *err);

/* reconcile_leave(h): without any group, take bridge and tables away too. */
void reconcile_leave(struct host *h);

#endif /* RUNNER_RECONCILE_H */
