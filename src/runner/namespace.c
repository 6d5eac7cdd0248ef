#include "runner/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/own.h"

#define FLAGS (CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

static bool
write_text(const char *path, const char *text)
{
    OWN_FD fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* In the child, once it is root of its new user namespace.  Never returns. */
static void
set_up_and_wait(int channel, const char *hostname)
{
    char byte = 0;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(channel, &byte, 1) != 1)
        _exit(1);
    if (sethostname(hostname, strlen(hostname)) != 0)
        _exit(2);
    /* Both are comforts: kernels without them start containers too. */
    (void)write_text("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    (void)write_text("/proc/sys/net/ipv4/ping_group_range", "0 65535");
    if (write(channel, &byte, 1) != 1)
        _exit(3);
    (void)!read(channel, &byte, 1);
    _exit(0);
}

static int
map_ids(pid_t pid, uint32_t uid, uint32_t count, struct err *err)
{
    static const char *const files[] = { "uid_map", "gid_map" };
    char path[64], map[64];

    (void)snprintf(map, sizeof(map), "0 %u %u\n", uid, count);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
        if (!write_text(path, map))
            return err_sys(err, errno, "cannot map the ids of a user namespace");
    }
    return 0;
}

static int
open_all(struct namespaces *ns, pid_t pid, struct err *err)
{
    static const char *const names[NAMESPACE_KINDS] = { "user", "net", "ipc", "uts" };
    char path[64];

    for (int i = 0; i < NAMESPACE_KINDS; i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, names[i]);
        ns->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (ns->fd[i] < 0)
            return err_sys(err, errno, "cannot open a %s namespace", names[i]);
    }
    return 0;
}

int
namespaces_make(struct namespaces *ns, uint32_t uid, uint32_t count, const char *hostname,
                struct err *err)
{
    int pair[2];
    char byte = 1;
    pid_t pid;
    int rc = -1;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(err, errno, "cannot make a socket pair");
    pid = (pid_t)syscall(SYS_clone, FLAGS | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        (void)close(pair[0]);
        set_up_and_wait(pair[1], hostname);
    }
    (void)close(pair[1]);
    if (pid < 0)
        (void)err_sys(err, errno, "cannot make namespaces: user namespaces may be switched off");
    else if (map_ids(pid, uid, count, err) == 0 && open_all(ns, pid, err) == 0) {
        rc = write(pair[0], &byte, 1) == 1 && read(pair[0], &byte, 1) == 1 ? 0 : -1;
        if (rc != 0)
            (void)err_set(err, ERR_IO, "the namespaces of a group could not be set up");
    }
    (void)close(pair[0]);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return rc;
}

void
namespaces_done(struct namespaces *ns)
{
    for (int i = 0; i < NAMESPACE_KINDS; i++) {
        if (ns->fd[i] >= 0)
            (void)close(ns->fd[i]);
        ns->fd[i] = -1;
    }
}
