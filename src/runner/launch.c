#include "runner/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/own.h"

#define ASIDE                                                                                      \
    1000 /* descriptors move up there first, so that none is overwritten before its turn */

/* In the child: only async-signal-safe calls from here. */
static void
place_descriptors(const struct launch *c)
{
    int standard[LAUNCH_FD_BASE] = { c->in, c->out, c->errors };
    int aside[LAUNCH_FDS_MAX + LAUNCH_FD_BASE];
    size_t n = LAUNCH_FD_BASE + c->nfds;

    for (size_t i = 0; i < n; i++) {
        int fd = i < LAUNCH_FD_BASE ? standard[i] : c->fds[i - LAUNCH_FD_BASE];

        aside[i] = fcntl(fd, F_DUPFD_CLOEXEC, ASIDE);
        if (aside[i] < 0)
            _exit(126);
    }
    for (size_t i = 0; i < n; i++)
        if (dup2(aside[i], (int)i) < 0)
            _exit(126);
    (void)syscall(SYS_close_range, (unsigned)n, ~0u, 0u);
}

static void
become(const struct launch *c, pid_t parent)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    static char locale[] = "LC_ALL=C";
    static char *const environment[] = { path, locale, NULL };
    union { /* execve() is older than const */
        const char *const *in;
        char *const *out;
    } argv = { .in = c->argv };
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (c->dies_with_us) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if ((c->namespaces & CLONE_NEWPID) == 0 && getppid() != parent)
            _exit(126);
    } else {
        (void)setsid();
    }
    place_descriptors(c);
    (void)execve(c->path, argv.out, environment);
    _exit(127);
}

pid_t
launch_start(const struct launch *c, struct err *err)
{
    pid_t parent = getpid();
    pid_t pid;

    if (c->nfds > LAUNCH_FDS_MAX)
        return err_set(err, ERR_TOO_LARGE, "too many descriptors for a child");
    pid = (pid_t)syscall(SYS_clone, c->namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        become(c, parent);
    if (pid < 0)
        return err_sys(err, errno, "cannot start %s", c->path);
    return pid;
}

int
launch_end(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 255;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool
launch_find(const char *name, char *out, size_t cap)
{
    static const char *const folders[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                           "/usr/bin",        "/sbin",          "/bin" };

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        int n = snprintf(out, cap, "%s/%s", folders[i], name);

        if (n > 0 && (size_t)n < cap && access(out, X_OK) == 0)
            return true;
    }
    return false;
}

size_t
launch_read(int fd, char *out, size_t cap)
{
    char rest[512];
    size_t got = 0;

    for (;;) {
        bool full = got == cap - 1;
        ssize_t n = read(fd, full ? rest : out + got, full ? sizeof(rest) : cap - 1 - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += full ? 0 : (size_t)n;
    }
    out[got] = '\0';
    return got;
}

int
launch_empty_input(struct err *err)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) != 0)
        return err_sys(err, errno, "cannot make a pipe");
    (void)close(pair[1]);
    return pair[0];
}
