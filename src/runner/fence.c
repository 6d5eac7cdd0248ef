#include "runner/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/own.h"
#include "runner/power.h"

#define MEMORY_MAX ((rlim_t)1024 * 1024 * 1024)

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(pread64),
    SCMP_SYS(close),
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(mkdirat),
    SCMP_SYS(mknodat),
    SCMP_SYS(linkat),
    SCMP_SYS(symlinkat),
    SCMP_SYS(unlinkat),
    SCMP_SYS(fchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(utimensat),
    SCMP_SYS(fsetxattr),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstat),
    SCMP_SYS(getdents64),
    SCMP_SYS(lseek),
    SCMP_SYS(fcntl),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(syncfs),
    SCMP_SYS(exit_group),
    SCMP_SYS(exit),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(getrandom),
    SCMP_SYS(futex),
    SCMP_SYS(restart_syscall),
};

/* Everything Landlock of this kernel knows is denied but work on files below the folder. */
static int
raise_landlock(int folder_fd, struct err *err)
{
    static const uint64_t files = (LANDLOCK_ACCESS_FS_REFER << 1) - 1; /* of version 2 */
    struct landlock_ruleset_attr rules = { .handled_access_fs = files };
    struct landlock_path_beneath_attr beneath = { .allowed_access =
                                                      files & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE,
                                                  .parent_fd = folder_fd };
    long version =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    OWN_FD fd = -1;

    if (version < 2)
        return 0; /* an older kernel: the other fences stand */
    fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0u);
    if (fd < 0 ||
        syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0u) != 0 ||
        syscall(SYS_landlock_restrict_self, fd, 0u) != 0)
        return err_sys(err, errno, "cannot raise Landlock around the unpacker");
    return 0;
}

static int
raise_seccomp(struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int rc = filter == NULL ? -ENOMEM : 0;

    for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0 ? 0 : err_sys(err, -rc, "cannot filter the unpacker's system calls");
}

int
fence_raise(int folder_fd, struct err *err)
{
    const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX }, files = { 64, 64 }, none = { 0, 0 };

    if (unshare(CLONE_NEWNET | CLONE_NEWIPC) != 0)
        return err_sys(err, errno, "cannot leave the network");
    if (fchdir(folder_fd) != 0 || chroot(".") != 0)
        return err_sys(err, errno, "cannot make the layer's folder the root");
    if (setrlimit(RLIMIT_AS, &memory) != 0 || setrlimit(RLIMIT_NOFILE, &files) != 0 ||
        setrlimit(RLIMIT_NPROC, &none) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return err_sys(err, errno, "cannot limit the unpacker");
    if (power_keep_unpack(err) != 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys(err, errno, "cannot give up new privileges");
    if (raise_landlock(folder_fd, err) != 0)
        return -1;
    return raise_seccomp(err);
}
