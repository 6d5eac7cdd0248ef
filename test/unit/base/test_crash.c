/* base/crash.h: a process dies at the step that was asked for, and only there. */
#include "base/crash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Which call of crash_point("b") ended a child armed with ${spec}; 0 when none of four did. */
static int
ends_at(const char *spec)
{
    int said[2], status;
    char byte;
    int n = 0;
    pid_t pid;

    assert_int_equal(pipe(said), 0);
    if ((pid = fork()) == 0) {
        struct err err = { 0 };

        if (crash_arm(spec, NULL, &err) < 0)
            _exit(1);
        for (int i = 0; i < 4; i++) {
            if (write(said[1], "x", 1) != 1)
                _exit(1);
            crash_point("a");
            crash_point("b");
        }
        _exit(0);
    }
    (void)close(said[1]);
    while (read(said[0], &byte, 1) == 1)
        n++;
    (void)close(said[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        assert_int_equal(WTERMSIG(status), SIGKILL);
    else
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status) ? n : 0;
}

static void
test_counts(void **state)
{
    (void)state;
    assert_int_equal(ends_at("b:1"), 1);
    assert_int_equal(ends_at("b:3"), 3);
    assert_int_equal(ends_at("b:5"), 0);
    assert_int_equal(ends_at("c:1"), 0);
}

static void
test_a_file_is_one_death(void **state)
{
    char path[] = "/tmp/holdfast-crash-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "b:3", 3), 3);
    assert_int_equal(ends_at(path), 3);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ends_at(path), 0);
    (void)close(fd);
}

static void
test_a_file_may_name_other_steps(void **state)
{
    char path[] = "/tmp/holdfast-crash-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "c:1", 3), 3);
    assert_int_equal(ends_at(path), 0);
    assert_int_equal(unlink(path), 0);
    (void)close(fd);
}

static void
test_nonsense_is_refused(void **state)
{
    static const char *const steps[] = { "a", NULL };
    static const char *const bad[] = { "", "a", "a:", "a:0", ":1", "a:x", "b:1" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = { 0 };

        assert_int_equal(crash_arm(bad[i], steps, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_a_file_is_one_death),
        cmocka_unit_test(test_a_file_may_name_other_steps),
        cmocka_unit_test(test_nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
