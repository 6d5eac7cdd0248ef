/* The invariants of runner/tree.h that the scenarios cannot show quickly. */
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

#include "base/own.h"
#include "runner/remove.h"
#include "runner/tree.h"
#include "runner/unpack.h"

/* One name may bring two thousand folders: a small layer would make millions of them. */
static void
t4_folders_left_out_count_as_entries(void **state)
{
    char path[] = "/tmp/tree-test-XXXXXX";
    struct tar_entry e = { .path = TEXT("a/b/c/d/e/f/file"), .type = TAR_FILE };
    struct tar_event event = { .kind = TAR_ENTRY, .entry = &e };
    struct err err = { 0 };
    struct tree t;
    OWN_FD root = -1;

    (void)state;
    assert_non_null(mkdtemp(path));
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    tree_begin(&t, root);
    t.entries = UNPACK_ENTRIES_MAX - 4;
    assert_int_equal(tree_event(&t, &event, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    assert_int_equal(faccessat(root, "a/b/c/d/e/f", F_OK, 0), -1);
    tree_done(&t);
    assert_int_equal(remove_tree(AT_FDCWD, path, &err), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t4_folders_left_out_count_as_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
