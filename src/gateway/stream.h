/*
 * stream.h - the bytes of one connection, plain or TLS; the socket never blocks.
 *
 * Invariants:
 *   S1  a stream belongs to one thread at a time, and no call but stream_wait() waits;
 *   S2  after -1 the stream is broken and every later call says so.
 */
#ifndef GATEWAY_STREAM_H
#define GATEWAY_STREAM_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STREAM_AGAIN (-2) /* would block: wait for stream->wants */

struct stream {
    int fd;
    SSL *ssl;         /* NULL: plain */
    short wants;      /* POLLIN or POLLOUT, after STREAM_AGAIN */
    bool established; /* TLS: the handshake is done */
    bool broken;
};

/* 1: done, 0: not yet, -1: failed. */
int stream_handshake(struct stream *s);

/* Bytes, 0 at the peer's end, STREAM_AGAIN, or -1. */
ssize_t stream_read(struct stream *s, void *p, size_t n);

/* Bytes taken (at least one), STREAM_AGAIN, or -1.  ${more}: something follows at once. */
ssize_t stream_write(struct stream *s, const void *p, size_t n, bool more);

/* Both runs with one system call where that is possible. */
ssize_t stream_write2(struct stream *s, const void *p, size_t n, const void *q, size_t m);

/*
 * stream_send_file(): as stream_write(); advances ${offset}.  0: the file is shorter than said.
 * ${scratch}: NULL at first, then memory that TLS needs; the caller frees it with mem_free().
 */
ssize_t stream_send_file(struct stream *s, int fd, uint64_t *offset, uint64_t left, void **scratch);

/* stream_wait(s, timeout_us): until it may go on: 1; 0: time is up; -1: broken. */
int stream_wait(struct stream *s, int64_t timeout_us);

/* stream_finish(s): tell the peer that nothing more comes; reading goes on. */
void stream_finish(struct stream *s);

/* stream_close(s): give up the socket and what belongs to it. */
void stream_close(struct stream *s);

#endif /* GATEWAY_STREAM_H */
