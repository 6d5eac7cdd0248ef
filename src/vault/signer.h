/*
 * signer.h - what vaultd does, apart from being a process: its table of questions.
 *
 * Invariants (with V2 and V3 of vault.h):
 *   S1  a checkpoint is remembered durably before its signature leaves;
 *   S2  the audit key is given once; a second question for it closes the channel;
 *   S3  the checkpoint key signs nothing but checkpoints.
 * Threads: one.
 */
#ifndef VAULT_SIGNER_H
#define VAULT_SIGNER_H

#include <stdint.h>

#include "base/err.h"

/* Test seam: told "checkpoint.checked", "checkpoint.remembered" and "checkpoint.signed". */
typedef void signer_step(const char *step);

/*
 * signer_serve(channel_fd, dirfd, step, err): answer until the other end is gone (0), or a
 * message outside the table came (-1).  ${channel_fd} is taken over, ${dirfd} borrowed; ${step}
 * may be NULL.
 */
MUST_CHECK int signer_serve(int channel_fd, int dirfd, signer_step *step, struct err *err);

#endif /* VAULT_SIGNER_H */
