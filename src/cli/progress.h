/* progress.h - one line on a terminal when something takes longer than a second. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

struct progress {
    const char *what;
    int64_t began_us; /* clock_mono_us() */
    int64_t told_us;
};

void progress_begin(struct progress *p, const char *what);
void progress_tick(struct progress *p); /* as often as one likes */
void progress_end(struct progress *p);  /* the line is taken back */

#endif /* CLI_PROGRESS_H */
