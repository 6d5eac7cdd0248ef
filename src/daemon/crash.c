#include "daemon/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/text.h"

/* Written once before threads, but for the count. */
static struct {
    struct text step;
    atomic_llong left;
} crash_at;

int
crash_arm(const char *spec, struct err *err)
{
    struct text rest = text_of(spec), step;
    uint64_t count;

    if (!text_cut(&rest, ':', &step) || !text_to_u64(rest, 1000000, &count) || count == 0)
        return err_set(err, ERR_INVALID, "--crash-at is STEP:COUNT");
    crash_at.step = step;
    atomic_store(&crash_at.left, (long long)count);
    return 0;
}

void
crash_step(const char *step)
{
    if (crash_at.step.n == 0 || !text_is(crash_at.step, step))
        return;
    if (atomic_fetch_sub(&crash_at.left, 1) == 1)
        (void)raise(SIGKILL);
}
