#include "runner/crash.h"

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const char *const steps[] = {
    "start-folder",      "start-plan",       "start-slot",    "start-cgroup",  "start-run-folder",
    "start-namespace",   "start-supervisor", "start-rules",   "start-network", "start-ready",
    "start-go",          "delete-mark",      "delete-killed", "delete-cgroup", "delete-rules",
    "delete-run-folder", "delete-slot",      "delete-trash",  "unpack-folder", "unpack-child",
    "unpack-named",
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

static const char *armed; /* one of steps[], or NULL */
static uint64_t left;

const char *
crash_step(unsigned i)
{
    return i < STEPS ? steps[i] : NULL;
}

int
crash_arm(const char *what, struct err *err)
{
    struct text rest = text_of(what), name = { 0 };

    if (text_cut(&rest, ':', &name) && text_to_u64(rest, 1000000, &left) && left > 0)
        for (size_t i = 0; i < STEPS; i++)
            if (text_is(name, steps[i])) {
                armed = steps[i];
                return 0;
            }
    return err_set(err, ERR_INVALID, "--crash-at takes STEP:COUNT; see --crash-steps");
}

void
crash_point(const char *step)
{
    bool known = false;

    for (size_t i = 0; i < STEPS; i++)
        known = known || strcmp(steps[i], step) == 0;
    assert(known);
    if (armed != NULL && strcmp(armed, step) == 0 && --left == 0)
        (void)raise(SIGKILL);
}
