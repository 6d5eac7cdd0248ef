/*
 * bundle.h - the config.json an OCI runtime reads (runtime-spec 1.0.2), printed from a plan.
 *
 * The one place that decides what a container may do.  Nothing in it is copied from a client but
 * the plan's texts, and those only as escaped JSON strings.
 *
 * Invariants:
 *   J1  whatever the texts are, the output is one valid JSON object with exactly our members;
 *   J2  capabilities are within the const table; no_new_privs, seccomp, masked and read-only paths
 *       are always there; root has them, other users start with none;
 *   J3  no limit is set above the one this process has itself.
 */
#ifndef RUNNER_BUNDLE_H
#define RUNNER_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "runner/passwd.h"
#include "runner/plan.h"

#define BUNDLE_MAX (4u * 1024 * 1024)

struct bundle {
    const struct plan_container *container;
    const struct passwd *user;
    const char *hostname;
    const char *rootfs;       /* absolute */
    const char *etc;          /* absolute: folder of resolv.conf, hosts, hostname */
    const char *namespace_at; /* "/proc/1/fd/5": the first of user, net, ipc, uts in a row */
    int namespace_fd;         /* the 5 */
    const char *cgroups_path;
    uint32_t uid; /* first id outside */
    bool swap;    /* swap can be limited */
    uint64_t nofile_hard;
};

void bundle_print(const struct bundle *b, struct buf *out);
void bundle_string(struct buf *out, struct text t); /* quoted and escaped */

#endif /* RUNNER_BUNDLE_H */
