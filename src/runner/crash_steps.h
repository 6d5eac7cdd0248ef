/*
 * crash_steps.h - the places of runnerd at which a test may kill it (base/crash.h).
 *
 * This table is the whole list; `runnerd --crash-steps` prints it, and the sweep tests go through
 * it, so a place that is not in it is not tested: crash_steps_point() knows no other.
 */
#ifndef RUNNER_CRASH_STEPS_H
#define RUNNER_CRASH_STEPS_H

extern const char *const crash_steps[]; /* NULL-terminated */

void crash_steps_point(const char *step);

#endif /* RUNNER_CRASH_STEPS_H */
