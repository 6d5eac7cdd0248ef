/*
 * etc.h - the three files of /etc that belong to a group, not to its images.
 *
 * Containers may write them, as under other runners; so they lie in a small filesystem of their
 * own, or one container could fill the machine's /run with its /etc/hosts.
 */
#ifndef RUNNER_ETC_H
#define RUNNER_ETC_H

#include <stdint.h>

#include "base/err.h"

/* etc_write(run_fd, ...): mount and fill etc below ${run_fd}, in the caller's mount namespace. */
MUST_CHECK int etc_write(int run_fd, const char *hostname, const char *address, uint32_t uid,
                         struct err *err);

#endif /* RUNNER_ETC_H */
