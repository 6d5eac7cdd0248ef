/*
 * journal.h - what became of the containers of a group, append-only, for when nobody can be asked.
 *
 * A record is one container's whole state after a change.  The last whole record of a container
 * counts; a record cut off by a crash, or altered, ends the reading.
 *
 * Invariants:
 *   L1  a record is taken only with the right length, CRC and a sequence number above the last;
 *   L2  the file stays below JOURNAL_MAX + one record per container.
 */
#ifndef RUNNER_JOURNAL_H
#define RUNNER_JOURNAL_H

#include <stdint.h>

#include "base/err.h"
#include "runner/message.h"

#define JOURNAL_MAX  (256u * 1024)
#define JOURNAL_NAME "journal"

struct journal {
    int dirfd; /* borrowed */
    int fd;
    uint64_t size;
};

/* journal_open(j, dirfd, state, err): replay into ${state} (whose containers are already named). */
MUST_CHECK int journal_open(struct journal *j, int dirfd, struct runner_group_state *state,
                            struct err *err);
void journal_close(struct journal *j);

/* journal_replay(dirfd, state, err): how many records were read. */
MUST_CHECK int journal_replay(int dirfd, struct runner_group_state *state, uint64_t *records,
                              struct err *err);

/* journal_append(j, state, index, err): after ${state}->containers[index] changed. */
MUST_CHECK int journal_append(struct journal *j, const struct runner_group_state *state,
                              uint32_t index, struct err *err);

#endif /* RUNNER_JOURNAL_H */
