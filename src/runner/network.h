/* network.h - the bridge of a runner and the subnet it keeps for good. */
#ifndef RUNNER_NETWORK_H
#define RUNNER_NETWORK_H

#include "base/err.h"
#include "runner/group.h"

/* network_up(h, wanted, err): ${wanted} is "10.1.0.0/16" or NULL: the one chosen before, or a free
 * one.  Sets the bridge up and lets the kernel forward. */
MUST_CHECK int network_up(struct host *h, const char *wanted, struct err *err);

#endif /* RUNNER_NETWORK_H */
