/*
 * crash.h - named places where a test may kill this process, as a power cut or kill -9 would.
 *
 * runnerd --crash-at STEP:COUNT dies by SIGKILL the COUNT-th time it comes to STEP.  The table in
 * crash.c is the whole list; `runnerd --crash-steps` prints it, and the sweep test goes through it.
 */
#ifndef RUNNER_CRASH_H
#define RUNNER_CRASH_H

#include "base/err.h"
#include "base/text.h"

/* crash_arm("STEP:COUNT"), before anything else runs. */
MUST_CHECK int crash_arm(const char *what, struct err *err);
void crash_point(const char *step);

/* crash_step(i): the name of the i-th place, or NULL. */
const char *crash_step(unsigned i);

#endif /* RUNNER_CRASH_H */
