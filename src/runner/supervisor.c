/*
 * holdfast-supervisor - the first process of one container group; started by runnerd, needs nobody.
 *
 * It is PID 1 of a PID namespace of its own, in which the runtime and all containers live: when it
 * ends, however it ends, the kernel kills them all.
 */
#include "runner/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "runner/container.h"
#include "runner/etc.h"
#include "runner/journal.h"
#include "runner/launch.h"
#include "runner/power.h"

#define CLIENTS_MAX 4
#define LOG_FILE    2
#define ARENA_MAX   (4u * 1024 * 1024)
#define POLL_MAX    (3 + CLIENTS_MAX + PLAN_CONTAINERS_MAX * CRILOG_STREAMS)

struct supervisor {
    struct supervisor_brief brief;
    struct plan plan;
    struct container_group group;
    struct runner_group_state state;
    struct journal journal;
    struct container *containers;
    int listener;
    int signals;
    int clients[CLIENTS_MAX];
    struct runner_packet packet; /* large: one for all */
};

static void
complain(const struct err *err)
{
    dprintf(LOG_FILE, "%s; %s (%s, errno %d)\n", err->msg, err->detail, err->where, err->sys);
}

/* ---- setting up ---- */

/* Mounts of the host come and go as they did; ours are seen by nobody else. */
static int
private_mounts(struct err *err)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0 ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        return err_sys(err, errno, "cannot set up a group's mount namespace");
    return 0;
}

/* The folders we were handed lie in runnerd's mount namespace, where nothing of ours can be
 * mounted: open them again in our own. */
static int
reopen_folders(const struct supervisor *s, struct err *err)
{
    static const struct {
        int fd;
        size_t path;
    } folders[] = {
        { SUPERVISOR_FD_STATE, offsetof(struct supervisor_brief, state) },
        { SUPERVISOR_FD_RUN, offsetof(struct supervisor_brief, run) },
        { SUPERVISOR_FD_LAYERS, offsetof(struct supervisor_brief, layers) },
    };

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *path = (const char *)&s->brief + folders[i].path;
        OWN_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0 || dup3(fd, folders[i].fd, O_CLOEXEC) < 0)
            return err_sys(err, errno, "cannot open %s", path);
    }
    return 0;
}

static int
read_plan(struct supervisor *s, struct err *err)
{
    struct arena *arena = arena_new(ARENA_MAX); /* lives as long as we do */
    char *bytes = mem_zalloc(PLAN_BYTES_MAX);
    ssize_t n;

    if (arena == NULL || bytes == NULL)
        return err_memory(err);
    n = place_file_read(SUPERVISOR_FD_STATE, "plan", bytes, PLAN_BYTES_MAX, err);
    if (n < 0 || plan_decode(&s->plan, arena, text_from(bytes, (size_t)n), err) != 0)
        return -1;
    return 0;
}

static int
listen_for_clients(struct supervisor *s, struct err *err)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    /* By way of /proc, for paths longer than a socket's name may be. */
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/control", SUPERVISOR_FD_RUN);
    (void)unlinkat(SUPERVISOR_FD_RUN, "control", 0);
    s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        chmod(at.sun_path, 0600) != 0 || listen(s->listener, CLIENTS_MAX) != 0)
        return err_sys(err, errno, "cannot listen on a group's control socket");
    return 0;
}

static int
prepare_group(struct supervisor *s, struct err *err)
{
    struct rlimit nofile = { 0 };

    s->group = (struct container_group){ .plan = &s->plan,
                                         .brief = &s->brief,
                                         .runtime = runtime_named(s->brief.runtime),
                                         .log_file = LOG_FILE };
    if (s->group.runtime == NULL)
        return err_set(err, ERR_INVALID, "there is no runtime %s", s->brief.runtime);
    (void)text_copy(s->plan.hostname.n > 0 ? s->plan.hostname : text_from(s->plan.id, 8),
                    s->group.hostname, sizeof(s->group.hostname));
    (void)getrlimit(RLIMIT_NOFILE, &nofile);
    s->group.nofile_hard = nofile.rlim_max;
    s->group.empty_input = launch_empty_input(err);
    s->group.logs_fd = place_folder(SUPERVISOR_FD_STATE, "logs", 0700, err);
    s->group.rootfs = (struct rootfs){ .run_fd = SUPERVISOR_FD_RUN, .uid = s->brief.uid };
    if (err->kind != ERR_OK ||
        etc_write(SUPERVISOR_FD_RUN, s->group.hostname, s->brief.address, s->brief.uid, err) != 0)
        return -1;
    return rootfs_layers(&s->group.rootfs, &s->plan, SUPERVISOR_FD_LAYERS, SUPERVISOR_FD_USER, err);
}

static int
prepare_containers(struct supervisor *s, struct err *err)
{
    s->containers = mem_zalloc(s->plan.container_count * sizeof(*s->containers));
    if (s->containers == NULL)
        return err_memory(err);
    memcpy(s->state.id, s->plan.id, sizeof(s->state.id));
    (void)text_copy(text_of(s->brief.address), s->state.address, sizeof(s->state.address));
    s->state.container_count = (uint32_t)s->plan.container_count;
    for (unsigned i = 0; i < s->plan.container_count; i++) {
        container_begin(&s->containers[i], &s->group, i);
        s->state.containers[i] = s->containers[i].state;
    }
    return journal_open(&s->journal, SUPERVISOR_FD_STATE, &s->state, err);
}

/* What the journal tells of runs before ours: a supervisor or the machine went down. */
static void
take_up_history(struct supervisor *s)
{
    s->group.stopped = s->state.stopped != 0;
    for (uint32_t i = 0; i < s->state.container_count; i++) {
        struct runner_container_state old = s->state.containers[i];
        struct container *c = &s->containers[i];

        if (old.current.started_us == 0)
            continue;
        if (old.current.phase == RUNNER_RUNNING) {
            old.current.phase = RUNNER_TERMINATED;
            old.current.reason = RUNNER_REASON_LOST;
            old.current.exit_code = 128 + SIGKILL;
            old.current.finished_us = clock_now_us();
        }
        c->state.restart_count = old.restart_count + 1;
        c->state.previous = old.current.phase == RUNNER_TERMINATED ? old.current : old.previous;
        if (s->plan.restart == PLAN_RESTART_NEVER || s->group.stopped ||
            (s->plan.restart == PLAN_RESTART_ON_FAILURE && old.current.phase == RUNNER_TERMINATED &&
             old.current.exit_code == 0)) {
            c->state = old;
            c->step = CONTAINER_ENDED;
        }
    }
}

static int
watch_signals(struct supervisor *s, struct err *err)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals < 0 ? err_sys(err, errno, "cannot watch for signals") : 0;
}

/* runnerd dies with the group unborn: so do we. */
static int
receive_byte(struct err *err)
{
    char go = 0;

    if (read(SUPERVISOR_FD_CHANNEL, &go, 1) != 1)
        return err_set(err, ERR_CLOSED, "runnerd went away before the group was ready");
    return 0;
}

static int
set_up(struct supervisor *s, struct err *err)
{
    char up = 1;

    for (int i = 0; i < CLIENTS_MAX; i++)
        s->clients[i] = -1;
    for (int fd = SUPERVISOR_FD_CHANNEL; fd < SUPERVISOR_FD_PORTS + PLAN_PORTS_MAX; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (read(SUPERVISOR_FD_CHANNEL, &s->brief, sizeof(s->brief)) != (ssize_t)sizeof(s->brief) ||
        s->brief.version != SUPERVISOR_VERSION)
        return err_set(err, ERR_INVALID, "runnerd is of another version");
    if (private_mounts(err) != 0 || reopen_folders(s, err) != 0 || read_plan(s, err) != 0 ||
        watch_signals(s, err) != 0 || listen_for_clients(s, err) != 0 ||
        prepare_group(s, err) != 0 || prepare_containers(s, err) != 0 ||
        power_keep_supervisor(err) != 0)
        return -1;
    take_up_history(s);
    if (write(SUPERVISOR_FD_CHANNEL, &up, 1) != 1 || receive_byte(err) != 0)
        return err_set(err, ERR_CLOSED, "runnerd went away before the group was ready");
    /* From here on we outlive runnerd. */
    (void)setsid();
    if (prctl(PR_SET_PDEATHSIG, 0) != 0)
        return err_sys(err, errno, "cannot become independent");
    return 0;
}

/* ---- telling ---- */

static void
send_state(struct supervisor *s, int client)
{
    struct err err = { 0 };

    s->packet = (struct runner_packet){ .protocol = RUNNER_PROTOCOL, .type = RUNNER_ANSWER };
    s->packet.body.answer.question = RUNNER_STATE;
    s->packet.body.answer.found = 1;
    s->packet.body.answer.state = s->state;
    if (message_send(s->clients[client], &s->packet, NULL, 0, &err) != 0) {
        (void)close(s->clients[client]);
        s->clients[client] = -1;
    }
}

static void
publish(struct supervisor *s)
{
    bool any = false;

    for (uint32_t i = 0; i < s->state.container_count; i++) {
        struct err err = { 0 };

        if (!s->containers[i].changed)
            continue;
        s->containers[i].changed = false;
        s->state.containers[i] = s->containers[i].state;
        s->state.sequence++;
        if (journal_append(&s->journal, &s->state, i, &err) != 0)
            complain(&err);
        any = true;
    }
    for (int i = 0; any && i < CLIENTS_MAX; i++)
        if (s->clients[i] >= 0)
            send_state(s, i);
}

/* ---- listening ---- */

static void
stop_group(struct supervisor *s, uint32_t grace_ms)
{
    int64_t now_us = clock_mono_us();

    s->group.stopped = true;
    s->state.stopped = 1;
    for (uint32_t i = 0; i < s->state.container_count; i++) {
        container_stop(&s->containers[i], now_us, grace_ms);
        s->containers[i].changed = true; /* that the group is stopped must reach the journal */
    }
}

static void
serve_client(struct supervisor *s, int client)
{
    struct err err = { 0 };
    int fds[RUNNER_LOG_FDS_MAX];
    size_t nfds = 0;
    int rc = message_receive(s->clients[client], &s->packet, fds, &nfds, &err);

    for (size_t i = 0; rc == 0 && i < nfds; i++)
        (void)close(fds[i]);
    if (rc == 0 && s->packet.type == RUNNER_STATE) {
        send_state(s, client);
    } else if (rc == 0 && s->packet.type == RUNNER_STOP) {
        stop_group(s, s->packet.body.group.grace_ms);
    } else if (rc != -1 || err.kind != ERR_BUSY) {
        (void)close(s->clients[client]);
        s->clients[client] = -1;
    }
}

static void
accept_client(struct supervisor *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (int i = 0; fd >= 0 && i < CLIENTS_MAX; i++)
        if (s->clients[i] < 0) {
            s->clients[i] = fd;
            send_state(s, i);
            return;
        }
    if (fd >= 0)
        (void)close(fd);
}

/*
 * Children are reaped by their known pids.  As first process of the namespace we also inherit
 * orphans; those are reaped when no runtime is at work, for until it has told us the container's
 * pid, an early death of the container must stay to be seen.
 */
static void
reap(struct supervisor *s)
{
    struct signalfd_siginfo seen[8];
    bool starting = false;
    int status;

    while (read(s->signals, seen, sizeof(seen)) > 0)
        continue;
    for (uint32_t i = 0; i < s->state.container_count; i++) {
        struct container *c = &s->containers[i];
        pid_t pid = c->step == CONTAINER_UP ? c->pid : c->runtime_pid;

        if (pid > 0 && waitpid(pid, &status, WNOHANG) == pid)
            (void)container_reaped(c, pid, status);
        starting = starting || c->step == CONTAINER_STARTING;
    }
    while (!starting) {
        pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid <= 0)
            break;
        for (uint32_t i = 0; i < s->state.container_count; i++)
            if (container_reaped(&s->containers[i], pid, status))
                break;
    }
}

static nfds_t
watch(struct supervisor *s, struct pollfd *p)
{
    nfds_t n = 0;

    p[n++] = (struct pollfd){ s->signals, POLLIN, 0 };
    p[n++] = (struct pollfd){ s->listener, POLLIN, 0 };
    for (int i = 0; i < CLIENTS_MAX; i++)
        p[n++] = (struct pollfd){ s->clients[i], POLLIN, 0 };
    for (uint32_t i = 0; i < s->state.container_count; i++)
        for (int k = 0; k < CRILOG_STREAMS; k++)
            p[n++] = (struct pollfd){ s->containers[i].output[k], POLLIN, 0 };
    return n;
}

static void
serve(struct supervisor *s, const struct pollfd *p)
{
    const struct pollfd *outputs = p + 2 + CLIENTS_MAX;

    for (uint32_t i = 0; i < s->state.container_count; i++)
        for (int k = 0; k < CRILOG_STREAMS; k++)
            if (outputs[i * CRILOG_STREAMS + (uint32_t)k].revents != 0)
                container_read(&s->containers[i], (enum crilog_stream)k);
    if (p[0].revents != 0)
        reap(s);
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (p[2 + i].revents != 0)
            serve_client(s, i);
    if (p[1].revents != 0)
        accept_client(s);
}

static void
run(struct supervisor *s)
{
    struct pollfd p[POLL_MAX];

    for (;;) {
        int64_t now_us = clock_mono_us(), due_us = INT64_MAX;
        int timeout = -1;

        for (uint32_t i = 0; i < s->state.container_count; i++) {
            int64_t at = container_tick(&s->containers[i], now_us);

            due_us = at < due_us ? at : due_us;
        }
        publish(s);
        if (due_us != INT64_MAX) {
            int64_t ms = due_us > now_us ? (due_us - now_us) / 1000 + 1 : 0;

            timeout = ms > 60000 ? 60000 : (int)ms;
        }
        if (poll(p, watch(s, p), timeout) > 0)
            serve(s, p);
    }
}

int
main(void)
{
    struct supervisor *s = mem_zalloc(sizeof(*s));
    struct err err = { 0 };

    if (s == NULL || set_up(s, &err) != 0) {
        complain(&err);
        return 1;
    }
    run(s);
    return 0;
}
