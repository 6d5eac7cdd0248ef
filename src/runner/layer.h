/*
 * layer.h - unpacked layers, shared by all groups: layers/sha256-HEX, named by diff_id.
 *
 * A layer is unpacked by a confined child into layers/new-N and gets its name only when its digest
 * was right and its bytes are on disk.
 */
#ifndef RUNNER_LAYER_H
#define RUNNER_LAYER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/digest.h"
#include "runner/group.h"
#include "runner/message.h"

struct layer_job {
    struct digest diff_id;
    char folder[32];
    pid_t pid;
    int output; /* what the child says */
};

bool layer_have(const struct host *h, const struct digest *diff_id);

/* layer_begin(h, blob_fd, diff_id, media, job, err): ${blob_fd} is borrowed. */
MUST_CHECK int layer_begin(struct host *h, int blob_fd, const struct digest *diff_id,
                           enum runner_media media, struct layer_job *job, struct err *err);

/* What the child counted; it is the first thing it prints when all went well. */
struct layer_count {
    uint64_t entries, bytes, skipped;
};

/* layer_end(h, job, count, err): its child has ended, or is waited for. */
MUST_CHECK int layer_end(struct host *h, struct layer_job *job, struct layer_count *count,
                         struct err *err);

#endif /* RUNNER_LAYER_H */
