#include "rt/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/own.h"

#define FDS_MAX 64

/* What the child reports when it cannot become the program. */
struct failure {
    const char *step; /* a string of this program: the same address on both sides of fork() */
    int sys;
};

/* Between fork() and exec() only system calls: another thread may hold any lock. */

static const char *
drop_user(const struct child_settings *s)
{
    if (syscall(SYS_setgroups, s->n_groups, s->groups) != 0)
        return "set its groups";
    if (syscall(SYS_setresgid, s->gid, s->gid, s->gid) != 0)
        return "set its group";
    if (syscall(SYS_setresuid, s->uid, s->uid, s->uid) != 0)
        return "set its user";
    return NULL;
}

/* Move every descriptor out of the way of its target, then to it. */
static const char *
arrange_fds(const struct child_settings *s, int null, int *report)
{
    int wanted[3 + FDS_MAX];
    int n = 3 + (int)s->n_fds;

    for (int i = 0; i < n; i++) {
        int from = i >= 3 ? s->fds[i - 3] : s->stdio != NULL ? s->stdio[i] : i == 2 ? 2 : -1;

        if ((wanted[i] = fcntl(from >= 0 ? from : null, F_DUPFD_CLOEXEC, n)) < 0)
            return "take its descriptors";
    }
    if ((*report = fcntl(*report, F_DUPFD_CLOEXEC, n)) < 0)
        return "take its descriptors";
    for (int i = 0; i < n; i++)
        if (dup2(wanted[i], i) < 0) /* the copy is not close-on-exec */
            return "take its descriptors";
    if (syscall(SYS_close_range, (unsigned)n, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
        return "close what is not its own";
    return NULL;
}

static const char *
reset_signals(void)
{
    /* struct kernel_sigaction, all zero: SIG_DFL.  sigaction() refuses the two signals that glibc
     * keeps for itself, and a parent may have left them ignored (K2). */
    static const unsigned long normal[4] = { 0 };
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        (void)syscall(SYS_rt_sigaction, i, normal, NULL,
                      sizeof(unsigned long)); /* not KILL, STOP */
    (void)sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? NULL : "reset its signals";
}

static const char *
become(const struct child_settings *s, pid_t parent, int null, int *report)
{
    static const char *const no_env[] = { NULL };
    const char *const *env = s->env != NULL ? s->env : no_env;
    const char *step;
    char *const *argv_bytes;
    char *const *env_bytes;

    if (s->new_session && setsid() < 0)
        return "start a session";
    if ((step = arrange_fds(s, null, report)) != NULL ||
        (s->change_user && (step = drop_user(s)) != NULL))
        return step;
    /* After the change of user, which clears it. */
    if (s->dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return "be bound to its parent";
    if (s->dies_with_parent && getppid() != parent)
        return "find its parent alive";
    if ((step = reset_signals()) != NULL)
        return step;
    memcpy(&argv_bytes, &s->argv, sizeof(argv_bytes)); /* execve() predates const */
    memcpy(&env_bytes, &env, sizeof(env_bytes));
    (void)execve(s->path, argv_bytes, env_bytes);
    return "be executed";
}

static void __attribute__((noreturn))
run_child(const struct child_settings *s, pid_t parent, int null, int report)
{
    struct failure f = { .step = become(s, parent, null, &report) };

    f.sys = errno;
    while (write(report, &f, sizeof(f)) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* The end of the pipe without a word: it was executed. */
static int
await_exec(const struct child_settings *s, pid_t pid, int pipe_fd, struct err *err)
{
    struct failure f = { 0 };
    ssize_t n;

    while ((n = read(pipe_fd, &f, sizeof(f))) < 0 && errno == EINTR)
        ;
    if (n == 0)
        return 0;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof(f))
        return err_set(err, ERR_IO, "%s could not be started", s->path);
    return err_sys(err, f.sys, "%s could not be started: it could not %s (%s)", s->path, f.step,
                   strerrordesc_np(f.sys));
}

int
child_spawn(const struct child_settings *s, pid_t *pid, struct err *err)
{
    OWN_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
    OWN_FD readable = -1;
    OWN_FD writable = -1;
    sigset_t all, before;
    pid_t parent = getpid(), made;
    int ends[2];

    if (s->n_fds > FDS_MAX)
        return err_set(err, ERR_INVALID, "a program gets at most %d descriptors", FDS_MAX);
    if (null < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(err, errno, "%s could not be started", s->path);
    readable = ends[0];
    writable = ends[1];
    /* No handler of ours may run in the child. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    made = fork();
    if (made == 0)
        run_child(s, parent, null, writable);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (made < 0)
        return err_sys(err, errno, "%s could not be started", s->path);
    (void)close(give_fd(&writable));
    if (await_exec(s, made, readable, err) != 0)
        return -1;
    *pid = made;
    return 0;
}

static int
await_exit(int pidfd, int64_t deadline_us, struct err *err)
{
    for (;;) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        int64_t left_ms = (deadline_us - clock_mono_us()) / 1000;
        int got;

        if (deadline_us - clock_mono_us() <= 0)
            return err_set(err, ERR_TIMEOUT, "the program has not ended in time");
        got = poll(&p, 1, left_ms >= INT_MAX ? INT_MAX : (int)left_ms + 1);
        if (got > 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return err_sys(err, errno, "cannot wait for a program");
    }
}

int
child_wait(pid_t pid, int64_t deadline_us, int *status, struct err *err)
{
    OWN_FD pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int got = 0;
    pid_t who;

    if (pidfd < 0)
        return err_sys(err, errno, "cannot watch a program");
    while ((who = waitpid(pid, &got, WNOHANG)) == 0)
        if (await_exit(pidfd, deadline_us, err) != 0)
            return -1;
    if (who < 0)
        return err_sys(err, errno, "cannot wait for a program");
    *status = got;
    return 0;
}
