/*
 * crilog.h - what a container prints, kept as the Kubernetes CRI has it:
 *   2026-11-22T16:43:18.123456000Z stdout F a whole line
 *   2026-11-22T16:43:18.123456000Z stderr P the first part of a long one
 *
 * NAME.log is being written; NAME.log.1 and NAME.log.2 are older; NAME.prev.log is the end of the
 * run before.
 *
 * Invariants:
 *   O1  a record is one write(2): readers never see half of one;
 *   O2  the files of a container never exceed CRILOG_FILE_MAX x (CRILOG_FILES + 1);
 *   O3  a full disk blocks nobody: bytes are dropped, counted, and the count is told in the log.
 */
#ifndef RUNNER_CRILOG_H
#define RUNNER_CRILOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CRILOG_LINE_MAX 16384
#define CRILOG_FILE_MAX (10u * 1024 * 1024)
#define CRILOG_FILES    3

enum crilog_stream {
    CRILOG_STDOUT,
    CRILOG_STDERR,
    CRILOG_STREAMS,
};

struct crilog {
    int dirfd; /* borrowed */
    char name[64];
    int fd;
    uint64_t size;
    uint64_t file_max;
    uint64_t dropped;
    struct {
        char line[CRILOG_LINE_MAX];
        size_t n;
    } stream[CRILOG_STREAMS];
};

/* crilog_open(log, dirfd, name, fresh, err): ${fresh}: a new run begins, the last becomes .prev. */
MUST_CHECK int crilog_open(struct crilog *log, int dirfd, const char *name, bool fresh,
                           struct err *err);
void crilog_close(struct crilog *log); /* what had no newline yet is written as it is */

/* crilog_add(log, stream, p, n): bytes as they came out of the pipe. */
void crilog_add(struct crilog *log, enum crilog_stream stream, const char *p, size_t n);

/* crilog_files(dirfd, name, previous, fds): open what there is, oldest first; how many. */
size_t crilog_files(int dirfd, const char *name, bool previous, int fds[static CRILOG_FILES]);

#endif /* RUNNER_CRILOG_H */
