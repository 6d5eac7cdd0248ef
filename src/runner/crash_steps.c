#include "runner/crash_steps.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/crash.h"

const char *const crash_steps[] = {
    "start-folder",     "start-plan",
    "start-slot",       "start-cgroup",
    "start-run-folder", "start-namespace",
    "start-supervisor", "start-rules",
    "start-network",    "start-ready",
    "start-go",         "delete-mark",
    "delete-killed",    "delete-cgroup",
    "delete-rules",     "delete-run-folder",
    "delete-slot",      "delete-trash",
    "unpack-folder",    "unpack-child",
    "unpack-named",     NULL,
};

void
crash_steps_point(const char *step)
{
    bool known = false;

    for (size_t i = 0; crash_steps[i] != NULL; i++)
        known = known || strcmp(crash_steps[i], step) == 0;
    assert(known);
    crash_point(step);
}
