#include "runner/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/own.h"
#include "runner/launch.h"
#include "runner/remove.h"
#include "runner/rootfs.h"

#define PROBE_TIMEOUT_US 20000000
#define PROGRAM_MAX      (8u * 1024 * 1024)
#define VERSION_BYTES    512

/* The digest of no bytes that anyone will find: the layer that holds our own static program. */
static const struct digest probe_layer = { .algorithm = DIGEST_SHA256 };

static int
install_layer(struct host *h, struct err *err)
{
    char path[PLACE_PATH_MAX + 32], name[DIGEST_TEXT_MAX + 1];
    OWN_BUF(program, PROGRAM_MAX);
    OWN_FD fd = -1;
    OWN_FD layer_fd = -1;
    ssize_t n = 1;

    (void)snprintf(path, sizeof(path), "%s/holdfast-probe", h->place.libexec);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && n > 0) {
        char *room = buf_room(&program, 65536);

        n = room != NULL ? read(fd, room, 65536) : -1;
        if (n > 0)
            buf_used(&program, (size_t)n);
    }
    if (fd < 0 || n < 0)
        return err_sys(err, errno, "cannot read %s", path);
    rootfs_layer_name(&probe_layer, name);
    layer_fd = place_folder(h->place.layers_fd, name, 0755, err);
    if (layer_fd < 0)
        return -1;
    return place_file_write(layer_fd, "probe", program.p, program.n, 0755, err);
}

/* Its first line, behind the last space or "version ": "runc version 1.1.5+ds1". */
static void
ask_version(struct host *h)
{
    const char *const argv[] = { h->runtime->name, "--version", NULL };
    OWN_FD in = launch_empty_input(&(struct err){ 0 });
    char said[VERSION_BYTES];
    struct text line = { 0 }, rest;
    struct err err = { 0 };
    int out[2];
    pid_t pid;

    h->runtime_version[0] = '\0';
    if (in < 0 || pipe2(out, O_CLOEXEC) != 0)
        return;
    pid = launch_start(&(struct launch){ .path = h->runtime_path,
                                         .argv = argv,
                                         .in = in,
                                         .out = out[1],
                                         .errors = out[1],
                                         .dies_with_us = true },
                       &err);
    (void)close(out[1]);
    rest = text_from(said, launch_read(out[0], said, sizeof(said)));
    (void)close(out[0]);
    if (pid > 0)
        (void)launch_end(pid);
    (void)text_cut(&rest, '\n', &line);
    while (text_find(line, ' ') >= 0)
        line = text_after(line, (size_t)text_find(line, ' ') + 1);
    (void)text_copy(line, h->runtime_version, sizeof(h->runtime_version));
}

static void
describe(const struct host *h, char out[static 256])
{
    struct stat st = { 0 };

    (void)stat(h->runtime_path, &st);
    (void)snprintf(out, 256, "%s %s %lld %lld %s\n", h->runtime->name, h->runtime_path,
                   (long long)st.st_size, (long long)st.st_mtime, h->runtime_version);
}

/* Wait for the one container of the probe to end; its exit code, or -1 with a reason. */
static int
await(struct host *h, struct group *g, struct err *err)
{
    int64_t deadline_us = clock_mono_us() + PROBE_TIMEOUT_US;
    const struct runner_container_state *c = &g->state->containers[0];

    while (g->control >= 0 && clock_mono_us() < deadline_us) {
        struct pollfd p = { g->control, POLLIN, 0 };

        (void)poll(&p, 1, 1000);
        if (p.revents != 0)
            (void)group_heard(h, g);
        if (c->current.phase == RUNNER_TERMINATED)
            return c->current.reason == RUNNER_REASON_COMPLETED
                       ? 0
                       : err_set(err, ERR_UNSUPPORTED, "%s: %s", h->runtime->name, c->message);
    }
    return err_set(err, ERR_TIMEOUT, "%s does not run a container", h->runtime->name);
}

static int
try_row(struct host *h, struct err *err)
{
    struct text args[] = { TEXT("/probe") };
    struct plan_container container = { .name = TEXT("probe"),
                                        .layers = &probe_layer,
                                        .layer_count = 1,
                                        .args = args,
                                        .arg_count = 1,
                                        .memory_bytes = 64u * 1024 * 1024,
                                        .cpu_millis = 1000 };
    struct plan plan = { .restart = PLAN_RESTART_NEVER,
                         .containers = &container,
                         .container_count = 1 };
    OWN_BUF(bytes, PLAN_BYTES_MAX);
    int rc;

    id_new(plan.id);
    if (plan_encode(&plan, &bytes, err) != 0 || group_start(h, buf_view(&bytes), err) != 0)
        return -1;
    rc = await(h, group_find(h, plan.id), err);
    if (group_remove_whole(h, plan.id, err) != 0)
        return -1;
    return rc;
}

/* Row ${i} on this machine, if it is wanted and installed. */
static bool
choose_row(struct host *h, size_t i, const char *wanted)
{
    h->runtime = &runtime_table[i];
    if ((wanted != NULL && strcmp(wanted, h->runtime->name) != 0) ||
        !launch_find(h->runtime->name, h->runtime_path, sizeof(h->runtime_path)))
        return false;
    ask_version(h);
    return true;
}

static bool
is_remembered(struct host *h, const char *wanted)
{
    char remembered[256] = "", now[256];

    if (place_file_read(h->place.state_fd, "runtime", remembered, sizeof(remembered) - 1,
                        &(struct err){ 0 }) <= 0)
        return false;
    for (size_t i = 0; i < runtime_count; i++) {
        const char *name = runtime_table[i].name;

        if (strncmp(remembered, name, strlen(name)) != 0 || remembered[strlen(name)] != ' ' ||
            !choose_row(h, i, wanted))
            continue;
        describe(h, now);
        return strcmp(now, remembered) == 0;
    }
    return false;
}

int
probe_runtime(struct host *h, const char *wanted, struct err *err)
{
    char now[256], why[RUNNER_MESSAGE_MAX] = "none is installed";

    if (is_remembered(h, wanted))
        return 0;
    if (install_layer(h, err) != 0)
        return -1;
    for (size_t i = 0; i < runtime_count; i++) {
        struct err tried = { 0 };

        if (!choose_row(h, i, wanted))
            continue;
        if (try_row(h, &tried) == 0) {
            describe(h, now);
            return place_file_write(h->place.state_fd, "runtime", now, strlen(now), 0644, err);
        }
        (void)text_copy(text_of(tried.msg), why, sizeof(why));
    }
    h->runtime = NULL;
    return err_set(err, ERR_UNSUPPORTED, "no container runtime works here, of crun and runc: %s",
                   why);
}
