/*
 * log_text.h - container logs, read back from the files the runner keeps (CRI form:
 * "TIME stdout|stderr F|P bytes\n").
 *
 * Invariants:
 *   L1  at most LOG_TEXT_MAX bytes are read, from the end; what is cut off is the oldest, and the
 *       answer begins at a whole record;
 *   L2  the answer is UTF-8 without NUL, whatever the container wrote: other bytes become U+FFFD.
 */
#ifndef INSTANCES_LOG_TEXT_H
#define INSTANCES_LOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define LOG_TEXT_MAX ((size_t)4 * 1024 * 1024)

struct log_wish {
    uint64_t tail; /* lines; 0: all there are */
    bool timestamps;
};

/* log_text_read(fds, n, out, err): the last LOG_TEXT_MAX bytes of the files, oldest first. */
MUST_CHECK int log_text_read(const int *fds, size_t n, struct buf *out, struct err *err);

/* log_text_print(records, wish, out): pure; ${out} holds LOG_TEXT_MAX * 3 at most (L2). */
void log_text_print(struct text records, const struct log_wish *wish, struct buf *out);

#endif /* INSTANCES_LOG_TEXT_H */
