#include "runner/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "runner/crilog.h"
#include "runner/launch.h"
#include "runner/layer.h"

#define JOBS_MAX 16 /* layers being unpacked, groups being removed */

/* Something a child of ours does, to be answered when it has ended. */
struct job {
    bool used;
    uint32_t question;
    uint64_t number;
    int pidfd;
    pid_t pid;
    struct layer_job layer;
};

struct server {
    struct host *host;
    int fd;
    const char *why;
    struct job jobs[JOBS_MAX];
    struct runner_packet in, out;
    int fds[RUNNER_LOG_FDS_MAX];
    size_t nfds;
};

/* 0: send s->out; 1: the answer comes later; -1: send the failure. */
typedef int handler(struct server *s, struct err *err);

/* ---- answers ---- */

static int
send_answer(struct server *s, uint64_t number, uint32_t question, const struct err *failure,
            const int *fds, size_t nfds, struct err *err)
{
    s->out.protocol = RUNNER_PROTOCOL;
    s->out.type = RUNNER_ANSWER;
    s->out.number = number;
    s->out.body.answer.question = question;
    message_failure(&s->out.body.answer.failure, failure);
    return message_send(s->fd, &s->out, fds, nfds, err);
}

static int
send_event(struct server *s, const char *id, struct err *err)
{
    s->out.protocol = RUNNER_PROTOCOL;
    s->out.type = RUNNER_EVENT;
    s->out.number = 0;
    memset(&s->out.body.group, 0, sizeof(s->out.body.group));
    memcpy(s->out.body.group.id, id, ID_LEN);
    return message_send(s->fd, &s->out, NULL, 0, err);
}

static struct job *
free_job(struct server *s, struct err *err)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (!s->jobs[i].used)
            return &s->jobs[i];
    (void)err_set(err, ERR_BUSY, "%d layers and groups are under way already; try again", JOBS_MAX);
    return NULL;
}

static int
watch_job(struct server *s, struct job *job, pid_t pid, struct err *err)
{
    job->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (job->pidfd < 0)
        return err_sys(err, errno, "cannot watch a child");
    job->used = true;
    job->pid = pid;
    job->question = s->in.type;
    job->number = s->in.number;
    return 1;
}

static int
finish_job(struct server *s, struct job *job, struct err *err)
{
    struct err failure = { 0 };
    struct layer_count count = { 0 };

    (void)close(job->pidfd);
    job->used = false;
    memset(&s->out.body.answer, 0, sizeof(s->out.body.answer));
    if (job->question == RUNNER_UNPACK) {
        if (layer_end(s->host, &job->layer, &count, &failure) == 0) {
            s->out.body.answer.unpack.entries = count.entries;
            s->out.body.answer.unpack.bytes = count.bytes;
            s->out.body.answer.unpack.skipped = count.skipped;
        }
    } else if (launch_end(job->pid) != 0) {
        (void)err_set(&failure, ERR_IO, "not every file of the group could be removed");
    }
    return send_answer(s, job->number, job->question, &failure, NULL, 0, err);
}

/* ---- questions ---- */

static int
on_hello(struct server *s, struct err *err)
{
    struct runner_hello *hello = &s->out.body.answer.hello;
    const struct host *h = s->host;
    char address[16];

    (void)err;
    hello->ready = s->why[0] == '\0';
    hello->cgroup_version = h->cgroup.version;
    (void)text_copy(text_of(h->runtime != NULL ? h->runtime->name : ""), hello->runtime,
                    sizeof(hello->runtime));
    (void)text_copy(text_of(h->runtime_version), hello->runtime_version,
                    sizeof(hello->runtime_version));
    place_address_text(h->place.subnet, address);
    (void)snprintf(hello->subnet, sizeof(hello->subnet), "%s/16", address);
    (void)text_copy(text_of(s->why), hello->why, sizeof(hello->why));
    return 0;
}

static int
on_layer_have(struct server *s, struct err *err)
{
    (void)err;
    s->out.body.answer.found = layer_have(s->host, &s->in.body.layer.diff_id);
    return 0;
}

static int
on_unpack(struct server *s, struct err *err)
{
    struct job *job = free_job(s, err);

    if (job == NULL)
        return -1;
    if (layer_have(s->host, &s->in.body.layer.diff_id))
        return 0;
    if (layer_begin(s->host, s->fds[0], &s->in.body.layer.diff_id,
                    (enum runner_media)s->in.body.layer.media, &job->layer, err) != 0)
        return -1;
    return watch_job(s, job, job->layer.pid, err);
}

static int
on_start(struct server *s, struct err *err)
{
    OWN_MEM(char) bytes = NULL;
    struct stat st;
    ssize_t n;

    if (s->why[0] != '\0')
        return err_set(err, ERR_UNSUPPORTED, "containers cannot run here: %s", s->why);
    if (fstat(s->fds[0], &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > PLAN_BYTES_MAX)
        return err_set(err, ERR_INVALID, "the plan is no memory file, or too large");
    /* A private copy: whatever the sender still does to its memfd does not matter. */
    bytes = mem_zalloc((size_t)st.st_size + 1);
    if (bytes == NULL)
        return err_memory(err);
    n = pread(s->fds[0], bytes, (size_t)st.st_size, 0);
    if (n < 0)
        return err_sys(err, errno, "cannot read a plan");
    return group_start(s->host, text_from(bytes, (size_t)n), err);
}

static int
on_state(struct server *s, struct err *err)
{
    struct group *g = group_find(s->host, s->in.body.group.id);

    (void)err;
    s->out.body.answer.found = g != NULL;
    if (g != NULL)
        memcpy(&s->out.body.answer.state, g->state,
               offsetof(struct runner_group_state, containers) +
                   g->state->container_count * sizeof(g->state->containers[0]));
    return 0;
}

static int
on_log(struct server *s, struct err *err)
{
    const struct runner_packet *q = &s->in;
    char path[ID_LEN + 8];
    OWN_FD logs = -1;
    int fds[CRILOG_FILES];
    struct err none = { 0 };
    size_t n = 0;
    int rc;

    (void)snprintf(path, sizeof(path), "%s/logs", q->body.group.id);
    if (group_find(s->host, q->body.group.id) != NULL)
        logs =
            openat(s->host->place.groups_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (logs >= 0)
        n = crilog_files(logs, q->body.group.container, q->body.group.previous != 0, fds);
    s->out.body.answer.found = n > 0;
    s->out.body.answer.log.count = (uint32_t)n;
    rc = send_answer(s, q->number, q->type, &none, fds, n, err);
    for (size_t i = 0; i < n; i++)
        (void)close(fds[i]);
    return rc == 0 ? 1 : -1;
}

static int
on_stop(struct server *s, struct err *err)
{
    struct group *g = group_find(s->host, s->in.body.group.id);

    s->out.body.answer.found = g != NULL;
    if (g == NULL)
        return 0;
    if (g->control < 0)
        return err_set(err, ERR_BUSY, "the group's supervisor is not there; try again");
    return message_send(g->control, &s->in, NULL, 0, err);
}

static int
on_delete(struct server *s, struct err *err)
{
    struct job *job = free_job(s, err);
    pid_t rest = 0;

    if (job == NULL || group_remove(s->host, s->in.body.group.id, &rest, err) != 0)
        return -1;
    return rest > 0 ? watch_job(s, job, rest, err) : 0;
}

static int
on_list(struct server *s, struct err *err)
{
    struct runner_ids *ids = &s->out.body.answer.ids;
    uint32_t at = 0;

    (void)err;
    for (const struct group *g = s->host->groups; g != NULL; g = g->next, at++) {
        if (at < s->in.body.group.after)
            continue;
        if (ids->count == RUNNER_LIST_MAX) {
            ids->more = 1;
            break;
        }
        memcpy(ids->id[ids->count++], g->id, sizeof(g->id));
    }
    return 0;
}

static bool
is_kept(const struct runner_ids *ids, const char *id)
{
    for (uint32_t i = 0; i < ids->count; i++)
        if (strcmp(ids->id[i], id) == 0)
            return true;
    return false;
}

static int
on_keep(struct server *s, struct err *err)
{
    struct group *next;

    if (s->in.body.ids.more != 0)
        return err_set(err, ERR_TOO_LARGE, "at most %d groups can be kept at once",
                       RUNNER_LIST_MAX);
    for (struct group *g = s->host->groups; g != NULL; g = next) {
        next = g->next;
        if (!is_kept(&s->in.body.ids, g->id) && group_remove_whole(s->host, g->id, err) != 0)
            return -1;
    }
    return 0;
}

/* All a daemon can make this process do. */
static const struct {
    uint32_t type;
    handler *fn;
} table[] = {
    { RUNNER_HELLO, on_hello }, { RUNNER_LAYER_HAVE, on_layer_have }, { RUNNER_UNPACK, on_unpack },
    { RUNNER_START, on_start }, { RUNNER_STATE, on_state },           { RUNNER_LOG, on_log },
    { RUNNER_STOP, on_stop },   { RUNNER_DELETE, on_delete },         { RUNNER_LIST, on_list },
    { RUNNER_KEEP, on_keep },
};

static int
answer_question(struct server *s, struct err *err)
{
    struct err failure = { 0 };
    handler *fn = NULL;
    int rc;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].type == s->in.type)
            fn = table[i].fn;
    if (fn == NULL || message_descriptors(&s->in) != s->nfds)
        return err_set(err, ERR_INVALID, "a message of type %u is not in the table", s->in.type);
    memset(&s->out, 0, sizeof(s->out));
    rc = fn(s, &failure);
    if (rc == 1)
        return 0;
    if (rc < 0)
        log_err(LOG_LEVEL_WARNING, "a question failed", NULL, &failure);
    return send_answer(s, s->in.number, s->in.type, &failure, NULL, 0, err);
}

static int
serve_channel(struct server *s, struct err *err)
{
    int rc = message_receive(s->fd, &s->in, s->fds, &s->nfds, err);

    if (rc != 0)
        return rc;
    rc = answer_question(s, err);
    for (size_t i = 0; i < s->nfds; i++)
        (void)close(s->fds[i]);
    return rc;
}

/* ---- the loop ---- */

struct watched {
    struct pollfd *p;
    struct group **group; /* whose it is, or NULL */
    size_t n, cap;
};

static int
watch(struct watched *w, int fd, struct group *g)
{
    if (w->n == w->cap) {
        size_t cap = w->cap * 2 + 64;
        struct pollfd *p = mem_grow(w->p, cap * sizeof(*p));
        struct group **groups;

        if (p == NULL)
            return -1;
        w->p = p;
        groups = mem_grow(w->group, cap * sizeof(struct group *));
        if (groups == NULL)
            return -1;
        w->group = groups;
        w->cap = cap;
    }
    w->group[w->n] = g;
    w->p[w->n++] = (struct pollfd){ fd, POLLIN, 0 };
    return 0;
}

/* The channel first, then the jobs, then two per group; when the earliest revival is due. */
static int
watch_all(struct server *s, struct watched *w, int64_t *due_us)
{
    int rc;

    *due_us = INT64_MAX;
    w->n = 0;
    rc = watch(w, s->fd, NULL);
    for (size_t i = 0; i < JOBS_MAX; i++)
        rc |= watch(w, s->jobs[i].used ? s->jobs[i].pidfd : -1, NULL);
    for (struct group *g = s->host->groups; g != NULL; g = g->next) {
        rc |= watch(w, g->control, g);
        rc |= watch(w, g->pidfd, g);
        if (g->revive_us != 0 && g->revive_us < *due_us)
            *due_us = g->revive_us;
    }
    return rc;
}

static int
serve_groups(struct server *s, const struct watched *w, struct err *err)
{
    for (size_t i = 1 + JOBS_MAX; i + 1 < w->n; i += 2) {
        struct group *g = w->group[i];
        bool changed = w->p[i].revents != 0 && group_heard(s->host, g);

        if (w->p[i + 1].revents != 0) {
            group_lost(s->host, g);
            changed = true;
        }
        if (changed && send_event(s, g->id, err) != 0)
            return -1;
    }
    return 0;
}

static int
revive_due(struct server *s, struct err *err)
{
    int64_t now_us = clock_mono_us();

    for (struct group *g = s->host->groups; g != NULL; g = g->next)
        if (g->revive_us != 0 && g->revive_us <= now_us) {
            group_revive(s->host, g);
            if (send_event(s, g->id, err) != 0)
                return -1;
        }
    return 0;
}

static int
turn(struct server *s, struct watched *w, struct err *err)
{
    int64_t due_us, now_us;
    int timeout = -1;

    if (revive_due(s, err) != 0)
        return -1;
    if (watch_all(s, w, &due_us) != 0)
        return err_memory(err);
    now_us = clock_mono_us();
    if (due_us != INT64_MAX)
        timeout = due_us > now_us ? (int)((due_us - now_us) / 1000 + 1) : 0;
    if (poll(w->p, w->n, timeout) < 0)
        return errno == EINTR ? 0 : err_sys(err, errno, "cannot wait");
    if (serve_groups(s, w, err) != 0)
        return -1;
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (w->p[1 + i].revents != 0 && finish_job(s, &s->jobs[i], err) != 0)
            return -1;
    return w->p[0].revents != 0 ? serve_channel(s, err) : 0;
}

int
serve(struct host *h, int fd, const char *why, struct err *err)
{
    struct server *s = mem_zalloc(sizeof(*s));
    struct watched w = { 0 };
    int rc = 0;

    if (s == NULL)
        return err_memory(err);
    s->host = h;
    s->fd = fd;
    s->why = why;
    while (rc == 0)
        rc = turn(s, &w, err);
    if (rc < 0 && err->kind == ERR_CLOSED) {
        err_clear(err);
        rc = 1;
    }
    mem_free(w.p);
    mem_free(w.group);
    mem_free(s);
    return rc == 1 ? 0 : -1;
}
