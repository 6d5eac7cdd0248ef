/* serve.h - the whole power of runnerd: which questions it answers, and the loop that does. */
#ifndef RUNNER_SERVE_H
#define RUNNER_SERVE_H

#include "base/err.h"
#include "runner/group.h"

/* serve(h, fd, why, err): until the channel ends (0) or breaks its rules (-1).  ${why}: what is
 * missing to run containers; "" when nothing is. */
MUST_CHECK int serve(struct host *h, int fd, const char *why, struct err *err);

#endif /* RUNNER_SERVE_H */
