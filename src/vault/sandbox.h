/*
 * sandbox.h - give up everything vaultd does not need.
 *
 * Invariants:
 *   B1  afterwards: no network, no new programs, no debugger, no core dump, no new privileges, and
 *       no system call but those of the list;
 *   B2  what cannot be given up is a failure, not a warning (but for the network namespace, which
 *       only root can make: without it the list of system calls has no socket()).
 */
#ifndef VAULT_SANDBOX_H
#define VAULT_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* sandbox_drop_user(uid, gid, err): for a process that root started. */
MUST_CHECK int sandbox_drop_user(uid_t uid, gid_t gid, struct err *err);
MUST_CHECK int sandbox_enter(struct err *err);

#endif /* VAULT_SANDBOX_H */
