/*
 * launch.h - start one of our programs, or one we use, with exactly the descriptors it is to have.
 *
 * The environment is a fixed small one; signals are at their defaults; no shell, no PATH search.
 */
#ifndef RUNNER_LAUNCH_H
#define RUNNER_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define LAUNCH_FDS_MAX 80
#define LAUNCH_FD_BASE 3

struct launch {
    const char *path;
    const char *const *argv; /* ends with NULL */
    int in, out, errors;     /* what is 0, 1, 2 there; borrowed, never -1 */
    int fds[LAUNCH_FDS_MAX]; /* become LAUNCH_FD_BASE + i; borrowed */
    size_t nfds;
    unsigned long namespaces; /* CLONE_NEW* */
    bool dies_with_us;        /* PR_SET_PDEATHSIG; else setsid() */
};

/* launch_start(c, err): its pid.  That the program cannot be executed shows as exit status 127. */
MUST_CHECK pid_t launch_start(const struct launch *c, struct err *err);

/* launch_end(pid): wait for it; its exit code, or 128 + signal. */
int launch_end(pid_t pid);

/* launch_find(name, out, cap): an executable in the system's folders. */
bool launch_find(const char *name, char *out, size_t cap);

/* launch_read(fd, out, cap): all it prints until its end, cut at cap - 1, with a NUL. */
size_t launch_read(int fd, char *out, size_t cap);

/* launch_empty_input(err): a descriptor that reads as the end at once, and is not /dev/null. */
MUST_CHECK int launch_empty_input(struct err *err);

#endif /* RUNNER_LAUNCH_H */
