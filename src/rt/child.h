/*
 * child.h - start a program with exactly the power it is given.
 *
 * Invariants:
 *   K1  the program sees descriptors 0, 1, 2 and 3 ... 2 + n_fds, and no other;
 *   K2  it has the environment that is stated, none by default, default signal dispositions and an
 *       empty signal mask;
 *   K3  with a user given, its uids, gids and supplementary groups are those and no others, or it
 *       does not start;
 *   K4  a program that cannot be started is a failure here, with the reason; no child is left.
 *
 * Threads: any.  Mind dies_with_parent: the kernel means the thread that called child_spawn().
 */
#ifndef RT_CHILD_H
#define RT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct child_settings {
    const char *path;        /* absolute; no search */
    const char *const *argv; /* NULL-terminated */
    const char *const *env;  /* NULL-terminated; NULL: none */
    const int *stdio;        /* three descriptors, -1 for /dev/null; NULL: null, null, our stderr */
    const int *fds;          /* become 3, 4, ... */
    size_t n_fds;
    bool change_user;
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t n_groups;
    bool dies_with_parent; /* SIGKILL when the spawning thread ends */
    bool new_session;      /* setsid(): signals of our terminal do not reach it */
};

/* child_spawn(s, pid, err): ${pid} must be awaited by child_wait() or a reaper. */
MUST_CHECK int child_spawn(const struct child_settings *s, pid_t *pid, struct err *err);

/* child_wait(pid, deadline_us, status, err): ${status} as of waitpid(); ERR_TIMEOUT. */
MUST_CHECK int child_wait(pid_t pid, int64_t deadline_us, int *status, struct err *err);

#endif /* RT_CHILD_H */
