/* id.h - names for things that have none: random UUIDs (RFC 9562 version 4). */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define ID_LEN 36 /* "xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx" */

/* id_new(out): a fresh UUID and a NUL.  Never fails: without randomness the process ends. */
void id_new(char out[static ID_LEN + 1]);

/* id_is(t): any UUID in its lower- or upper-case spelling. */
bool id_is(struct text t);

/* id_random(p, n): ${n} unpredictable bytes from the kernel. */
void id_random(void *p, size_t n);

#endif /* BASE_ID_H */
