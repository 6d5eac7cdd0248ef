/* The invariants of runner/journal.h, crilog.h, passwd.h and remove.h, on a scratch folder. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/own.h"
#include "runner/crilog.h"
#include "runner/journal.h"
#include "runner/passwd.h"
#include "runner/remove.h"

struct scratch {
    char path[64];
    int fd;
};

static int
set_up(void **state)
{
    struct scratch *s = mem_zalloc(sizeof(*s));

    (void)snprintf(s->path, sizeof(s->path), "/tmp/runner-test-XXXXXX");
    if (mkdtemp(s->path) == NULL)
        return -1;
    s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct scratch *s = *state;
    struct err err = { 0 };
    int rc = remove_tree(AT_FDCWD, s->path, &err);

    (void)close(s->fd);
    mem_free(s);
    return rc;
}

static struct runner_group_state *
fresh_state(void)
{
    struct runner_group_state *state = mem_zalloc(sizeof(*state));

    state->container_count = 2;
    memcpy(state->containers[0].name, "a", 2);
    memcpy(state->containers[1].name, "b", 2);
    return state;
}

static void
write_some(int dirfd, unsigned records)
{
    OWN_MEM(struct runner_group_state) state = fresh_state();
    struct err err = { 0 };
    struct journal j;

    assert_int_equal(journal_open(&j, dirfd, state, &err), 0);
    for (unsigned i = 0; i < records; i++) {
        state->sequence++;
        state->containers[i % 2].restart_count = i;
        assert_int_equal(journal_append(&j, state, i % 2, &err), 0);
    }
    journal_close(&j);
}

static void
l1_cut_and_altered_records_end_the_reading(void **state)
{
    const struct scratch *s = *state;
    OWN_MEM(struct runner_group_state) back = fresh_state();
    struct err err = { 0 };
    uint64_t records = 0;
    struct stat st;
    OWN_FD fd = -1;

    write_some(s->fd, 5);
    assert_int_equal(journal_replay(s->fd, back, &records, &err), 0);
    assert_int_equal(records, 5);
    assert_int_equal(back->containers[0].restart_count, 4);
    fd = openat(s->fd, JOURNAL_NAME, O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(ftruncate(fd, st.st_size - 3), 0);
    mem_free(GIVE(back));
    back = fresh_state();
    assert_int_equal(journal_replay(s->fd, back, &records, &err), 0);
    assert_int_equal(records, 4);
    assert_int_equal(pwrite(fd, "X", 1, st.st_size / 5 + 60), 1);
    mem_free(GIVE(back));
    back = fresh_state();
    assert_int_equal(journal_replay(s->fd, back, &records, &err), 0);
    assert_int_equal(records, 1);
}

static void
l2_the_file_stays_small(void **state)
{
    const struct scratch *s = *state;
    OWN_MEM(struct runner_group_state) back = fresh_state();
    struct err err = { 0 };
    uint64_t records;
    struct stat st;

    write_some(s->fd, 3000);
    assert_int_equal(fstatat(s->fd, JOURNAL_NAME, &st, 0), 0);
    assert_true(st.st_size < JOURNAL_MAX + 2000);
    assert_int_equal(journal_replay(s->fd, back, &records, &err), 0);
    assert_int_equal(back->sequence, 3000);
    assert_int_equal(back->containers[1].restart_count, 2999);
}

static size_t
read_log(int dirfd, char *out, size_t cap)
{
    int fds[CRILOG_FILES];
    size_t n = crilog_files(dirfd, "c", false, fds), got = 0;

    for (size_t i = 0; i < n; i++) {
        ssize_t r = read(fds[i], out + got, cap - got);

        got += r > 0 ? (size_t)r : 0;
        (void)close(fds[i]);
    }
    return got;
}

static void
o1_lines_are_cut_and_tagged(void **state)
{
    const struct scratch *s = *state;
    OWN_MEM(struct crilog) log = mem_zalloc(sizeof(*log));
    OWN_MEM(char) long_line = mem_zalloc(CRILOG_LINE_MAX + 10);
    OWN_MEM(char) text = mem_zalloc(2 * CRILOG_LINE_MAX);
    struct err err = { 0 };

    memset(long_line, 'y', CRILOG_LINE_MAX + 9);
    assert_int_equal(crilog_open(log, s->fd, "c", true, &err), 0);
    crilog_add(log, CRILOG_STDOUT, "one\ntw", 6);
    crilog_add(log, CRILOG_STDERR, "err\n", 4);
    crilog_add(log, CRILOG_STDOUT, "o\n\n", 3);
    crilog_add(log, CRILOG_STDOUT, long_line, CRILOG_LINE_MAX + 9);
    crilog_close(log);
    (void)read_log(s->fd, text, 2 * CRILOG_LINE_MAX - 1);
    assert_non_null(strstr(text, " stdout F one\n"));
    assert_non_null(strstr(text, " stdout F two\n"));
    assert_non_null(strstr(text, " stdout F \n"));
    assert_non_null(strstr(text, " stderr F err\n"));
    assert_non_null(strstr(text, " stdout P yyy"));
    assert_non_null(strstr(text, " stdout F yyyyyyyyy\n"));
}

static void
o2_old_files_go(void **state)
{
    const struct scratch *s = *state;
    OWN_MEM(struct crilog) log = mem_zalloc(sizeof(*log));
    OWN_MEM(char) text = mem_zalloc(65536);
    struct err err = { 0 };
    char line[32];
    size_t n;

    assert_int_equal(crilog_open(log, s->fd, "c", true, &err), 0);
    log->file_max = 1000;
    for (int i = 0; i < 500; i++) {
        (void)snprintf(line, sizeof(line), "%d\n", i);
        crilog_add(log, CRILOG_STDOUT, line, strlen(line));
    }
    crilog_close(log);
    n = read_log(s->fd, text, 65535);
    assert_in_range(n, 2000, 3000);
    assert_non_null(strstr(text, " F 499\n"));
    assert_null(strstr(text, " F 100\n"));
}

static void
w1_names_never_become_root(void **state)
{
    static const struct text passwd_file = { "root:x:0:0:r:/root:\nwww:x:33:34::/w:\nwww2:x:x:0\n",
                                             49 };
    static const struct text group_file = { "adm:x:4:www\nbig:x:65536:www\n", 28 };
    static const char *const wrong[] = { "ww", "www2", "www:none", "65536", "0:65536", "-1", " " };
    struct passwd who = { 0 };
    struct err err = { 0 };

    (void)state;
    assert_int_equal(passwd_resolve(&who, TEXT("www"), passwd_file, group_file, &err), 0);
    assert_int_equal(who.uid, 33);
    assert_int_equal(who.gid, 34);
    assert_int_equal(who.group_count, 1);
    assert_int_equal(who.groups[0], 4);
    assert_int_equal(passwd_resolve(&who, TEXT("7:adm"), passwd_file, group_file, &err), 0);
    assert_int_equal(who.uid, 7);
    assert_int_equal(who.gid, 4);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct err e = { 0 };

        assert_int_equal(passwd_resolve(&who, text_of(wrong[i]), passwd_file, group_file, &e), -1);
        assert_int_equal(e.kind, ERR_INVALID);
    }
}

static void
deep_trees_are_removed(void **state)
{
    const struct scratch *s = *state;
    int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct err err = { 0 };

    assert_int_equal(symlinkat("/etc", s->fd, "deep-link"), 0);
    for (int i = 0; i < 3000; i++) { /* far beyond PATH_MAX */
        int next;

        assert_int_equal(mkdirat(fd, "deep", 0700), 0);
        (void)!symlinkat("/", fd, "root");
        next = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        (void)close(fd);
        fd = next;
    }
    (void)close(fd);
    assert_int_equal(remove_tree(s->fd, "deep", &err), 0);
    assert_int_equal(faccessat(s->fd, "deep", F_OK, 0), -1);
    assert_int_equal(remove_tree(s->fd, "deep-link", &err), 0);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(l1_cut_and_altered_records_end_the_reading, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(l2_the_file_stays_small, set_up, tear_down),
        cmocka_unit_test_setup_teardown(o1_lines_are_cut_and_tagged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(o2_old_files_go, set_up, tear_down),
        cmocka_unit_test(w1_names_never_become_root),
        cmocka_unit_test_setup_teardown(deep_trees_are_removed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
