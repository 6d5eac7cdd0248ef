/*
 * runner_client.h - the daemon's side of the channel to holdfast-runnerd.
 *
 * Invariants:
 *   R1  every call ends by its deadline: 0, 1 where absence is expected, or -1;
 *   R2  when runnerd goes away, calls under way fail with ERR_CLOSED, later ones with ERR_BUSY,
 *       until runner_attach() gives a new channel; no container is touched by that;
 *   R3  the observer is called after every change of a group, and once with id NULL after each
 *       attach (states may have changed meanwhile: ask for all of them again).
 *
 * Threads: all functions from any thread.  The observer runs on the client's own thread: it must
 * return quickly and must not call back into the client.
 * Deadlines are clock_mono_us() values.
 */
#ifndef RUNNER_RUNNER_CLIENT_H
#define RUNNER_RUNNER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/own.h"
#include "runner/message.h"
#include "runner/plan.h"

struct runner;

typedef void runner_observer(void *self, const char *group_id);

MUST_CHECK struct runner *runner_new(runner_observer *observer, void *self, struct err *err);
void runner_free(struct runner *r);
DEFINE_OWN(runner);

/* runner_attach(r, fd, err): speak over ${fd} (taken over) from now on. */
MUST_CHECK int runner_attach(struct runner *r, int fd, struct err *err);
bool runner_attached(struct runner *r);

MUST_CHECK int runner_hello(struct runner *r, int64_t deadline_us, struct runner_hello *out,
                            struct err *err);

/* runner_layer_have(): 0 it is unpacked, 1 it is not. */
MUST_CHECK int runner_layer_have(struct runner *r, int64_t deadline_us,
                                 const struct digest *diff_id, struct err *err);

/*
 * runner_unpack(): unpack the layer behind ${blob_fd} (borrowed; read from its start).  It is kept
 * only when the SHA-256 of its uncompressed bytes is ${diff_id}.  ERR_INVALID: the layer is hostile
 * or broken; ERR_TOO_LARGE: a bomb.  Unpacking one layer twice, even at once, is no error.
 */
MUST_CHECK int runner_unpack(struct runner *r, int64_t deadline_us, int blob_fd,
                             const struct digest *diff_id, enum runner_media media,
                             struct err *err);

/*
 * runner_start(): returns when the group exists for good and its containers are being started;
 * their fate is told by events and runner_state().  ERR_CONFLICT: the id exists, or a port is
 * taken; ERR_NOT_FOUND: a layer is not unpacked.
 */
MUST_CHECK int runner_start(struct runner *r, int64_t deadline_us, const struct plan *plan,
                            struct err *err);

/* runner_state(): 0, or 1 when there is no such group.  ${out} is large (20 KiB): use the heap. */
MUST_CHECK int runner_state(struct runner *r, int64_t deadline_us, const char *group_id,
                            struct runner_group_state *out, struct err *err);

/*
 * runner_log(): descriptors (now the caller's) of the log files of a container, oldest bytes first,
 * in CRI form: "2026-11-22T16:43:18.000000000Z stdout F line\n"; P instead of F: the line goes on
 * in the next record.  1: no such group or container, or nothing was written yet.
 */
MUST_CHECK int runner_log(struct runner *r, int64_t deadline_us, const char *group_id,
                          const char *container, bool previous, int fds[static RUNNER_LOG_FDS_MAX],
                          size_t *nfds, struct err *err);

/* runner_stop(): ask the containers to end and keep them ended; states tell when.  1: no group. */
MUST_CHECK int runner_stop(struct runner *r, int64_t deadline_us, const char *group_id,
                           uint32_t grace_ms, struct err *err);

/* runner_delete(): kill what runs and remove every trace; 0 also when there was nothing. */
MUST_CHECK int runner_delete(struct runner *r, int64_t deadline_us, const char *group_id,
                             struct err *err);

/* runner_list(): ids of all groups, mem_free() each array; runner_keep(): delete all others. */
MUST_CHECK int runner_list(struct runner *r, int64_t deadline_us, char (**ids)[ID_LEN + 1],
                           size_t *count, struct err *err);
MUST_CHECK int runner_keep(struct runner *r, int64_t deadline_us, const char (*ids)[ID_LEN + 1],
                           size_t count, struct err *err);

#endif /* RUNNER_RUNNER_CLIENT_H */
