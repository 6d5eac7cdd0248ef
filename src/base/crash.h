/*
 * crash.h - named places where a test may kill this process, as a power cut or kill -9 would.
 *
 * A program's hidden option --crash-at takes SPEC: STEP:COUNT, to die the COUNT-th time STEP is
 * reached; or the path of a file that holds STEP:COUNT, looked at whenever a step is reached, so
 * that a test may choose while the process runs.  The file is removed by the death it asks for:
 * one file is one death, in whichever life of the process that is.
 *
 * Threads: crash_arm() before there are any; crash_point() from all.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#include "base/err.h"

/*
 * crash_arm(spec, steps, err): ${spec} is kept.  ${steps}: every step there is, NULL-terminated,
 * to refuse others; NULL when they are not known here.
 */
MUST_CHECK int crash_arm(const char *spec, const char *const *steps, struct err *err);

/* crash_point(step): returns, or does not. */
void crash_point(const char *step);

#endif /* BASE_CRASH_H */
