#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_US 1000000

static int64_t
read_clock(clockid_t id)
{
    struct timespec ts = { 0 };

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

int64_t
clock_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t
clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void
clock_text(int64_t us, char out[static CLOCK_TEXT_LEN + 1])
{
    time_t seconds = (time_t)(us / SECOND_US);
    struct tm tm = { 0 };
    char date[24] = "";

    (void)gmtime_r(&seconds, &tm);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out, CLOCK_TEXT_LEN + 1, "%.19s.%06uZ", date,
                   (unsigned)((uint64_t)us % SECOND_US));
}

/* Fraction digits behind the seconds, then "Z". */
static bool
parse_fraction(struct text t, int64_t *us)
{
    int64_t unit = SECOND_US / 10;

    *us = 0;
    if (text_starts(t, ".")) {
        size_t digits = 0;

        for (t = text_after(t, 1); t.n > 0 && *t.p >= '0' && *t.p <= '9'; t = text_after(t, 1)) {
            *us += (*t.p - '0') * unit;
            unit /= 10;
            digits++;
        }
        if (digits == 0 || digits > 9)
            return false;
    }
    return text_is(t, "Z");
}

bool
clock_parse(struct text t, int64_t *us)
{
    char head[20];
    struct tm tm = { 0 };
    int64_t fraction;
    const char *end;

    if (t.n < 20 || !text_copy(text_first(t, 19), head, sizeof(head)) || strlen(head) != 19)
        return false;
    end = strptime(head, "%Y-%m-%dT%H:%M:%S", &tm);
    if (end == NULL || *end != '\0' || !parse_fraction(text_after(t, 19), &fraction))
        return false;
    *us = (int64_t)timegm(&tm) * SECOND_US + fraction;
    return true;
}
