/* The invariants of rt/child.h and rt/keeper.h. */
#include "rt/child.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/channel.h"
#include "rt/keeper.h"

static int64_t
soon(void)
{
    return clock_mono_us() + 5000000;
}

/* Run a shell line in the child with ${s}'s other settings; its output. */
static void
run(const char *line, struct child_settings s, char *out, size_t cap)
{
    const char *const argv[] = { "sh", "-c", line, NULL };
    struct err err = { 0 };
    size_t n = 0;
    ssize_t got;
    int ends[2], stdio[3] = { -1, -1, 2 }, status = 0;
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    stdio[1] = ends[1];
    s.path = "/bin/sh";
    s.argv = argv;
    s.stdio = stdio;
    if (child_spawn(&s, &pid, &err) != 0)
        fail_msg("%s", err.msg);
    (void)close(ends[1]);
    while ((got = read(ends[0], out + n, cap - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = '\0';
    (void)close(ends[0]);
    assert_int_equal(child_wait(pid, soon(), &status, &err), 0);
    assert_int_equal(status, 0);
}

static void
k1_sees_its_own_descriptors_only(void **state)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int leaked = fcntl(null, F_DUPFD, 100); /* not close-on-exec */
    int ours = fcntl(zero, F_DUPFD, 200);
    int swapped[2] = { 4, 3 }; /* each is in the other's place */
    char out[512];

    (void)state;
    run("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/$$/fd/3",
        (struct child_settings){ .fds = &ours, .n_fds = 1 }, out, sizeof(out));
    /* ls itself opens one to read the folder. */
    assert_string_equal(out, "0 1 2 3 4 /dev/zero\n");
    assert_int_equal(dup2(leaked, 3), 3);
    assert_int_equal(dup2(ours, 4), 4);
    run("readlink /proc/$$/fd/3; readlink /proc/$$/fd/4",
        (struct child_settings){ .fds = swapped, .n_fds = 2 }, out, sizeof(out));
    assert_string_equal(out, "/dev/zero\n/dev/null\n");
    (void)close(3);
    (void)close(4);
    (void)close(leaked);
    (void)close(ours);
}

static void
k2_has_a_clean_environment_and_signals(void **state)
{
    const char *const env[] = { "A=1", NULL };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    const unsigned long ignored[4] = { 1 }; /* struct kernel_sigaction: SIG_IGN */
    sigset_t term;
    char out[512];

    (void)state;
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)syscall(SYS_rt_sigaction, 32, ignored, NULL, sizeof(unsigned long)); /* glibc's own */
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &term, NULL);
    run("tr '\\0' '\\n' </proc/$$/environ; grep -E 'SigBlk|SigIgn' /proc/self/status",
        (struct child_settings){ .env = env }, out, sizeof(out));
    assert_string_equal(out, "A=1\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    run("tr '\\0' '\\n' </proc/$$/environ", (struct child_settings){ 0 }, out, sizeof(out));
    assert_string_equal(out, "");
    (void)sigprocmask(SIG_UNBLOCK, &term, NULL);
}

static void
k3_is_that_user_and_no_other(void **state)
{
    const gid_t groups[] = { 4242 };
    char out[512];

    (void)state;
    if (geteuid() != 0)
        skip();
    run("grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status",
        (struct child_settings){
            .change_user = true, .uid = 12345, .gid = 12346, .groups = groups, .n_groups = 1 },
        out, sizeof(out));
    assert_non_null(strstr(out, "Uid:\t12345\t12345\t12345\t12345\n"));
    assert_non_null(strstr(out, "Gid:\t12346\t12346\t12346\t12346\n"));
    assert_non_null(strstr(out, "Groups:\t4242 \n"));
    assert_non_null(strstr(out, "CapEff:\t0000000000000000\n"));
}

static void
k4_a_failure_to_start_is_told(void **state)
{
    const char *const argv[] = { "nothing", NULL };
    struct child_settings s = { .path = "/nonexistent/program", .argv = argv };
    struct err err = { 0 };
    pid_t pid = -7;

    (void)state;
    assert_int_equal(child_spawn(&s, &pid, &err), -1);
    assert_int_equal(pid, -7);
    assert_string_equal(err.msg, "/nonexistent/program could not be started: it could not be "
                                 "executed (No such file or directory)");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void
waiting_ends_at_the_deadline(void **state)
{
    const char *const argv[] = { "sleep", "20", NULL };
    struct child_settings s = { .path = "/bin/sleep", .argv = argv };
    struct err err = { 0 };
    int status = 0;
    pid_t pid;

    (void)state;
    assert_int_equal(child_spawn(&s, &pid, &err), 0);
    assert_int_equal(child_wait(pid, clock_mono_us() + 20000, &status, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    err_clear(&err);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(child_wait(pid, soon(), &status, &err), 0);
    assert_true(WIFSIGNALED(status));
}

/* The word the program behind the channel says. */
static pid_t
pid_behind(int fd)
{
    struct err err = { 0 };
    char text[32] = "";
    int fds[CHANNEL_FDS_MAX];
    size_t n = 0, nfds;

    assert_int_equal(channel_receive(fd, text, sizeof(text) - 1, &n, fds, &nfds, soon(), &err), 0);
    return (pid_t)strtol(text, NULL, 10);
}

static bool
gone(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        if (kill(pid, 0) != 0)
            return true;
        (void)usleep(10000);
    }
    return false;
}

static void
keeper_k1_k2_k3_starts_again_and_ends_with_us(void **state)
{
    const char *const argv[] = { "sh", "-c", "echo $$ >&3; read x <&3", NULL };
    const struct keeper_program programs[] = { { .path = "/bin/sh", .argv = argv } };
    struct err err = { 0 };
    int first = -1, second = -1, none = -1;
    pid_t a, b;

    (void)state;
    {
        OWN(keeper) k = keeper_start(programs, 1, &err);

        assert_non_null(k);
        assert_int_equal(keeper_spawn(k, 1, &none, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
        err_clear(&err);
        assert_int_equal(keeper_spawn(k, 0, &first, &err), 0);
        a = pid_behind(first);
        assert_int_equal(kill(a, SIGKILL), 0); /* it crashes */
        (void)close(first);
        if (keeper_spawn(k, 0, &second, &err) != 0)
            fail_msg("%s", err.msg);
        assert_true(gone(a));
        b = pid_behind(second);
        assert_int_equal(kill(b, 0), 0);
        (void)close(second);
    }
    assert_true(gone(b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_sees_its_own_descriptors_only),
        cmocka_unit_test(k2_has_a_clean_environment_and_signals),
        cmocka_unit_test(k3_is_that_user_and_no_other),
        cmocka_unit_test(k4_a_failure_to_start_is_told),
        cmocka_unit_test(waiting_ends_at_the_deadline),
        cmocka_unit_test(keeper_k1_k2_k3_starts_again_and_ends_with_us),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
