/* power.h - which capabilities each of our processes keeps: const tables, one screen. */
#ifndef RUNNER_POWER_H
#define RUNNER_POWER_H

#include "base/err.h"

/* power_keep_supervisor(err): what driving a runtime takes, for us and all our children. */
MUST_CHECK int power_keep_supervisor(struct err *err);

/* power_keep_unpack(err): owners and modes of files in one folder; nothing else. */
MUST_CHECK int power_keep_unpack(struct err *err);

#endif /* RUNNER_POWER_H */
