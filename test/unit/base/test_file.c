/* base/file.h: small files are replaced whole, or not at all. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

struct folder {
    char path[64];
    int fd;
};

static int
make_folder(void **state)
{
    static struct folder f;

    f = (struct folder){ .path = "/tmp/holdfast-file-XXXXXX" };
    assert_non_null(mkdtemp(f.path));
    f.fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &f;
    return f.fd < 0;
}

static int
remove_folder(void **state)
{
    struct folder *f = *state;

    (void)unlinkat(f->fd, "key", 0);
    (void)unlinkat(f->fd, ".key.new", 0);
    (void)close(f->fd);
    return rmdir(f->path);
}

static size_t
count(const struct folder *f)
{
    DIR *d = opendir(f->path);
    size_t n = 0;

    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += e->d_name[0] != '.' || e->d_name[1] == 'k';
    (void)closedir(d);
    return n;
}

static void
f1_replaced_whole(void **state)
{
    struct folder *f = *state;
    struct err err = { 0 };
    OWN_BUF(b, 100);

    assert_int_equal(file_read(f->fd, "key", &b, &err), 1);
    assert_int_equal(file_replace(f->fd, "key", 0600, TEXT("one"), &err), 0);
    assert_int_equal(file_replace(f->fd, "key", 0600, TEXT("two"), &err), 0);
    assert_int_equal(file_read(f->fd, "key", &b, &err), 0);
    assert_true(text_is(buf_view(&b), "two"));
    assert_int_equal(count(f), 1);
}

static void
f1_also_in_a_folder(void **state)
{
    struct folder *f = *state;
    struct err err = { 0 };
    OWN_BUF(b, 100);

    assert_int_equal(file_replace(f->fd, "in/key", 0600, TEXT("x"), &err), -1);
    err_clear(&err);
    assert_int_equal(mkdirat(f->fd, "in", 0700), 0);
    assert_int_equal(file_replace(f->fd, "in/key", 0600, TEXT("one"), &err), 0);
    assert_int_equal(file_replace(f->fd, "in/key", 0600, TEXT("two"), &err), 0);
    assert_int_equal(file_read(f->fd, "in/key", &b, &err), 0);
    assert_true(text_is(buf_view(&b), "two"));
    assert_int_equal(unlinkat(f->fd, "in/key", 0), 0);
    assert_int_equal(unlinkat(f->fd, "in", AT_REMOVEDIR), 0); /* nothing beside it */
}

static void
f2_never_wider_than_asked(void **state)
{
    struct folder *f = *state;
    struct err err = { 0 };
    struct stat st;

    assert_int_equal(file_replace(f->fd, "key", 0600, TEXT("x"), &err), 0);
    assert_int_equal(fstatat(f->fd, "key", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
f3_failure_leaves_nothing(void **state)
{
    struct folder *f = *state;
    struct err err = { 0 };

    assert_int_equal(mkdirat(f->fd, "key", 0700), 0); /* the rename cannot replace a folder */
    assert_int_equal(file_replace(f->fd, "key", 0600, TEXT("x"), &err), -1);
    assert_int_equal(err.kind, ERR_IO);
    assert_int_equal(count(f), 1);
    assert_int_equal(unlinkat(f->fd, "key", AT_REMOVEDIR), 0);
}

static void
leftovers_of_a_crash_do_not_stop_it(void **state)
{
    struct folder *f = *state;
    struct err err = { 0 };
    int fd = openat(f->fd, ".key.new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(file_replace(f->fd, "key", 0600, TEXT("x"), &err), 0);
    assert_int_equal(count(f), 1);
}

static void
a_larger_file_is_refused(void **state)
{
    struct folder *f = *state;
    struct err err = { 0 };
    OWN_BUF(b, 2);

    assert_int_equal(file_replace(f->fd, "key", 0600, TEXT("xyz"), &err), 0);
    assert_int_equal(file_read(f->fd, "key", &b, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(f1_replaced_whole, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(f1_also_in_a_folder, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(f2_never_wider_than_asked, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(f3_failure_leaves_nothing, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(leftovers_of_a_crash_do_not_stop_it, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_larger_file_is_refused, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
