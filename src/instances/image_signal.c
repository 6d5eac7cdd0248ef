/* Names of signals, as images spell them in StopSignal (signal(7), Linux numbers). */
#include <signal.h>

#include "instances/image.h"

struct signal_name {
    const char *name;
    uint32_t number;
};

static const struct signal_name names[] = {
    { "HUP", SIGHUP },   { "INT", SIGINT },     { "QUIT", SIGQUIT }, { "ILL", SIGILL },
    { "TRAP", SIGTRAP }, { "ABRT", SIGABRT },   { "BUS", SIGBUS },   { "FPE", SIGFPE },
    { "KILL", SIGKILL }, { "USR1", SIGUSR1 },   { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
    { "PIPE", SIGPIPE }, { "ALRM", SIGALRM },   { "TERM", SIGTERM }, { "CHLD", SIGCHLD },
    { "CONT", SIGCONT }, { "STOP", SIGSTOP },   { "TSTP", SIGTSTP }, { "TTIN", SIGTTIN },
    { "TTOU", SIGTTOU }, { "WINCH", SIGWINCH }, { "IO", SIGIO },     { "PWR", SIGPWR },
    { "SYS", SIGSYS },
};

/* The kernel's own first real-time signal, not the C library's: images mean the former + 2. */
#define RTMIN_OF_LIBC 34
#define SIGNAL_MAX    64

bool
image_signal(struct text t, uint32_t *out)
{
    uint64_t number;

    if (text_to_u64(t, SIGNAL_MAX, &number)) {
        *out = (uint32_t)number;
        return number > 0;
    }
    if (text_starts_nocase(t, "SIG"))
        t = text_after(t, 3);
    if (text_starts_nocase(t, "RTMIN+") &&
        text_to_u64(text_after(t, 6), SIGNAL_MAX - RTMIN_OF_LIBC, &number)) {
        *out = (uint32_t)(RTMIN_OF_LIBC + number);
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text_is_nocase(t, names[i].name)) {
            *out = names[i].number;
            return true;
        }
    return false;
}
