/*
 * crash.h - tests end the daemon at a chosen step, to see that nothing is lost or half done.
 *
 * --crash-at STEP:COUNT (not in --help): the COUNT-th time the step is reached, SIGKILL.
 */
#ifndef DAEMON_CRASH_H
#define DAEMON_CRASH_H

#include "base/err.h"

/* crash_arm(spec, err): ${spec} is kept; before threads. */
MUST_CHECK int crash_arm(const char *spec, struct err *err);

/* crash_step(step): what the rooms' seams are given. */
void crash_step(const char *step);

#endif /* DAEMON_CRASH_H */
