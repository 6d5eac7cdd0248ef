#include "vault/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Files of its own folder, one channel, memory, time and randomness. */
static const int allowed[] = {
    SCMP_SYS(read),           SCMP_SYS(write),
    SCMP_SYS(writev),         SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),        SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),         SCMP_SYS(poll),
    SCMP_SYS(ppoll),          SCMP_SYS(openat),
    SCMP_SYS(close),          SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),     SCMP_SYS(lseek),
    SCMP_SYS(fsync),          SCMP_SYS(renameat),
    SCMP_SYS(renameat2),      SCMP_SYS(unlinkat),
    SCMP_SYS(mmap),           SCMP_SYS(munmap),
    SCMP_SYS(mremap),         SCMP_SYS(mprotect),
    SCMP_SYS(madvise),        SCMP_SYS(mlock),
    SCMP_SYS(munlock),        SCMP_SYS(brk),
    SCMP_SYS(futex),          SCMP_SYS(getrandom),
    SCMP_SYS(getpid),         SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),   SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),
    SCMP_SYS(tgkill),         SCMP_SYS(gettid),
    SCMP_SYS(rt_sigaction),   SCMP_SYS(sigaltstack),
};

int
sandbox_drop_user(uid_t uid, gid_t gid, struct err *err)
{
    /* Cheap for root, impossible for others; see B2. */
    (void)unshare(CLONE_NEWNET);
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return err_sys(err, errno, "cannot become user %u", (unsigned)uid);
    return 0;
}

static int
load_filter(struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int rc = filter == NULL ? -ENOMEM : 0;

    for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    /* A terminal is asked about itself by the C library; it is told no. */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0 ? 0 : err_sys(err, -rc, "cannot limit the system calls");
}

int
sandbox_enter(struct err *err)
{
    const struct rlimit none = { 0, 0 };

    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys(err, errno, "cannot give up privileges");
    return load_filter(err);
}
