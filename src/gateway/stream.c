#include "gateway/stream.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

#define SSL_STEP ((size_t)64 * 1024)
#define SSL_FILE_STEP                                                                              \
    ((size_t)16 * 1024) /* one record: it is encrypted while still in the cache                    \
                         */
#define SENDFILE_STEP ((size_t)2 * 1024 * 1024)

static ssize_t
again(struct stream *s, short wants)
{
    s->wants = wants;
    return STREAM_AGAIN;
}

static ssize_t
broken(struct stream *s)
{
    s->broken = true;
    return -1;
}

/* What an SSL call that did not succeed means. */
static ssize_t
ssl_verdict(struct stream *s, int rc)
{
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ: return again(s, POLLIN);
    case SSL_ERROR_WANT_WRITE: return again(s, POLLOUT);
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: ERR_clear_error(); return broken(s);
    }
}

int
stream_handshake(struct stream *s)
{
    int rc;

    if (s->ssl == NULL || s->established)
        return 1;
    ERR_clear_error();
    rc = SSL_accept(s->ssl);
    if (rc == 1) {
        s->established = true;
        return 1;
    }
    return ssl_verdict(s, rc) == STREAM_AGAIN ? 0 : -1;
}

static ssize_t
ssl_read(struct stream *s, void *p, size_t n)
{
    int rc;

    ERR_clear_error();
    rc = SSL_read(s->ssl, p, n < INT_MAX ? (int)n : INT_MAX);
    return rc > 0 ? rc : ssl_verdict(s, rc);
}

ssize_t
stream_read(struct stream *s, void *p, size_t n)
{
    ssize_t got;

    if (s->broken)
        return -1;
    if (s->ssl != NULL)
        return ssl_read(s, p, n);
    do
        got = recv(s->fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        return got;
    return errno == EAGAIN ? again(s, POLLIN) : broken(s);
}

static ssize_t
ssl_write(struct stream *s, const void *p, size_t n)
{
    int rc;

    ERR_clear_error();
    rc = SSL_write(s->ssl, p, (int)(n < SSL_STEP ? n : SSL_STEP));
    if (rc > 0)
        return rc;
    rc = (int)ssl_verdict(s, rc);
    return rc == 0 ? broken(s) : rc;
}

static ssize_t
sent_or_not(struct stream *s, ssize_t sent)
{
    if (sent >= 0)
        return sent;
    return errno == EAGAIN ? again(s, POLLOUT) : broken(s);
}

ssize_t
stream_write(struct stream *s, const void *p, size_t n, bool more)
{
    ssize_t sent;

    if (s->broken)
        return -1;
    if (s->ssl != NULL)
        return ssl_write(s, p, n);
    do
        sent = send(s->fd, p, n, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    while (sent < 0 && errno == EINTR);
    return sent_or_not(s, sent);
}

/* TLS: one record instead of two while both are small. */
static ssize_t
ssl_write2(struct stream *s, const void *p, size_t n, const void *q, size_t m)
{
    unsigned char together[8192];

    if (n >= sizeof(together) || m > sizeof(together) - n)
        return ssl_write(s, p, n);
    memcpy(together, p, n);
    memcpy(together + n, q, m);
    return ssl_write(s, together, n + m);
}

ssize_t
stream_write2(struct stream *s, const void *p, size_t n, const void *q, size_t m)
{
    struct iovec parts[2] = { { .iov_len = n }, { .iov_len = m } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t sent;

    if (s->broken)
        return -1;
    if (m == 0)
        return stream_write(s, p, n, false);
    if (s->ssl != NULL)
        return ssl_write2(s, p, n, q, m);
    memcpy(&parts[0].iov_base, &p, sizeof(p)); /* sendmsg() does not write there */
    memcpy(&parts[1].iov_base, &q, sizeof(q));
    do
        sent = sendmsg(s->fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent_or_not(s, sent);
}

/*
 * The file through user space.  What was read but could not be sent is read again: with
 * SSL_MODE_ENABLE_PARTIAL_WRITE and the same bytes at the same place, OpenSSL allows that.
 */
static ssize_t
ssl_send_file(struct stream *s, int fd, uint64_t *offset, uint64_t left, void **scratch)
{
    ssize_t got, sent;

    if (*scratch == NULL && (*scratch = mem_zalloc(SSL_FILE_STEP)) == NULL)
        return broken(s);
    got = pread(fd, *scratch, left < SSL_FILE_STEP ? (size_t)left : SSL_FILE_STEP, (off_t)*offset);
    if (got <= 0)
        return got == 0 ? 0 : broken(s);
    sent = ssl_write(s, *scratch, (size_t)got);
    if (sent > 0)
        *offset += (uint64_t)sent;
    return sent;
}

ssize_t
stream_send_file(struct stream *s, int fd, uint64_t *offset, uint64_t left, void **scratch)
{
    size_t want = left < SENDFILE_STEP ? (size_t)left : SENDFILE_STEP;
    off_t at = (off_t)*offset;
    ssize_t sent;

    if (s->broken)
        return -1;
    if (s->ssl != NULL)
        return ssl_send_file(s, fd, offset, left, scratch);
    do
        sent = sendfile(s->fd, fd, &at, want);
    while (sent < 0 && errno == EINTR);
    if (sent > 0)
        *offset += (uint64_t)sent;
    return sent_or_not(s, sent);
}

int
stream_wait(struct stream *s, int64_t timeout_us)
{
    struct pollfd p = { .fd = s->fd, .events = s->wants };
    int64_t ms = timeout_us / 1000 + 1;
    int got;

    if (s->broken)
        return -1;
    if (timeout_us <= 0)
        return 0;
    got = poll(&p, 1, ms < INT_MAX ? (int)ms : INT_MAX);
    if (got < 0 && errno == EINTR)
        return 1; /* the caller tries, and asks again */
    return got;
}

void
stream_finish(struct stream *s)
{
    if (s->broken)
        return;
    if (s->ssl != NULL && s->established) {
        ERR_clear_error();
        (void)SSL_shutdown(s->ssl);
    }
    (void)shutdown(s->fd, SHUT_WR);
}

void
stream_close(struct stream *s)
{
    if (s->ssl != NULL) {
        if (s->established && !s->broken) {
            ERR_clear_error();
            (void)SSL_shutdown(s->ssl); /* close_notify; its answer is not awaited */
        }
        SSL_free(s->ssl);
        ERR_clear_error();
    }
    s->ssl = NULL;
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}
