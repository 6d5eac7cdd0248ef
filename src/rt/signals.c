#include "rt/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int
signals_open(int *fd, struct err *err)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t set;
    int made;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 || sigaction(SIGPIPE, &ignore, NULL) != 0)
        return err_sys(err, errno, "cannot set up signals");
    if ((made = signalfd(-1, &set, SFD_CLOEXEC)) < 0)
        return err_sys(err, errno, "cannot make a signal descriptor");
    *fd = made;
    return 0;
}

int
signals_next(int fd)
{
    struct signalfd_siginfo got;

    for (;;) {
        ssize_t n = read(fd, &got, sizeof(got));

        if (n == (ssize_t)sizeof(got))
            return (int)got.ssi_signo;
        if (n < 0 && errno != EINTR)
            return SIGTERM; /* a descriptor that is not ours any more: end in good order */
    }
}
