#include "rt/keeper.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/channel.h"
#include "rt/child.h"

#define SPAWN      1u
#define CHANNEL_FD 3
#define ANSWER_MS  10000
#define GRACE_US   ((int64_t)KEEPER_GRACE_MS * 1000)

struct keeper {
    struct channel *channel;
    pid_t pid;
};

/* The keeper's own side. */
struct ward {
    const struct keeper_program *programs;
    size_t n;
    pid_t pids[KEEPER_PROGRAMS_MAX]; /* 0: not started */
};

/* The earlier process of a row: its channel has lost its other end, so it is ending (K2). */
static void
end_earlier(pid_t *pid)
{
    struct err err = { 0 };
    int status;

    if (*pid == 0)
        return;
    if (child_wait(*pid, clock_mono_us() + GRACE_US, &status, &err) != 0) {
        (void)kill(*pid, SIGKILL);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *pid = 0;
}

static int
start_row(struct ward *w, uint32_t index, int theirs, struct err *err)
{
    const struct keeper_program *p = &w->programs[index];
    const struct child_settings s = {
        .path = p->path,
        .argv = p->argv,
        .env = p->env,
        .fds = &theirs,
        .n_fds = 1,
        .change_user = p->change_user && geteuid() == 0,
        .uid = p->uid,
        .gid = p->gid,
        .new_session = p->new_session,
    };

    end_earlier(&w->pids[index]);
    return child_spawn(&s, &w->pids[index], err);
}

static int
on_spawn(void *self, struct channel_question *q, struct err *err)
{
    struct ward *w = self;
    int pair[2];
    OWN_FD theirs = -1;
    OWN_FD ours = -1;
    uint32_t index;

    if (q->body.n != sizeof(index))
        return err_set(err, ERR_INVALID, "the keeper takes the number of a row");
    memcpy(&index, q->body.p, sizeof(index));
    if (index >= w->n)
        return err_set(err, ERR_INVALID, "the keeper has no row %u", index);
    if (channel_pair(pair, err) != 0)
        return -1;
    ours = pair[0];
    theirs = pair[1];
    if (start_row(w, index, theirs, err) != 0)
        return -1;
    q->answer_fds[q->answer_nfds++] = give_fd(&ours);
    return 0;
}

static const struct channel_rule rules[] = {
    { SPAWN, sizeof(uint32_t), 0, on_spawn },
    { 0, 0, 0, NULL },
};

static void __attribute__((noreturn)) keep(int fd, const struct keeper_program *programs, size_t n)
{
    struct ward w = { .programs = programs, .n = n };
    struct err err = { 0 };
    struct channel *c;
    sigset_t all;

    /* TERM and INT are for holdfastd, of whose end the channel tells (K3). */
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    (void)prctl(PR_SET_NAME, "holdfast-keeper");
    if (dup2(fd, CHANNEL_FD) < 0 || syscall(SYS_close_range, CHANNEL_FD + 1, ~0u, 0) != 0 ||
        (c = channel_new(CHANNEL_FD, rules, &w, &err)) == NULL)
        _exit(1);
    while (channel_serve(c, CHANNEL_FOREVER, &err) == 0)
        ;
    _exit(0);
}

struct keeper *
keeper_start(const struct keeper_program *programs, size_t n, struct err *err)
{
    OWN(keeper) k = mem_zalloc(sizeof(*k));
    int pair[2];

    if (k == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    if (n > KEEPER_PROGRAMS_MAX) {
        (void)err_set(err, ERR_INVALID, "a keeper has at most %d programs", KEEPER_PROGRAMS_MAX);
        return NULL;
    }
    if (channel_pair(pair, err) != 0)
        return NULL;
    if ((k->pid = fork()) == 0)
        keep(pair[1], programs, n);
    (void)close(pair[1]);
    if (k->pid < 0) {
        (void)err_sys(err, errno, "cannot start the keeper");
        (void)close(pair[0]);
        return NULL;
    }
    if ((k->channel = channel_new(pair[0], NULL, NULL, err)) == NULL)
        return NULL;
    return GIVE(k);
}

void
keeper_free(struct keeper *k)
{
    if (k == NULL)
        return;
    channel_free(k->channel);
    if (k->pid > 0)
        while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    mem_free(k);
}

int
keeper_spawn(struct keeper *k, size_t index, int *fd, struct err *err)
{
    uint32_t row = (uint32_t)index;
    struct channel_fds fds = { 0 };
    OWN_BUF(answer, 64);

    if (index >= KEEPER_PROGRAMS_MAX)
        return err_set(err, ERR_INVALID, "the keeper has no such row");
    if (channel_ask_fds(k->channel, SPAWN, text_from(&row, sizeof(row)), &fds,
                        clock_mono_us() + (int64_t)ANSWER_MS * 1000, &answer, err) != 0)
        return -1;
    if (fds.got_n != 1)
        return err_set(err, ERR_IO, "the keeper gave no channel");
    *fd = fds.got[0];
    return 0;
}
