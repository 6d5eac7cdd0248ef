#include "runner/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "runner/crash_steps.h"
#include "runner/launch.h"
#include "runner/remove.h"
#include "runner/rootfs.h"
#include "runner/unpack.h"

bool
layer_have(const struct host *h, const struct digest *diff_id)
{
    char name[DIGEST_TEXT_MAX + 1];
    struct stat st;

    rootfs_layer_name(diff_id, name);
    return fstatat(h->place.layers_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
new_folder(const struct host *h, char name[static 32], struct err *err)
{
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(name, 32, "new-%u", i);
        if (mkdirat(h->place.layers_fd, name, 0755) == 0) {
            OWN_FD fd =
                openat(h->place.layers_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

            if (fd < 0 || fchmod(fd, 0755) != 0)
                return err_sys(err, errno, "cannot open a layer's folder");
            return give_fd(&fd);
        }
        if (errno != EEXIST)
            break;
    }
    return err_sys(err, errno, "cannot make a layer's folder");
}

int
layer_begin(struct host *h, int blob_fd, const struct digest *diff_id, enum runner_media media,
            struct layer_job *job, struct err *err)
{
    char path[PLACE_PATH_MAX + 32], digest[DIGEST_TEXT_MAX + 1], kind[2];
    const char *const argv[] = { "holdfast-unpack", digest, kind, NULL };
    OWN_FD folder_fd = -1;
    OWN_FD input = launch_empty_input(err);
    int out[2];

    *job = (struct layer_job){ .diff_id = *diff_id, .output = -1 };
    if (input < 0)
        return -1;
    folder_fd = new_folder(h, job->folder, err);
    if (folder_fd < 0)
        return -1;
    crash_steps_point("unpack-folder");
    (void)digest_text(diff_id, digest);
    (void)snprintf(kind, sizeof(kind), "%u", (unsigned)media & 3);
    (void)snprintf(path, sizeof(path), "%s/holdfast-unpack", h->place.libexec);
    if (pipe2(out, O_CLOEXEC) != 0)
        return err_sys(err, errno, "cannot make a pipe");
    job->pid = launch_start(&(struct launch){ .path = path,
                                              .argv = argv,
                                              .in = input,
                                              .out = out[1],
                                              .errors = 2,
                                              .fds = { blob_fd, folder_fd },
                                              .nfds = 2,
                                              .dies_with_us = true },
                            err);
    (void)close(out[1]);
    job->output = out[0];
    crash_steps_point("unpack-child");
    if (job->pid >= 0)
        return 0;
    (void)close(job->output);
    (void)!remove_tree(h->place.layers_fd, job->folder, &(struct err){ 0 });
    return -1;
}

static int
judge(const struct unpack_report *report, ssize_t n, int code, struct err *err)
{
    if (n == (ssize_t)sizeof(*report) && report->kind == ERR_OK && code == 0)
        return 0;
    if (n == (ssize_t)sizeof(*report) && report->kind != ERR_OK && report->kind <= ERR_IO) {
        (void)err_set(err, (enum err_kind)report->kind, "%.*s", (int)sizeof(report->msg) - 1,
                      report->msg);
        err->sys = report->sys;
        return -1;
    }
    if (code == 127)
        return err_set(err, ERR_IO, "holdfast-unpack is not installed beside holdfast-runnerd");
    return err_set(err, ERR_IO, "the unpacker ended without a word (status %d)", code);
}

int
layer_end(struct host *h, struct layer_job *job, struct layer_count *count, struct err *err)
{
    struct unpack_report report = { 0 };
    char name[DIGEST_TEXT_MAX + 1];
    ssize_t n = read(job->output, &report, sizeof(report));
    int rc = judge(&report, n, launch_end(job->pid), err);

    (void)close(job->output);
    rootfs_layer_name(&job->diff_id, name);
    if (rc == 0 && renameat2(h->place.layers_fd, job->folder, h->place.layers_fd, name,
                             RENAME_NOREPLACE) == 0) {
        crash_steps_point("unpack-named");
        *count = (struct layer_count){ report.entries, report.bytes, report.skipped };
        return fsync(h->place.layers_fd) == 0 ? 0
                                              : err_sys(err, errno, "cannot make a layer durable");
    }
    if (rc == 0 && errno != EEXIST) /* EEXIST: another did the same at the same time */
        rc = err_sys(err, errno, "cannot name a layer");
    (void)!remove_tree(h->place.layers_fd, job->folder, &(struct err){ 0 });
    return rc;
}
