/* access/access.h: assignments come and go in the database, and decisions follow at once. */
#include "access/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUB  "/subscriptions/11111111-1111-4111-8111-111111111111"
#define ME   "aaaaaaaa-0000-4000-8000-000000000001"
#define PULL "Microsoft.ContainerRegistry/registries/pull/read"
#define PUSH "Microsoft.ContainerRegistry/registries/push/write"

struct house {
    char folder[64];
    struct database *database;
    struct access *access;
};

static int
open_house(void **state)
{
    static struct house h;
    const struct migration *const sets[] = { access_migrations, NULL };
    struct err err = { 0 };
    char path[128];

    h = (struct house){ .folder = "/tmp/holdfast-access-XXXXXX" };
    if (mkdtemp(h.folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/db", h.folder);
    h.database = database_open(path, sets, &err);
    h.access = h.database != NULL ? access_open(h.database, &err) : NULL;
    *state = &h;
    return h.access == NULL;
}

static int
close_house(void **state)
{
    static const char *const files[] = { "db", "db-wal", "db-shm" };
    struct house *h = *state;
    char path[128];

    access_free(h->access);
    database_free(h->database);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", h->folder, files[i]);
        (void)unlink(path);
    }
    return rmdir(h->folder);
}

static int
do_assign(struct db *db, void *arg, struct err *err)
{
    return access_assign(db, arg, err);
}

static int
do_unassign(struct db *db, void *arg, struct err *err)
{
    int rc = access_unassign(db, text_of(arg), err);

    return rc == 1 ? err_set(err, ERR_NOT_FOUND, "none") : rc;
}

static int
assign(struct house *h, const char *id, const char *scope, const char *role, struct err *err)
{
    struct assignment a = { .scope = text_of(scope),
                            .role_definition = text_of(role),
                            .principal = ME,
                            .principal_type = TEXT("User"),
                            .created_by = TEXT("test") };

    (void)snprintf(a.id, sizeof(a.id), "%s", id);
    if (database_write(h->database, do_assign, &a, err) < 0)
        return -1;
    return access_changed(h->access, err);
}

#define ID1 "bbbbbbbb-0000-4000-8000-000000000001"
#define ID2 "bbbbbbbb-0000-4000-8000-000000000002"

static const struct caller me = { .kind = CALLER_USER, .id = ME };

static void
a1_nothing_assigned_nothing_allowed(void **state)
{
    struct house *h = *state;
    const struct caller nobody = { .kind = CALLER_ANONYMOUS };
    struct decision d;

    assert_false(access_check(h->access, &me, PULL, TEXT(SUB), &d));
    assert_string_equal(d.role, "AcrPull");
    assert_false(d.visible);
    assert_false(access_check(h->access, &nobody, PULL, TEXT(SUB), &d));
}

static void
a3_effective_at_once_and_named(void **state)
{
    struct house *h = *state;
    struct decision before, d;
    struct err err = { 0 };
    char id[] = ID1;

    assert_false(access_check(h->access, &me, PULL, TEXT(SUB "/x"), &before));
    assert_int_equal(assign(h, ID1, SUB, "AcrPull", &err), 0);
    assert_true(access_check(h->access, &me, PULL, TEXT(SUB "/x"), &d));
    assert_string_equal(d.assignment, ID1);
    assert_string_equal(d.role, "AcrPull");
    assert_true(d.version > before.version);
    assert_false(access_check(h->access, &me, PUSH, TEXT(SUB "/x"), &d));
    assert_true(d.visible);
    assert_string_equal(d.role, "AcrPush");
    assert_int_equal(database_write(h->database, do_unassign, id, &err), 0);
    assert_int_equal(access_changed(h->access, &err), 0);
    assert_false(access_check(h->access, &me, PULL, TEXT(SUB "/x"), &d));
}

static int
forget(struct db *db, void *arg, struct err *err)
{
    return access_forget(db, text_of(arg), err);
}

static void
what_is_forgotten_is_the_scope_and_below(void **state)
{
    struct house *h = *state;
    struct decision d;
    struct err err = { 0 };
    char gone[] = SUB "/X/"; /* as any spelling of it */

    assert_int_equal(assign(h, "00000000-0000-4000-8000-000000000001", SUB "/x", "AcrPull", &err),
                     0);
    assert_int_equal(assign(h, "00000000-0000-4000-8000-000000000002", SUB "/x/y", "AcrPull", &err),
                     0);
    assert_int_equal(assign(h, "00000000-0000-4000-8000-000000000003", SUB "/x-y", "AcrPull", &err),
                     0);
    assert_int_equal(assign(h, "00000000-0000-4000-8000-000000000004", SUB "/x0", "AcrPull", &err),
                     0);
    assert_int_equal(database_write(h->database, forget, gone, &err), 0);
    assert_int_equal(access_changed(h->access, &err), 0);
    assert_false(access_check(h->access, &me, PULL, TEXT(SUB "/x"), &d));
    assert_false(access_check(h->access, &me, PULL, TEXT(SUB "/x/y"), &d));
    assert_true(access_check(h->access, &me, PULL, TEXT(SUB "/x-y"), &d));
    assert_true(access_check(h->access, &me, PULL, TEXT(SUB "/x0"), &d));
}

static void
what_is_assigned_survives_a_restart(void **state)
{
    struct house *h = *state;
    struct decision d, later;
    struct err err = { 0 };

    assert_int_equal(assign(h, ID1, SUB, "AcrPull", &err), 0);
    assert_true(access_check(h->access, &me, PULL, TEXT(SUB), &d));
    access_free(h->access);
    h->access = access_open(h->database, &err);
    assert_true(access_check(h->access, &me, PULL, TEXT(SUB), &later));
    assert_int_equal(d.version, later.version);
}

static void
the_same_again_is_no_change_another_is_a_conflict(void **state)
{
    struct house *h = *state;
    struct err err = { 0 };

    assert_int_equal(assign(h, ID1, SUB, "AcrPull", &err), 0);
    assert_int_equal(assign(h, ID1, SUB "/", "AcrPull", &err), 0);
    assert_int_equal(assign(h, ID1, SUB, "AcrPush", &err), -1);
    assert_string_equal(err.code, "RoleAssignmentUpdateNotPermitted");
    err_clear(&err);
    assert_int_equal(assign(h, ID2, SUB, "AcrPull", &err), -1);
    assert_string_equal(err.code, "RoleAssignmentExists");
    assert_int_equal(err.kind, ERR_CONFLICT);
}

static void
nonsense_is_refused(void **state)
{
    struct house *h = *state;
    static const char *const cases[][3] = { { "not-a-guid", SUB, "AcrPull" },
                                            { ID1, "subscriptions", "AcrPull" },
                                            { ID1, "", "AcrPull" },
                                            { ID1, SUB, "AcrEat" } };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };

        assert_int_equal(assign(h, cases[i][0], cases[i][1], cases[i][2], &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(err.code);
    }
}

static void
the_system_may(void **state)
{
    struct house *h = *state;
    const struct caller system = { .kind = CALLER_SYSTEM };
    struct decision d;

    assert_true(access_check(h->access, &system, PUSH, TEXT(SUB), &d));
    assert_string_equal(d.role, "System");
}

struct reading {
    struct access *access;
    atomic_bool stop;
    atomic_ulong done;
};

/* A decision is of one snapshot: what allows it carries its own name. */
static void *
read_on(void *arg)
{
    struct reading *r = arg;

    while (!atomic_load(&r->stop)) {
        struct decision d;

        if (access_check(r->access, &me, PULL, TEXT(SUB "/x/y/z"), &d) &&
            strcmp(d.assignment, ID1) != 0)
            abort();
        (void)atomic_fetch_add(&r->done, 1);
    }
    return NULL;
}

static void
a4_readers_go_on_while_assignments_change(void **state)
{
    struct house *h = *state;
    struct reading r = { .access = h->access };
    pthread_t threads[2];
    struct err err = { 0 };
    char id[] = ID1;

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r), 0);
    for (int i = 0; i < 15; i++) {
        assert_int_equal(assign(h, ID1, SUB, "AcrPull", &err), 0);
        assert_int_equal(database_write(h->database, do_unassign, id, &err), 0);
        assert_int_equal(access_changed(h->access, &err), 0);
    }
    atomic_store(&r.stop, true);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(atomic_load(&r.done) > 1000);
}

static int
count_one(void *arg, const struct assignment *a, struct err *err)
{
    (void)err;
    assert_string_equal(a->principal, ME);
    assert_true(text_is(a->principal_type, "User"));
    assert_non_null(access_role_find(a->role_definition));
    ++*(int *)arg;
    return 0;
}

static void
every_assignment_is_visited(void **state)
{
    struct house *h = *state;
    struct err err = { 0 };
    int n = 0;

    assert_int_equal(assign(h, ID1, SUB, "AcrPull", &err), 0);
    assert_int_equal(assign(h, ID2, SUB "/x", "AcrPull", &err), 0);
    assert_int_equal(access_each(database_reader(h->database), count_one, &n, &err), 0);
    assert_int_equal(n, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a1_nothing_assigned_nothing_allowed, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(a3_effective_at_once_and_named, open_house, close_house),
        cmocka_unit_test_setup_teardown(what_is_forgotten_is_the_scope_and_below, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(what_is_assigned_survives_a_restart, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(the_same_again_is_no_change_another_is_a_conflict,
                                        open_house, close_house),
        cmocka_unit_test_setup_teardown(nonsense_is_refused, open_house, close_house),
        cmocka_unit_test_setup_teardown(the_system_may, open_house, close_house),
        cmocka_unit_test_setup_teardown(a4_readers_go_on_while_assignments_change, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(every_assignment_is_visited, open_house, close_house),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
