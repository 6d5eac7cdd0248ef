/*
 * signals.h - TERM, INT and HUP as a descriptor to be read; SIGPIPE ignored.
 *
 * Invariants:
 *   S1  after signals_open() no thread made later is interrupted by these signals.
 * Threads: signals_open() in the first thread, before others are made.
 */
#ifndef RT_SIGNALS_H
#define RT_SIGNALS_H

#include "base/err.h"

/* signals_open(fd, err): block them, and make ${fd} readable when one comes. */
MUST_CHECK int signals_open(int *fd, struct err *err);

/* signals_next(fd): wait; SIGTERM, SIGINT or SIGHUP. */
int signals_next(int fd);

#endif /* RT_SIGNALS_H */
