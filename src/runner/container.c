#include "runner/container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "runner/bundle.h"
#include "runner/launch.h"
#include "runner/remove.h"

#define BACKOFF_MS       10000
#define BACKOFF_CAP_MS   300000
#define BACKOFF_RESET_MS 600000
#define GRACE_MS         30000
#define EXIT_NO_START    128 /* as docker: the runtime itself failed */
#define READ_BYTES       65536
#define MESSAGE_BYTES    4096
#define READS_AT_ONCE    16 /* so that one loud container does not keep the others waiting */

static uint32_t
or_default(uint32_t v, uint32_t otherwise)
{
    return v != 0 ? v : otherwise;
}

static void
set_run(struct container *c, enum runner_phase phase, enum runner_reason reason, int exit_code)
{
    struct runner_run *run = &c->state.current;

    run->phase = phase;
    run->reason = reason;
    run->exit_code = exit_code;
    if (phase == RUNNER_RUNNING)
        run->started_us = clock_now_us();
    if (phase == RUNNER_TERMINATED)
        run->finished_us = clock_now_us();
    c->changed = true;
}

void
container_begin(struct container *c, const struct container_group *group, unsigned index)
{
    *c = (struct container){ .group = group,
                             .plan = &group->plan->containers[index],
                             .index = index,
                             .step = CONTAINER_WAITING,
                             .output = { -1, -1 },
                             .wait_ms = or_default(group->plan->backoff_ms, BACKOFF_MS) };
    c->log.fd = -1;
    (void)text_copy(c->plan->name, c->state.name, sizeof(c->state.name));
    set_run(c, RUNNER_WAITING, RUNNER_REASON_CREATING, 0);
}

/* ---- starting ---- */

/* A file of the image, found as the container would: links are followed inside its root only. */
static int
open_inside(int root, const char *path)
{
    struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                            .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
    struct stat st;
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static void
read_inside(int root, const char *path, struct buf *out)
{
    OWN_FD fd = open_inside(root, path);
    char *room = fd >= 0 ? buf_room(out, out->max) : NULL;
    ssize_t n = room != NULL ? read(fd, room, out->max) : 0;

    if (n > 0)
        buf_used(out, (size_t)n);
}

static int
print_config(const struct container *c, int root, int folder_fd, struct err *err)
{
    const struct supervisor_brief *brief = c->group->brief;
    OWN_BUF(passwd_file, PASSWD_BYTES_MAX);
    OWN_BUF(group_file, PASSWD_BYTES_MAX);
    OWN_BUF(json, BUNDLE_MAX);
    char rootfs[SUPERVISOR_PATH_MAX + 32], etc[SUPERVISOR_PATH_MAX + 8], cgroup[CGROUP_PATH_MAX];
    struct passwd user = { 0 };

    read_inside(root, "etc/passwd", &passwd_file);
    read_inside(root, "etc/group", &group_file);
    if (passwd_resolve(&user, c->plan->user, buf_view(&passwd_file), buf_view(&group_file), err) !=
        0)
        return -1;
    (void)snprintf(rootfs, sizeof(rootfs), "%s/c%u/rootfs", brief->run, c->index);
    (void)snprintf(etc, sizeof(etc), "%s/etc", brief->run);
    cgroup_path(&brief->cgroup, brief->tag, c->group->plan->id, c->index, cgroup);
    bundle_print(&(struct bundle){ .container = c->plan,
                                   .user = &user,
                                   .hostname = c->group->hostname,
                                   .rootfs = rootfs,
                                   .etc = etc,
                                   .namespace_at = "/proc/1/fd/",
                                   .namespace_fd = SUPERVISOR_FD_USER,
                                   .cgroups_path = cgroup,
                                   .uid = brief->uid,
                                   .swap = brief->cgroup.swap,
                                   .nofile_hard = c->group->nofile_hard },
                 &json);
    if (buf_check(&json, err) != 0)
        return -1;
    return place_file_write(folder_fd, "config.json", json.p, json.n, 0600, err);
}

static int
make_folders(const struct container *c, int *scratch_fd, int *bundle_fd, struct err *err)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "c%u", c->index);
    if (remove_tree(SUPERVISOR_FD_STATE, name, err) != 0)
        return -1;
    *scratch_fd = place_folder(SUPERVISOR_FD_STATE, name, 0700, err);
    *bundle_fd = *scratch_fd < 0 ? -1 : place_folder(SUPERVISOR_FD_RUN, name, 0711, err);
    if (*bundle_fd < 0)
        return -1;
    (void)unlinkat(*bundle_fd, "pid", 0);
    (void)unlinkat(*bundle_fd, "log", 0);
    if (mkdirat(*bundle_fd, "rootfs", 0711) != 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make a mount point");
    return 0;
}

static int
prepare(struct container *c, struct err *err)
{
    char scratch[SUPERVISOR_PATH_MAX + 16], target[32];
    OWN_FD scratch_fd = -1;
    OWN_FD bundle_fd = -1;
    OWN_FD root = -1;

    if (make_folders(c, &scratch_fd, &bundle_fd, err) != 0)
        return -1;
    (void)snprintf(scratch, sizeof(scratch), "%s/c%u", c->group->brief->state, c->index);
    (void)snprintf(target, sizeof(target), "c%u/rootfs", c->index);
    if (rootfs_mount(&c->group->rootfs, c->plan, scratch_fd, scratch, target, err) != 0)
        return -1;
    root = openat(bundle_fd, "rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (root < 0)
        return err_sys(err, errno, "cannot open a root filesystem");
    return print_config(c, root, bundle_fd, err);
}

static pid_t
launch_runtime(const struct container *c, const struct runtime_call *call, int out, int errors,
               struct err *err)
{
    return launch_start(&(struct launch){ .path = c->group->brief->runtime_path,
                                          .argv = call->argv,
                                          .in = c->group->empty_input,
                                          .out = out,
                                          .errors = errors },
                        err);
}

static void
runtime_names(const struct container *c, char root[static SUPERVISOR_PATH_MAX],
              char folder[static SUPERVISOR_PATH_MAX], char id[static 16])
{
    (void)snprintf(root, SUPERVISOR_PATH_MAX, "%.*s/rt", SUPERVISOR_PATH_MAX - 4,
                   c->group->brief->run);
    (void)snprintf(folder, SUPERVISOR_PATH_MAX, "%.*s/c%u", SUPERVISOR_PATH_MAX - 16,
                   c->group->brief->run, c->index);
    (void)snprintf(id, 16, "c%u", c->index);
}

static void
close_pipes(int pipes[static CRILOG_STREAMS][2])
{
    for (int s = 0; s < CRILOG_STREAMS; s++)
        for (int end = 0; end < 2; end++)
            if (pipes[s][end] >= 0)
                (void)close(pipes[s][end]);
}

/* They belong to the container's root, so that /dev/stdout can be opened, not only inherited. */
static int
open_pipes(const struct container *c, int pipes[static CRILOG_STREAMS][2], struct err *err)
{
    uint32_t uid = c->group->rootfs.uid;

    for (int s = 0; s < CRILOG_STREAMS; s++) {
        if (pipe2(pipes[s], O_CLOEXEC) != 0)
            return err_sys(err, errno, "cannot make a pipe");
        if (fchown(pipes[s][1], uid, uid) != 0)
            return err_sys(err, errno, "cannot give a pipe to the container");
    }
    return 0;
}

static int
run_runtime(struct container *c, struct err *err)
{
    char root[SUPERVISOR_PATH_MAX], folder[SUPERVISOR_PATH_MAX], id[16];
    int pipes[CRILOG_STREAMS][2] = { { -1, -1 }, { -1, -1 } };
    struct runtime_call call;

    if (open_pipes(c, pipes, err) != 0) {
        close_pipes(pipes);
        return -1;
    }
    runtime_names(c, root, folder, id);
    runtime_run(c->group->runtime, root, folder, id, &call);
    c->runtime_pid = launch_runtime(c, &call, pipes[0][1], pipes[1][1], err);
    for (int s = 0; s < CRILOG_STREAMS; s++) {
        (void)fcntl(pipes[s][0], F_SETFL, O_NONBLOCK);
        c->output[s] = pipes[s][0];
        pipes[s][0] = -1;
    }
    close_pipes(pipes);
    return c->runtime_pid < 0 ? -1 : 0;
}

static void
failed(struct container *c, const char *why)
{
    (void)text_copy(text_of(why), c->state.message, sizeof(c->state.message));
    set_run(c, RUNNER_TERMINATED, RUNNER_REASON_START_FAILED, EXIT_NO_START);
}

static void clean(struct container *c);

static void
start(struct container *c)
{
    struct err err = { 0 };

    if (c->state.current.reason == RUNNER_REASON_BACK_OFF) {
        c->state.restart_count++;
        c->state.current = (struct runner_run){ .phase = RUNNER_WAITING };
    }
    c->state.message[0] = '\0';
    c->oom_kills = 0;
    c->step = CONTAINER_STARTING;
    c->runtime_pid = 0;
    if (crilog_open(&c->log, c->group->logs_fd, c->state.name, true, &err) == 0 &&
        prepare(c, &err) == 0 && run_runtime(c, &err) == 0)
        return;
    dprintf(c->group->log_file, "%s: %s; %s (%s, errno %d)\n", c->state.name, err.msg, err.detail,
            err.where, err.sys);
    failed(c, err.msg);
    clean(c);
}

/* ---- ending ---- */

static void
close_outputs(struct container *c)
{
    for (int s = 0; s < CRILOG_STREAMS; s++) {
        /* All writers are dead; what they left in the pipe is at most its size. */
        container_read(c, (enum crilog_stream)s);
        if (c->output[s] >= 0)
            (void)close(c->output[s]);
        c->output[s] = -1;
    }
    crilog_close(&c->log);
}

static void
clean(struct container *c)
{
    char root[SUPERVISOR_PATH_MAX], folder[SUPERVISOR_PATH_MAX], id[16];
    struct runtime_call call;
    struct err err = { 0 };

    close_outputs(c);
    c->pid = 0;
    c->step = CONTAINER_CLEANING;
    runtime_names(c, root, folder, id);
    runtime_delete(c->group->runtime, root, folder, id, &call);
    c->runtime_pid = launch_runtime(c, &call, c->group->log_file, c->group->log_file, &err);
    if (c->runtime_pid < 0)
        c->runtime_pid = 0; /* tried again when the next run begins */
}

/* The runtime has forgotten the run: drop its files, then wait for the next run or rest. */
static void
cleaned(struct container *c, int64_t now_us)
{
    enum plan_restart policy = c->group->plan->restart;
    int code = c->state.current.exit_code;
    char name[32];

    (void)snprintf(name, sizeof(name), "c%u/rootfs", c->index);
    rootfs_unmount(&c->group->rootfs, name);
    (void)snprintf(name, sizeof(name), "c%u", c->index);
    (void)!remove_tree(SUPERVISOR_FD_STATE, name, &(struct err){ 0 });
    if (c->group->stopped || policy == PLAN_RESTART_NEVER ||
        (policy == PLAN_RESTART_ON_FAILURE && code == 0)) {
        c->step = CONTAINER_ENDED;
        return;
    }
    if (c->up_us != 0 &&
        now_us - c->up_us >=
            1000 * (int64_t)or_default(c->group->plan->backoff_reset_ms, BACKOFF_RESET_MS))
        c->wait_ms = or_default(c->group->plan->backoff_ms, BACKOFF_MS);
    c->due_us = now_us + 1000 * (int64_t)c->wait_ms;
    c->wait_ms *= 2;
    if (c->wait_ms > or_default(c->group->plan->backoff_cap_ms, BACKOFF_CAP_MS))
        c->wait_ms = or_default(c->group->plan->backoff_cap_ms, BACKOFF_CAP_MS);
    c->state.previous = c->state.current;
    set_run(c, RUNNER_WAITING, RUNNER_REASON_BACK_OFF, code);
    c->step = CONTAINER_WAITING;
}

static void
ended(struct container *c, int status)
{
    const struct supervisor_brief *brief = c->group->brief;
    uint64_t oom = cgroup_oom_kills(&brief->cgroup, brief->tag, c->group->plan->id, c->index);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    enum runner_reason reason = RUNNER_REASON_ERROR;

    if (code == 0)
        reason = RUNNER_REASON_COMPLETED;
    else if (oom > c->oom_kills && code == 128 + SIGKILL)
        reason = RUNNER_REASON_OOM_KILLED;
    set_run(c, RUNNER_TERMINATED, reason, code);
    clean(c);
}

/* ---- the runtime's answer ---- */

static pid_t
read_pid(const struct container *c)
{
    char path[32], bytes[32];
    uint64_t pid = 0;
    ssize_t n;

    (void)snprintf(path, sizeof(path), "c%u/pid", c->index);
    n = place_file_read(SUPERVISOR_FD_RUN, path, bytes, sizeof(bytes), &(struct err){ 0 });
    if (n <= 0 || !text_to_u64(text_trim(text_from(bytes, (size_t)n)), INT32_MAX, &pid))
        return 0;
    return (pid_t)pid;
}

/* Runtimes log "time=... level=error msg=\"...\"": the message of the last line. */
static void
read_complaint(const struct container *c, char *out, size_t cap)
{
    char path[32], bytes[MESSAGE_BYTES];
    struct text rest, line, last = { 0 };
    ssize_t n;

    (void)snprintf(path, sizeof(path), "c%u/log", c->index);
    n = place_file_read(SUPERVISOR_FD_RUN, path, bytes, sizeof(bytes), &(struct err){ 0 });
    rest = text_from(bytes, n > 0 ? (size_t)n : 0);
    while (text_cut(&rest, '\n', &line))
        if (line.n > 0)
            last = line;
    for (size_t i = 0; i < last.n; i++)
        if (text_starts(text_after(last, i), "msg=\"")) {
            last = text_after(last, i + 5);
            last.n -= last.n > 0 && last.p[last.n - 1] == '"' ? 1 : 0;
            break;
        }
    if (last.n == 0)
        last = TEXT("the runtime could not start it");
    (void)text_copy(last, out, cap);
}

static void
runtime_ran(struct container *c, int status, int64_t now_us)
{
    char why[RUNNER_MESSAGE_MAX];

    c->runtime_pid = 0;
    c->pid = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? read_pid(c) : 0;
    if (c->pid <= 0) {
        read_complaint(c, why, sizeof(why));
        failed(c, why);
        clean(c);
        return;
    }
    c->step = CONTAINER_UP;
    c->up_us = now_us;
    set_run(c, RUNNER_RUNNING, RUNNER_REASON_NONE, 0);
    if (c->group->stopped)
        container_stop(c, now_us, 0);
    if (waitpid(c->pid, &status, WNOHANG) == c->pid) /* it was quicker than the runtime */
        ended(c, status);
}

bool
container_reaped(struct container *c, pid_t pid, int status)
{
    int64_t now_us = clock_mono_us();

    if (pid == c->pid && c->step == CONTAINER_UP) {
        ended(c, status);
        return true;
    }
    if (pid != c->runtime_pid || pid == 0)
        return false;
    if (c->step == CONTAINER_STARTING) {
        runtime_ran(c, status, now_us);
    } else {
        c->runtime_pid = 0;
        cleaned(c, now_us);
    }
    return true;
}

/* ---- what the loop calls ---- */

int64_t
container_tick(struct container *c, int64_t now_us)
{
    if (c->step == CONTAINER_WAITING && c->due_us <= now_us)
        start(c);
    if (c->step == CONTAINER_CLEANING && c->runtime_pid == 0)
        cleaned(c, now_us);
    if (c->step == CONTAINER_UP && c->kill_due_us != 0 && c->kill_due_us <= now_us) {
        (void)kill(c->pid, SIGKILL);
        c->kill_due_us = 0;
    }
    if (c->step == CONTAINER_WAITING)
        return c->due_us;
    return c->step == CONTAINER_UP && c->kill_due_us != 0 ? c->kill_due_us : INT64_MAX;
}

void
container_read(struct container *c, enum crilog_stream stream)
{
    static char bytes[READ_BYTES];

    for (int i = 0; i < READS_AT_ONCE && c->output[stream] >= 0; i++) {
        ssize_t n = read(c->output[stream], bytes, sizeof(bytes));

        if (n > 0) {
            crilog_add(&c->log, stream, bytes, (size_t)n);
        } else if (n == 0) {
            (void)close(c->output[stream]);
            c->output[stream] = -1;
        } else if (errno != EINTR) {
            return;
        }
    }
}

void
container_stop(struct container *c, int64_t now_us, uint32_t grace_ms)
{
    uint32_t grace = or_default(grace_ms, or_default(c->group->plan->grace_ms, GRACE_MS));

    if (c->step == CONTAINER_WAITING) {
        if (c->state.current.reason == RUNNER_REASON_BACK_OFF)
            c->state.current = c->state.previous;
        else
            set_run(c, RUNNER_TERMINATED, RUNNER_REASON_ERROR, 128 + SIGTERM);
        c->changed = true;
        c->step = CONTAINER_ENDED;
    } else if (c->step == CONTAINER_UP && c->kill_due_us == 0) {
        (void)kill(c->pid, (int)or_default(c->plan->stop_signal, SIGTERM));
        c->kill_due_us = now_us + 1000 * (int64_t)grace;
    }
}
