/*
 * fence.h - what holdfast-unpack locks itself into before it reads a hostile byte: an empty
 * network, a root that is its one folder, Landlock on top, five capabilities, an allow list of
 * system calls.
 */
#ifndef RUNNER_FENCE_H
#define RUNNER_FENCE_H

#include "base/err.h"

/* fence_raise(folder_fd, err): for good. */
MUST_CHECK int fence_raise(int folder_fd, struct err *err);

#endif /* RUNNER_FENCE_H */
