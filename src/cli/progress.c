#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define QUIET_US  ((int64_t)1000000)
#define REPEAT_US ((int64_t)200000)

void
progress_begin(struct progress *p, const char *what)
{
    *p = (struct progress){ what, clock_mono_us(), 0 };
}

void
progress_tick(struct progress *p)
{
    int64_t now = clock_mono_us();

    if (now - p->began_us < QUIET_US || now - p->told_us < REPEAT_US || !isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr, "\r%s ... %lld s", p->what, (long long)((now - p->began_us) / 1000000));
    (void)fflush(stderr);
    p->told_us = now;
}

void
progress_end(struct progress *p)
{
    if (p->told_us != 0)
        (void)fputs("\r\033[K", stderr);
    p->told_us = 0;
}
