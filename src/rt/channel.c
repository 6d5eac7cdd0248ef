#include "rt/channel.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"

struct channel {
    int fd; /* -1 once closed (C4) */
    const struct channel_rule *rules;
    void *self;
    size_t room; /* bytes of packet[] */
    unsigned char *packet;
    struct buf answer;
    uint64_t number;      /* guarded by turn */
    pthread_mutex_t turn; /* one question at a time; guards fd, number, packet of an asking end */
};

/* Descriptors of one packet as the kernel lays them out. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

int
channel_pair(int fds[static 2], struct err *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(err, errno, "cannot make a channel");
    fds[0] = pair[0];
    fds[1] = pair[1];
    return 0;
}

/* 0 when ${fd} is ready for ${events}, or -1. */
static int
await(int fd, short events, int64_t deadline_us, struct err *err)
{
    for (;;) {
        struct pollfd p = { .fd = fd, .events = events };
        int64_t left = deadline_us == CHANNEL_FOREVER ? -1 : deadline_us - clock_mono_us();
        int timeout = -1, got;

        if (deadline_us != CHANNEL_FOREVER) {
            if (left <= 0)
                return err_set(err, ERR_TIMEOUT, "no answer in time");
            timeout = left / 1000 >= INT_MAX ? INT_MAX : (int)(left / 1000) + 1;
        }
        got = poll(&p, 1, timeout);
        if (got > 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return err_sys(err, errno, "cannot wait for a channel");
    }
}

static void
attach_fds(struct msghdr *m, union control *control, const int *fds, size_t nfds)
{
    struct cmsghdr *c;

    if (nfds == 0)
        return;
    m->msg_control = control->bytes;
    m->msg_controllen = CMSG_SPACE(nfds * sizeof(int));
    c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
    memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
}

static int
send_parts(int fd, struct iovec *parts, size_t n_parts, const int *fds, size_t nfds,
           int64_t deadline_us, struct err *err)
{
    union control control;
    struct msghdr m = { .msg_iov = parts, .msg_iovlen = n_parts };

    memset(&control, 0, sizeof(control));
    if (nfds > CHANNEL_FDS_MAX)
        return err_set(err, ERR_INVALID, "too many descriptors for one packet");
    attach_fds(&m, &control, fds, nfds);
    for (;;) {
        if (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            return err_set(err, ERR_CLOSED, "the other process has gone");
        if (errno == EAGAIN) {
            if (await(fd, POLLOUT, deadline_us, err) != 0)
                return -1;
        } else if (errno != EINTR) {
            return err_sys(err, errno, "cannot send on a channel");
        }
    }
}

int
channel_send(int fd, const void *p, size_t n, const int *fds, size_t nfds, int64_t deadline_us,
             struct err *err)
{
    struct text view = text_from(p, n);
    struct iovec part = { .iov_len = n };

    memcpy(&part.iov_base, &view.p, sizeof(view.p)); /* sendmsg() does not write there */
    return send_parts(fd, &part, 1, fds, nfds, deadline_us, err);
}

static void
close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

/* Take the descriptors out of ${m}; more than fit have been dropped by the kernel (MSG_CTRUNC). */
static size_t
detach_fds(struct msghdr *m, int fds[static CHANNEL_FDS_MAX])
{
    size_t n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < here; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (n < CHANNEL_FDS_MAX)
                fds[n++] = fd;
            else
                (void)close(fd);
        }
    }
    return n;
}

int
channel_receive(int fd, void *p, size_t max, size_t *n, int fds[static CHANNEL_FDS_MAX],
                size_t *nfds, int64_t deadline_us, struct err *err)
{
    for (;;) {
        union control control;
        struct iovec part = { .iov_base = p, .iov_len = max };
        struct msghdr m = { .msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes) };
        ssize_t got = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        int taken[CHANNEL_FDS_MAX];
        size_t n_taken;

        if (got < 0 && errno == EAGAIN) {
            if (await(fd, POLLIN, deadline_us, err) != 0)
                return -1;
            continue;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == ECONNRESET ? 1 : err_sys(err, errno, "cannot read from a channel");
        n_taken = detach_fds(&m, taken);
        if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
            close_all(taken, n_taken);
            return err_set(err, ERR_INVALID, "a packet is larger than its channel allows");
        }
        if (got == 0 && n_taken == 0)
            return 1;
        memcpy(fds, taken, n_taken * sizeof(int));
        *nfds = n_taken;
        *n = (size_t)got;
        return 0;
    }
}

int
channel_peer(int fd, struct channel_peer *out, struct err *err)
{
    struct ucred cred;
    socklen_t n = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
        return err_sys(err, errno, "cannot tell who holds a channel");
    *out = (struct channel_peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
    return 0;
}

static size_t
largest(const struct channel_rule *rules)
{
    size_t max = 0;

    for (; rules != NULL && rules->type != 0; rules++)
        if (rules->max > max)
            max = rules->max;
    return max < CHANNEL_BODY_MAX ? max : CHANNEL_BODY_MAX;
}

struct channel *
channel_new(int fd, const struct channel_rule *rules, void *self, struct err *err)
{
    OWN_FD taken = fd;
    OWN(channel) c = mem_zalloc(sizeof(*c));

    if (c == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    c->fd = -1;
    (void)pthread_mutex_init(&c->turn, NULL);
    /* An asking end takes any answer; an answering end never needs more than its widest rule. */
    c->room = sizeof(struct channel_header) + (rules != NULL ? largest(rules) : CHANNEL_BODY_MAX);
    c->packet = mem_zalloc(c->room);
    if (c->packet == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    c->rules = rules;
    c->self = self;
    c->answer.max = CHANNEL_BODY_MAX;
    c->fd = give_fd(&taken);
    return GIVE(c);
}

static void
shut(struct channel *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

void
channel_free(struct channel *c)
{
    if (c == NULL)
        return;
    shut(c);
    if (c->packet != NULL)
        mem_wipe(c->packet, c->room); /* bodies may hold keys */
    if (c->answer.p != NULL)
        mem_wipe(c->answer.p, c->answer.cap);
    buf_done(&c->answer);
    (void)pthread_mutex_destroy(&c->turn);
    mem_free(c->packet);
    mem_free(c);
}

int
channel_fd(const struct channel *c)
{
    return c->fd;
}

/* Send a header and a body that lie apart. */
static int
send_message(struct channel *c, struct channel_header h, struct text body, const int *fds,
             size_t nfds, int64_t deadline_us, struct err *err)
{
    struct iovec parts[2] = { { .iov_base = &h, .iov_len = sizeof(h) }, { .iov_len = body.n } };

    if (body.n > CHANNEL_BODY_MAX)
        return err_set(err, ERR_TOO_LARGE, "a message is larger than %zu bytes", CHANNEL_BODY_MAX);
    memcpy(&parts[1].iov_base, &body.p, sizeof(body.p));
    return send_parts(c->fd, parts, body.n > 0 ? 2 : 1, fds, nfds, deadline_us, err);
}

static const struct channel_rule *
find_rule(const struct channel_rule *rules, uint32_t type)
{
    for (; rules != NULL && rules->type != 0; rules++)
        if (rules->type == type)
            return rules;
    return NULL;
}

/* Run the handler and send what it says. */
static int
answer_question(struct channel *c, const struct channel_rule *rule, const struct channel_header *h,
                struct channel_question *q, int64_t deadline_us, struct err *err)
{
    struct channel_header head = { .type = h->type | CHANNEL_ANSWER, .number = h->number };
    struct err failure = { 0 };
    int rc;

    buf_clear(&c->answer);
    c->answer.failed = false;
    q->answer = &c->answer;
    rc = rule->handler(c->self, q, &failure);
    if (rc == 0)
        rc = buf_check(&c->answer, &failure);
    if (rc == 0) {
        rc = send_message(c, head, buf_view(&c->answer), q->answer_fds, q->answer_nfds, deadline_us,
                          err);
    } else {
        char texts[sizeof(failure.msg) + sizeof(failure.detail)];

        memcpy(texts, failure.msg, sizeof(failure.msg));
        memcpy(texts + sizeof(failure.msg), failure.detail, sizeof(failure.detail));
        head.kind = failure.kind != ERR_OK ? (uint32_t)failure.kind : (uint32_t)ERR_IO;
        rc = send_message(c, head, text_from(texts, sizeof(texts)), NULL, 0, deadline_us, err);
    }
    close_all(q->answer_fds, q->answer_nfds);
    return rc;
}

static int
take_question(struct channel *c, int64_t deadline_us, struct channel_question *q, struct err *err)
{
    const struct channel_rule *rule;
    struct channel_header h;
    size_t n;
    int rc = channel_receive(c->fd, c->packet, c->room, &n, q->fds, &q->nfds, deadline_us, err);

    if (rc != 0)
        return rc;
    if (n < sizeof(h))
        return err_set(err, ERR_INVALID, "a packet is too short");
    memcpy(&h, c->packet, sizeof(h));
    rule = find_rule(c->rules, h.type);
    if (rule == NULL)
        return err_set(err, ERR_INVALID, "message %u is not in the channel's table", h.type);
    if (n - sizeof(h) > rule->max || q->nfds > rule->fds)
        return err_set(err, ERR_INVALID, "message %u is larger than its rule allows", h.type);
    q->type = h.type;
    q->body = text_from(c->packet + sizeof(h), n - sizeof(h));
    return answer_question(c, rule, &h, q, deadline_us, err);
}

int
channel_serve(struct channel *c, int64_t deadline_us, struct err *err)
{
    struct channel_question q = { 0 };
    int rc;

    if (c->fd < 0)
        return err_set(err, ERR_CLOSED, "the channel is closed");
    rc = take_question(c, deadline_us, &q, err);
    close_all(q.fds, q.nfds);
    if (rc != 0 && err->kind != ERR_TIMEOUT)
        shut(c);
    return rc;
}

static int
take_failure(const struct channel_header *h, struct text body, struct err *err)
{
    enum err_kind kind = h->kind <= ERR_IO ? (enum err_kind)h->kind : ERR_IO;
    struct err told = { 0 };

    if (body.n != sizeof(told.msg) + sizeof(told.detail))
        return err_set(err, ERR_INVALID, "an answer is not as the channel says");
    memcpy(told.msg, body.p, sizeof(told.msg) - 1);
    memcpy(told.detail, body.p + sizeof(told.msg), sizeof(told.detail) - 1);
    (void)err_set(err, kind, "%s", told.msg);
    if (told.detail[0] != '\0')
        (void)err_note(err, "%s", told.detail);
    return -1;
}

/* Wait for the answer to ${number}; answers to questions given up earlier are thrown away (C3). */
static int
await_answer(struct channel *c, uint32_t type, struct channel_fds *fds, int64_t deadline_us,
             struct channel_header *h, size_t *n, struct err *err)
{
    for (;;) {
        int rc =
            channel_receive(c->fd, c->packet, c->room, n, fds->got, &fds->got_n, deadline_us, err);

        if (rc == 1)
            return err_set(err, ERR_CLOSED, "the other process has gone");
        if (rc != 0)
            return -1;
        if (*n >= sizeof(*h)) {
            memcpy(h, c->packet, sizeof(*h));
            if (h->number == c->number && h->type == (type | CHANNEL_ANSWER))
                return 0;
        }
        close_all(fds->got, fds->got_n);
        fds->got_n = 0;
        if (*n < sizeof(*h) || h->number >= c->number)
            return err_set(err, ERR_INVALID, "an answer is not as the channel says");
    }
}

static int
ask_in_turn(struct channel *c, uint32_t type, struct text body, struct channel_fds *fds,
            int64_t deadline_us, struct buf *answer, struct err *err)
{
    struct channel_header h = { .type = type, .number = ++c->number };
    struct text got;
    size_t n = 0;

    if (c->fd < 0)
        return err_set(err, ERR_CLOSED, "the channel is closed");
    if (send_message(c, h, body, fds->send, fds->send_n, deadline_us, err) != 0 ||
        await_answer(c, type, fds, deadline_us, &h, &n, err) != 0) {
        if (err->kind != ERR_TIMEOUT && err->kind != ERR_TOO_LARGE)
            shut(c);
        return -1;
    }
    got = text_from(c->packet + sizeof(h), n - sizeof(h));
    if (h.kind != ERR_OK) {
        close_all(fds->got, fds->got_n);
        fds->got_n = 0;
        return take_failure(&h, got, err);
    }
    buf_clear(answer);
    buf_text(answer, got);
    return 0;
}

int
channel_ask_fds(struct channel *c, uint32_t type, struct text body, struct channel_fds *fds,
                int64_t deadline_us, struct buf *answer, struct err *err)
{
    int rc;

    fds->got_n = 0;
    (void)pthread_mutex_lock(&c->turn);
    rc = ask_in_turn(c, type, body, fds, deadline_us, answer, err);
    (void)pthread_mutex_unlock(&c->turn);
    if (rc == 0 && buf_check(answer, err) != 0) {
        close_all(fds->got, fds->got_n);
        fds->got_n = 0;
        return -1;
    }
    return rc;
}

int
channel_ask(struct channel *c, uint32_t type, struct text body, int64_t deadline_us,
            struct buf *answer, struct err *err)
{
    struct channel_fds fds = { 0 };
    int rc = channel_ask_fds(c, type, body, &fds, deadline_us, answer, err);

    if (rc == 0)
        close_all(fds.got, fds.got_n);
    return rc;
}
