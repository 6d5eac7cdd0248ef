#include "base/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"

#define COUNT_MAX 1000000
#define SPEC_MAX  100

/* Written once before threads, but for the count. */
static struct {
    struct text step;
    atomic_llong left;
    const char *file;
} crash_at;

static bool
parse(struct text spec, struct text *step, uint64_t *count)
{
    return text_cut(&spec, ':', step) && step->n > 0 && text_to_u64(spec, COUNT_MAX, count) &&
           *count > 0;
}

static bool
is_known(struct text step, const char *const *steps)
{
    if (steps == NULL)
        return true;
    for (; *steps != NULL; steps++)
        if (text_is(step, *steps))
            return true;
    return false;
}

int
crash_arm(const char *spec, const char *const *steps, struct err *err)
{
    struct text step;
    uint64_t count;

    if (spec[0] == '/') {
        crash_at.file = spec;
        return 0;
    }
    if (!parse(text_of(spec), &step, &count) || !is_known(step, steps))
        return err_set(err, ERR_INVALID, "--crash-at is STEP:COUNT, or the path of a file with it");
    crash_at.step = step;
    atomic_store(&crash_at.left, (long long)count);
    return 0;
}

/* Who removes the file dies; a count above one is written back, one less. */
static bool
file_asks(const char *path, const char *step)
{
    OWN_FD fd = open(path, O_RDWR | O_CLOEXEC);
    char spec[SPEC_MAX];
    ssize_t n = fd < 0 ? -1 : pread(fd, spec, sizeof(spec), 0);
    struct text named;
    uint64_t count;

    if (n <= 0 || !parse(text_from(spec, (size_t)n), &named, &count) || !text_is(named, step))
        return false;
    if (count == 1)
        return unlink(path) == 0;
    n = snprintf(spec, sizeof(spec), "%s:%llu", step, (unsigned long long)count - 1);
    if (n > 0 && ftruncate(fd, 0) == 0)
        n = pwrite(fd, spec, (size_t)n, 0);
    return false;
}

void
crash_point(const char *step)
{
    bool now = crash_at.step.n > 0 && text_is(crash_at.step, step) &&
               atomic_fetch_sub(&crash_at.left, 1) == 1;

    if (now || (crash_at.file != NULL && file_asks(crash_at.file, step)))
        (void)raise(SIGKILL);
}
