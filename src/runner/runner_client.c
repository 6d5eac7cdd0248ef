#include "runner/runner_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

/* One question under way; lives on the asker's stack, in the list while unanswered. */
struct call {
    struct call *next;
    uint64_t number;
    struct runner_packet *packet; /* the question, then the answer */
    int fds[RUNNER_LOG_FDS_MAX];
    size_t nfds;
    bool answered;
    bool closed;
};

struct runner {
    runner_observer *observer;
    void *self;
    pthread_t reader;
    int wake[2];
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t news;
    int fd;     /* read by the reader only, closed by it only */
    int new_fd; /* what the reader is to take up; -1 */
    bool ending;
    uint64_t number;
    struct call *calls;
};

/* ---- the reader ---- */

static void
end_channel(struct runner *r)
{
    (void)pthread_mutex_lock(&r->lock);
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    for (struct call *c = r->calls; c != NULL; c = c->next)
        c->closed = true;
    (void)pthread_cond_broadcast(&r->news);
    (void)pthread_mutex_unlock(&r->lock);
}

static void
deliver(struct runner *r, const struct runner_packet *packet, const int *fds, size_t nfds)
{
    size_t taken = 0;

    (void)pthread_mutex_lock(&r->lock);
    for (struct call *c = r->calls; c != NULL; c = c->next) {
        if (c->number != packet->number || c->answered)
            continue;
        memcpy(c->packet, packet, message_length(packet));
        for (; taken < nfds; taken++)
            c->fds[taken] = fds[taken];
        c->nfds = nfds;
        c->answered = true;
    }
    (void)pthread_cond_broadcast(&r->news);
    (void)pthread_mutex_unlock(&r->lock);
    for (; taken < nfds; taken++) /* the asker gave up waiting */
        (void)close(fds[taken]);
}

static void
read_channel(struct runner *r, struct runner_packet *packet)
{
    int fds[RUNNER_LOG_FDS_MAX];
    struct err err = { 0 };
    size_t nfds = 0;
    int rc = message_receive(r->fd, packet, fds, &nfds, &err);

    if (rc == 0 && packet->type == RUNNER_EVENT)
        r->observer(r->self, packet->body.group.id);
    else if (rc == 0 && packet->type == RUNNER_ANSWER)
        deliver(r, packet, fds, nfds);
    else
        end_channel(r);
}

/* What attach and free left for us; false: end. */
static bool
take_orders(struct runner *r)
{
    bool ending, fresh = false;
    char bytes[16];

    (void)!read(r->wake[0], bytes, sizeof(bytes));
    (void)pthread_mutex_lock(&r->lock);
    ending = r->ending;
    if (r->new_fd >= 0) {
        if (r->fd >= 0)
            (void)close(r->fd);
        for (struct call *c = r->calls; c != NULL; c = c->next)
            c->closed = true;
        r->fd = r->new_fd;
        r->new_fd = -1;
        fresh = true;
        (void)pthread_cond_broadcast(&r->news);
    }
    (void)pthread_mutex_unlock(&r->lock);
    if (fresh && !ending)
        r->observer(r->self, NULL);
    return !ending;
}

static void *
read_always(void *self)
{
    struct runner *r = self;
    struct runner_packet *packet = mem_zalloc(sizeof(*packet));

    while (packet != NULL) {
        struct pollfd p[] = { { r->wake[0], POLLIN, 0 }, { r->fd, POLLIN, 0 } };

        if (poll(p, 2, -1) < 0)
            continue;
        if (p[0].revents != 0) {
            if (!take_orders(r))
                break;
        } else if (p[1].revents != 0) {
            read_channel(r, packet);
        }
    }
    mem_free(packet);
    end_channel(r);
    return NULL;
}

/* ---- the object ---- */

static int
start_reader(struct runner *r, struct err *err)
{
    pthread_condattr_t attr;
    int rc;

    if (pipe2(r->wake, O_CLOEXEC) != 0)
        return err_sys(err, errno, "cannot make a pipe");
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r->news, &attr);
    (void)pthread_condattr_destroy(&attr);
    rc = pthread_create(&r->reader, NULL, read_always, r);
    if (rc == 0)
        return 0;
    (void)close(r->wake[0]);
    (void)close(r->wake[1]);
    return err_sys(err, rc, "cannot start a thread");
}

struct runner *
runner_new(runner_observer *observer, void *self, struct err *err)
{
    struct runner *r = mem_zalloc(sizeof(*r));

    if (r == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    r->observer = observer;
    r->self = self;
    r->fd = r->new_fd = -1;
    if (start_reader(r, err) == 0)
        return r;
    mem_free(r);
    return NULL;
}

static void
wake(struct runner *r)
{
    (void)!write(r->wake[1], "", 1);
}

void
runner_free(struct runner *r)
{
    if (r == NULL)
        return;
    (void)pthread_mutex_lock(&r->lock);
    r->ending = true;
    (void)pthread_mutex_unlock(&r->lock);
    wake(r);
    (void)pthread_join(r->reader, NULL);
    (void)close(r->wake[0]);
    (void)close(r->wake[1]);
    (void)pthread_cond_destroy(&r->news);
    (void)pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

int
runner_attach(struct runner *r, int fd, struct err *err)
{
    if (fcntl(fd, F_GETFD) < 0)
        return err_sys(err, errno, "the runner's channel is not open");
    (void)pthread_mutex_lock(&r->lock);
    if (r->new_fd >= 0)
        (void)close(r->new_fd);
    r->new_fd = fd;
    (void)pthread_mutex_unlock(&r->lock);
    wake(r);
    return 0;
}

bool
runner_attached(struct runner *r)
{
    bool yes;

    (void)pthread_mutex_lock(&r->lock);
    yes = r->fd >= 0 || r->new_fd >= 0;
    (void)pthread_mutex_unlock(&r->lock);
    return yes;
}

/* ---- asking ---- */

static struct timespec
deadline_of(int64_t us)
{
    return (struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
}

/* With the lock held: until it is answered, closed or too late. */
static int
await(struct runner *r, const struct call *c, int64_t deadline_us, struct err *err)
{
    struct timespec until = deadline_of(deadline_us);

    while (!c->answered && !c->closed)
        if (pthread_cond_timedwait(&r->news, &r->lock, &until) == ETIMEDOUT)
            break;
    if (c->answered)
        return 0;
    if (c->closed)
        return err_set(err, ERR_CLOSED, "the container runner went away");
    return err_set(err, ERR_TIMEOUT, "the container runner did not answer in time");
}

/* A channel just attached may not have reached the reader yet: give it the call's own time. */
static int
await_channel(struct runner *r, int64_t deadline_us)
{
    struct timespec until = deadline_of(deadline_us);

    while (r->new_fd >= 0)
        if (pthread_cond_timedwait(&r->news, &r->lock, &until) == ETIMEDOUT)
            break;
    return r->new_fd >= 0 ? -1 : r->fd;
}

static void
unlink_call(struct runner *r, const struct call *c)
{
    for (struct call **at = &r->calls; *at != NULL; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            return;
        }
}

static int
ask_locked(struct runner *r, struct call *c, int fd, int64_t deadline_us, struct err *err)
{
    int rc;

    if (await_channel(r, deadline_us) < 0)
        return err_set(err, ERR_BUSY, "the container runner is not running; try again soon");
    c->number = ++r->number;
    c->packet->protocol = RUNNER_PROTOCOL;
    c->packet->number = c->number;
    c->next = r->calls;
    r->calls = c;
    /* Sent under the lock: the reader cannot close the descriptor meanwhile. */
    rc = message_send(r->fd, c->packet, &fd, fd >= 0 ? 1 : 0, err);
    if (rc == 0)
        rc = await(r, c, deadline_us, err);
    unlink_call(r, c);
    return rc;
}

static int
ask(struct runner *r, struct call *c, int fd, int64_t deadline_us, struct err *err)
{
    int rc;

    (void)pthread_mutex_lock(&r->lock);
    rc = ask_locked(r, c, fd, deadline_us, err);
    (void)pthread_mutex_unlock(&r->lock);
    if (rc == 0 && message_error(&c->packet->body.answer.failure, err) != 0)
        rc = -1;
    return rc;
}

static struct runner_packet *
question(enum runner_type type, const char *group_id, struct err *err)
{
    struct runner_packet *p;

    if (group_id != NULL && !id_is(text_of(group_id))) {
        (void)err_set(err, ERR_INVALID, "a group's id is a UUID");
        return NULL;
    }
    p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    p->type = type;
    if (group_id != NULL)
        memcpy(p->body.group.id, group_id, ID_LEN);
    return p;
}

/* ---- the questions ---- */

int
runner_hello(struct runner *r, int64_t deadline_us, struct runner_hello *out, struct err *err)
{
    OWN_MEM(struct runner_packet) p = question(RUNNER_HELLO, NULL, err);
    struct call c = { .packet = p };

    if (p == NULL || ask(r, &c, -1, deadline_us, err) != 0)
        return -1;
    *out = p->body.answer.hello;
    return 0;
}

int
runner_layer_have(struct runner *r, int64_t deadline_us, const struct digest *diff_id,
                  struct err *err)
{
    OWN_MEM(struct runner_packet) p = question(RUNNER_LAYER_HAVE, NULL, err);
    struct call c = { .packet = p };

    if (p == NULL)
        return -1;
    p->body.layer.diff_id = *diff_id;
    if (ask(r, &c, -1, deadline_us, err) != 0)
        return -1;
    return p->body.answer.found != 0 ? 0 : 1;
}

int
runner_unpack(struct runner *r, int64_t deadline_us, int blob_fd, const struct digest *diff_id,
              enum runner_media media, struct err *err)
{
    OWN_MEM(struct runner_packet) p = question(RUNNER_UNPACK, NULL, err);
    struct call c = { .packet = p };

    if (p == NULL)
        return -1;
    p->body.layer.diff_id = *diff_id;
    p->body.layer.media = media;
    return ask(r, &c, blob_fd, deadline_us, err);
}

static int
seal_plan(const struct plan *plan, struct err *err)
{
    OWN_BUF(bytes, PLAN_BYTES_MAX);
    OWN_FD fd = -1;

    if (plan_encode(plan, &bytes, err) != 0)
        return -1;
    fd = memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return err_sys(err, errno, "cannot write a plan to memory");
    return give_fd(&fd);
}

int
runner_start(struct runner *r, int64_t deadline_us, const struct plan *plan, struct err *err)
{
    OWN_FD fd = seal_plan(plan, err);
    OWN_MEM(struct runner_packet) p = question(RUNNER_START, NULL, err);
    struct call c = { .packet = p };

    if (fd < 0 || p == NULL)
        return -1;
    return ask(r, &c, fd, deadline_us, err);
}

int
runner_state(struct runner *r, int64_t deadline_us, const char *group_id,
             struct runner_group_state *out, struct err *err)
{
    OWN_MEM(struct runner_packet) p = question(RUNNER_STATE, group_id, err);
    struct call c = { .packet = p };

    if (p == NULL || ask(r, &c, -1, deadline_us, err) != 0)
        return -1;
    if (p->body.answer.found == 0)
        return 1;
    *out = p->body.answer.state;
    return 0;
}

int
runner_log(struct runner *r, int64_t deadline_us, const char *group_id, const char *container,
           bool previous, int fds[static RUNNER_LOG_FDS_MAX], size_t *nfds, struct err *err)
{
    OWN_MEM(struct runner_packet) p = question(RUNNER_LOG, group_id, err);
    struct call c = { .packet = p };

    if (p == NULL)
        return -1;
    if (!text_copy(text_of(container), p->body.group.container, sizeof(p->body.group.container)))
        return 1;
    p->body.group.previous = previous;
    if (ask(r, &c, -1, deadline_us, err) != 0)
        return -1;
    if (c.nfds == 0)
        return 1;
    memcpy(fds, c.fds, c.nfds * sizeof(int));
    *nfds = c.nfds;
    return 0;
}

int
runner_stop(struct runner *r, int64_t deadline_us, const char *group_id, uint32_t grace_ms,
            struct err *err)
{
    OWN_MEM(struct runner_packet) p = question(RUNNER_STOP, group_id, err);
    struct call c = { .packet = p };

    if (p == NULL)
        return -1;
    p->body.group.grace_ms = grace_ms;
    if (ask(r, &c, -1, deadline_us, err) != 0)
        return -1;
    return p->body.answer.found != 0 ? 0 : 1;
}

int
runner_delete(struct runner *r, int64_t deadline_us, const char *group_id, struct err *err)
{
    OWN_MEM(struct runner_packet) p = question(RUNNER_DELETE, group_id, err);
    struct call c = { .packet = p };

    return p == NULL ? -1 : ask(r, &c, -1, deadline_us, err);
}

int
runner_list(struct runner *r, int64_t deadline_us, char (**ids)[ID_LEN + 1], size_t *count,
            struct err *err)
{
    OWN_MEM(struct runner_packet) p = question(RUNNER_LIST, NULL, err);
    char(*all)[ID_LEN + 1] = NULL;
    size_t n = 0;
    bool more = p != NULL;

    while (more) {
        struct call c = { .packet = p };
        void *grown;

        *p = (struct runner_packet){ .type = RUNNER_LIST };
        p->body.group.after = (uint32_t)n;
        if (ask(r, &c, -1, deadline_us, err) != 0)
            break;
        more = p->body.answer.ids.more != 0;
        grown = mem_grow(all, (n + p->body.answer.ids.count + 1) * sizeof(*all));
        if (grown == NULL) {
            (void)err_memory(err);
            break;
        }
        all = grown;
        memcpy(all + n, p->body.answer.ids.id, p->body.answer.ids.count * sizeof(*all));
        n += p->body.answer.ids.count;
    }
    if (err->kind != ERR_OK) {
        mem_free(all);
        return -1;
    }
    *ids = all;
    *count = n;
    return 0;
}

static bool
in_list(const char (*ids)[ID_LEN + 1], size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(ids[i], id) == 0)
            return true;
    return false;
}

/* The list is compared here, so that it may be of any length. */
int
runner_keep(struct runner *r, int64_t deadline_us, const char (*ids)[ID_LEN + 1], size_t count,
            struct err *err)
{
    char(*there)[ID_LEN + 1] = NULL;
    size_t n = 0;
    int rc;

    if (count <= RUNNER_LIST_MAX) {
        OWN_MEM(struct runner_packet) p = question(RUNNER_KEEP, NULL, err);
        struct call c = { .packet = p };

        if (p == NULL)
            return -1;
        p->body.ids.count = (uint32_t)count;
        if (count > 0)
            memcpy(p->body.ids.id, ids, count * sizeof(*ids));
        return ask(r, &c, -1, deadline_us, err);
    }
    rc = runner_list(r, deadline_us, &there, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!in_list(ids, count, there[i]))
            rc = runner_delete(r, deadline_us, there[i], err);
    mem_free(there);
    return rc;
}
