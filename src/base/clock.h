/* clock.h - time, in microseconds, and how it is written. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define CLOCK_TEXT_LEN 27 /* "2026-11-22T16:43:18.000000Z" */

int64_t clock_now_us(void);  /* wall clock: microseconds since 1970-01-01 UTC; may jump */
int64_t clock_mono_us(void); /* never jumps; for timeouts and durations */

/* clock_text(us, out): RFC 3339 in UTC with microseconds and a NUL. */
void clock_text(int64_t us, char out[static CLOCK_TEXT_LEN + 1]);

/* clock_parse(t, out): RFC 3339 with "Z" and up to nine fraction digits. */
bool clock_parse(struct text t, int64_t *us);

#endif /* BASE_CLOCK_H */
