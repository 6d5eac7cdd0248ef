/*
 * probe.h - which runtime works here, found by running a container, and remembered.
 *
 * Remembered is the row's name with path, size and time of the program: another program is tried
 * anew.
 */
#ifndef RUNNER_PROBE_H
#define RUNNER_PROBE_H

#include "base/err.h"
#include "runner/group.h"

/* probe_runtime(h, wanted, err): sets h->runtime; ${wanted}: only that row, or NULL for all. */
MUST_CHECK int probe_runtime(struct host *h, const char *wanted, struct err *err);

#endif /* RUNNER_PROBE_H */
