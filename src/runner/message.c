#include "runner/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER offsetof(struct runner_packet, body)

/* Bytes of the part of ${body} that ends with the last byte of ${field}. */
#define BODY_UPTO(field)                                                                           \
    (offsetof(struct runner_packet, body.field) + sizeof(((struct runner_packet *)0)->body.field))
#define ANSWER_UPTO BODY_UPTO(answer.found)

/* Which descriptors and body a question has. */
static const struct {
    size_t length;
    size_t fds;
} questions[] = {
    [RUNNER_HELLO] = { HEADER, 0 },
    [RUNNER_LAYER_HAVE] = { BODY_UPTO(layer), 0 },
    [RUNNER_UNPACK] = { BODY_UPTO(layer), 1 },
    [RUNNER_START] = { HEADER, 1 },
    [RUNNER_STATE] = { BODY_UPTO(group), 0 },
    [RUNNER_LOG] = { BODY_UPTO(group), 0 },
    [RUNNER_STOP] = { BODY_UPTO(group), 0 },
    [RUNNER_DELETE] = { BODY_UPTO(group), 0 },
    [RUNNER_LIST] = { BODY_UPTO(group), 0 },
    [RUNNER_KEEP] = { BODY_UPTO(ids), 0 },
};

#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static size_t
answer_length(const struct runner_packet *packet)
{
    uint32_t containers = packet->body.answer.state.container_count;

    if (packet->body.answer.failure.kind != ERR_OK)
        return ANSWER_UPTO;
    switch (packet->body.answer.question) {
    case RUNNER_HELLO: return BODY_UPTO(answer.hello);
    case RUNNER_STATE:
        if (containers > PLAN_CONTAINERS_MAX)
            return 0;
        return offsetof(struct runner_packet, body.answer.state.containers) +
               containers * sizeof(struct runner_container_state);
    case RUNNER_LOG: return BODY_UPTO(answer.log);
    case RUNNER_LIST: return BODY_UPTO(answer.ids);
    case RUNNER_UNPACK: return BODY_UPTO(answer.unpack);
    default: return ANSWER_UPTO;
    }
}

size_t
message_length(const struct runner_packet *packet)
{
    if (packet->type == RUNNER_ANSWER)
        return answer_length(packet);
    if (packet->type == RUNNER_EVENT)
        return BODY_UPTO(group);
    return packet->type < QUESTIONS ? questions[packet->type].length : 0;
}

static bool
ends(const char *p, size_t n)
{
    return memchr(p, '\0', n) != NULL;
}

static bool
ids_end(const struct runner_ids *ids)
{
    if (ids->count > RUNNER_LIST_MAX)
        return false;
    for (uint32_t i = 0; i < ids->count; i++)
        if (!id_is(text_from(ids->id[i], ID_LEN)) || ids->id[i][ID_LEN] != '\0')
            return false;
    return true;
}

static bool
answer_ends(const struct runner_packet *packet)
{
    const struct runner_failure *failure = &packet->body.answer.failure;
    const struct runner_hello *hello = &packet->body.answer.hello;
    const struct runner_group_state *state = &packet->body.answer.state;

    if (!ends(failure->msg, sizeof(failure->msg)) ||
        !ends(failure->detail, sizeof(failure->detail)) || failure->kind > ERR_IO)
        return false;
    if (failure->kind != ERR_OK)
        return true;
    switch (packet->body.answer.question) {
    case RUNNER_HELLO:
        return ends(hello->runtime, sizeof(hello->runtime)) &&
               ends(hello->runtime_version, sizeof(hello->runtime_version)) &&
               ends(hello->subnet, sizeof(hello->subnet)) && ends(hello->why, sizeof(hello->why));
    case RUNNER_STATE:
        for (uint32_t i = 0; i < state->container_count; i++)
            if (!ends(state->containers[i].name, PLAN_NAME_MAX + 1) ||
                !ends(state->containers[i].message, RUNNER_MESSAGE_MAX))
                return false;
        return ends(state->id, sizeof(state->id)) && ends(state->address, sizeof(state->address));
    case RUNNER_LIST: return ids_end(&packet->body.answer.ids);
    default: return true;
    }
}

static bool
question_ends(const struct runner_packet *packet)
{
    switch (packet->type) {
    case RUNNER_LAYER_HAVE:
    case RUNNER_UNPACK:
        return packet->body.layer.diff_id.algorithm <= DIGEST_SHA512 &&
               packet->body.layer.media <= RUNNER_MEDIA_ZSTD;
    case RUNNER_STATE:
    case RUNNER_LOG:
    case RUNNER_STOP:
    case RUNNER_DELETE:
    case RUNNER_EVENT:
        return id_is(text_from(packet->body.group.id, ID_LEN)) &&
               packet->body.group.id[ID_LEN] == '\0' &&
               ends(packet->body.group.container, sizeof(packet->body.group.container)) &&
               strchr(packet->body.group.container, '/') == NULL &&
               packet->body.group.grace_ms <= PLAN_GRACE_MAX_MS;
    case RUNNER_KEEP: return ids_end(&packet->body.ids);
    default: return true;
    }
}

int
message_check(const struct runner_packet *packet, size_t n, struct err *err)
{
    if (n < HEADER || packet->protocol != RUNNER_PROTOCOL)
        return err_set(err, ERR_INVALID, "the runner's peer speaks another protocol");
    if (packet->type == RUNNER_ANSWER && n < ANSWER_UPTO)
        return err_set(err, ERR_INVALID, "a runner's answer is too short");
    if (packet->type == RUNNER_ANSWER && packet->body.answer.question == RUNNER_STATE &&
        packet->body.answer.failure.kind == ERR_OK &&
        n < offsetof(struct runner_packet, body.answer.state.containers))
        return err_set(err, ERR_INVALID, "a runner's state is too short");
    if (message_length(packet) != n)
        return err_set(err, ERR_INVALID, "a runner's message of type %u has a wrong length",
                       packet->type);
    if (packet->type == RUNNER_ANSWER ? !answer_ends(packet) : !question_ends(packet))
        return err_set(err, ERR_INVALID, "a runner's message of type %u is out of bounds",
                       packet->type);
    return 0;
}

size_t
message_descriptors(const struct runner_packet *packet)
{
    return packet->type < QUESTIONS ? questions[packet->type].fds : 0;
}

int
message_send(int fd, const struct runner_packet *packet, const int *fds, size_t nfds,
             struct err *err)
{
    union {
        char bytes[CMSG_SPACE(RUNNER_LOG_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    union { /* sendmsg() takes what it will not change as if it would */
        const void *in;
        void *out;
    } body = { .in = packet };
    struct iovec iov = { .iov_base = body.out, .iov_len = message_length(packet) };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (iov.iov_len == 0 || nfds > RUNNER_LOG_FDS_MAX)
        return err_set(err, ERR_INVALID, "no such message");
    if (nfds > 0) {
        struct cmsghdr *c = &control.align;

        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
    }
    while (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN)
            return err_set(err, ERR_BUSY, "the runner's channel is full");
        if (errno == EPIPE || errno == ECONNRESET)
            return err_set(err, ERR_CLOSED, "the runner's channel was closed");
        return err_sys(err, errno, "cannot send to the runner's channel");
    }
    return 0;
}

static size_t
take_descriptors(struct msghdr *msg, int fds[static RUNNER_LOG_FDS_MAX])
{
    size_t n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (n < RUNNER_LOG_FDS_MAX)
                fds[n++] = fd;
            else
                (void)close(fd);
        }
    }
    return n;
}

int
message_receive(int fd, struct runner_packet *packet, int fds[static RUNNER_LOG_FDS_MAX],
                size_t *nfds, struct err *err)
{
    union {
        char bytes[CMSG_SPACE(RUNNER_LOG_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    struct iovec iov = { .iov_base = packet, .iov_len = sizeof(*packet) };
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof(control.bytes) };
    ssize_t n;
    size_t got;

    do {
        n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return err_set(err, ERR_BUSY, "nothing to receive");
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return 1;
    if (n < 0)
        return err_sys(err, errno, "cannot receive from the runner's channel");
    got = take_descriptors(&msg, fds);
    if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
        message_check(packet, (size_t)n, err) != 0) {
        while (got > 0)
            (void)close(fds[--got]);
        return err_set(err, ERR_INVALID, "a runner's message is too long");
    }
    *nfds = got;
    return 0;
}

void
message_failure(struct runner_failure *out, const struct err *err)
{
    *out = (struct runner_failure){ .kind = (uint32_t)err->kind, .sys = err->sys };
    (void)text_copy(text_of(err->msg), out->msg, sizeof(out->msg));
    (void)text_copy(text_of(err->detail), out->detail, sizeof(out->detail));
}

int
message_error(const struct runner_failure *in, struct err *err)
{
    if (in->kind == ERR_OK)
        return 0;
    (void)err_set(err, (enum err_kind)in->kind, "%s", in->msg);
    err->sys = in->sys;
    return err_note(err, "%s", in->detail);
}
