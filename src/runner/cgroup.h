/*
 * cgroup.h - the resource folders of groups: holdfast-TAG/ID/cN under every hierarchy.
 *
 * With cgroup v1 (or hybrid) they lie below the cgroup runnerd itself lives in, whatever that is
 * per hierarchy; with v2 at the top, as v2 allows no processes beside child groups.  Limits are
 * written by the runtime; we make, watch, empty and remove.
 *
 * Invariant C1: nothing outside holdfast-TAG is ever written, killed or removed.
 */
#ifndef RUNNER_CGROUP_H
#define RUNNER_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CGROUP_HIERARCHIES_MAX 16
#define CGROUP_PATH_MAX        512

struct cgroup {
    uint32_t version;
    int count;
    bool swap; /* swap can be limited */
    struct {
        char name[64];                /* "memory", "cpu,cpuacct"; "" for v2 */
        char folder[CGROUP_PATH_MAX]; /* where our holdfast-TAG lies or will lie */
    } at[CGROUP_HIERARCHIES_MAX];
};

/* cgroup_find(c, err): look at /proc/self; ERR_UNSUPPORTED when there is nothing usable. */
MUST_CHECK int cgroup_find(struct cgroup *c, struct err *err);

/* cgroup_make(c, tag, id, err): holdfast-TAG/ID everywhere. */
MUST_CHECK int cgroup_make(const struct cgroup *c, const char *tag, const char *id,
                           struct err *err);

/* cgroup_path(c, tag, id, container, out): what config.json calls cgroupsPath. */
void cgroup_path(const struct cgroup *c, const char *tag, const char *id, unsigned container,
                 char out[static CGROUP_PATH_MAX]);

/* cgroup_oom_kills(c, tag, id, container): how often the kernel killed for memory there. */
uint64_t cgroup_oom_kills(const struct cgroup *c, const char *tag, const char *id,
                          unsigned container);

/* cgroup_remove(c, tag, id): kill what is in there and remove it; 0, or -1 if something stayed. */
MUST_CHECK int cgroup_remove(const struct cgroup *c, const char *tag, const char *id,
                             struct err *err);

/* cgroup_each(c, tag, fn, self): every ID folder found under holdfast-TAG, maybe more than once. */
void cgroup_each(const struct cgroup *c, const char *tag, void (*fn)(void *self, const char *id),
                 void *self);

#endif /* RUNNER_CGROUP_H */
