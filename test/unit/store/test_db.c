/* The invariants of store/db.h, and of the schema's migrations (W7). */
#include "store/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "scratch.h"

static const struct migration first[] = {
    { "test", 1,
      "CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT UNIQUE, body " DB_DDL_BYTES
      ", parent BIGINT REFERENCES thing (id))" },
    { NULL, 0, NULL },
};
static const struct migration second[] = {
    { "test", 1, "must never run again" },
    { "test", 2, "CREATE TABLE other (id BIGINT PRIMARY KEY); INSERT INTO other (id) VALUES (7)" },
    { NULL, 0, NULL },
};
static const struct migration failing[] = {
    { "test", 1, "must never run again" },
    { "test", 2, "CREATE TABLE other (id BIGINT PRIMARY KEY)" },
    { "test", 3, "CREATE TABLE broken (" },
    { NULL, 0, NULL },
};
static const struct migration *const first_sets[] = { first, NULL };
static const struct migration *const second_sets[] = { second, NULL };
static const struct migration *const failing_sets[] = { failing, NULL };

static int64_t
count(struct db *db, const char *sql)
{
    DB_ROWS(rows);
    struct err err = { 0 };

    return must(&err, db_one(db, &rows, &err, sql)) == 1 ? db_int(&rows, 0) : -1;
}

/* Run a test's body inside one change, where writing is allowed. */
static void
inside(database_change *body)
{
    SCRATCH(s);
    struct err err = { 0 };
    OWN(database) d = database_open(s.database, first_sets, &err);

    must(&err, d != NULL ? 0 : -1);
    must(&err, database_write(d, body, NULL, &err));
}

static int
values_come_back(struct db *db, void *arg, struct err *err)
{
    static const char hostile[] = "'); DROP TABLE thing; --\0 and on";
    DB_ROWS(rows);

    (void)arg;
    assert_int_equal(db_run(db, err, "INSERT INTO thing (id, name, body) VALUES ($1, $2, $3)",
                            DB_INT(INT64_MIN), DB_TEXT(text_from(hostile, sizeof(hostile))),
                            DB_BLOB("\0\377", 2)),
                     1);
    assert_int_equal(db_run(db, err, "INSERT INTO thing (id, name, body) VALUES ($1, $2, $3)",
                            DB_INT(2), DB_STR(""), DB_NULL),
                     1);
    assert_int_equal(must(err, db_query(db, &rows, err, "SELECT * FROM thing ORDER BY id")), 0);
    assert_int_equal(db_next(&rows, err), 1);
    assert_true(db_int(&rows, 0) == INT64_MIN);
    assert_true(text_equal(db_text(&rows, 1), text_from(hostile, sizeof(hostile))));
    assert_true(text_equal(db_blob(&rows, 2), text_from("\0\377", 2)));
    assert_int_equal(db_next(&rows, err), 1);
    assert_false(db_is_null(&rows, 1));
    assert_int_equal(db_text(&rows, 1).n, 0);
    assert_true(db_is_null(&rows, 2));
    assert_int_equal(db_next(&rows, err), 0);
    assert_int_equal(db_next(&rows, err), 0);
    return 0;
}

static void
q1_values_never_become_sql(void **state)
{
    (void)state;
    inside(values_come_back);
}

static int
conflicts(struct db *db, void *arg, struct err *err)
{
    struct err refused = { 0 };

    (void)arg;
    assert_int_equal(
        db_run(db, err, "INSERT INTO thing (id, name) VALUES ($1, $2)", DB_INT(1), DB_STR("a")), 1);
    for (int64_t id = 1; id <= 2; id++) {
        err_clear(&refused);
        assert_int_equal(db_run(db, &refused, "INSERT INTO thing (id, name) VALUES ($1, $2)",
                                DB_INT(id), DB_STR("a")),
                         -1);
        assert_int_equal(refused.kind, ERR_CONFLICT);
        assert_null(strstr(refused.msg, "thing"));
        assert_non_null(strstr(refused.detail, "thing"));
    }
    err_clear(&refused);
    assert_int_equal(db_run(db, &refused, "INSERT INTO thing (id, parent) VALUES ($1, $2)",
                            DB_INT(5), DB_INT(99)),
                     -1);
    assert_int_equal(refused.kind, ERR_CONFLICT);
    assert_int_equal(
        db_run(db, err, "UPDATE thing SET name = $1 WHERE id > $2", DB_STR("z"), DB_INT(50)), 0);
    assert_int_equal(db_run(db, err, "DELETE FROM thing"), 1);
    assert_int_equal(db_run(db, err, "SELECT 1"), 0);
    return 0;
}

static void
q2_constraints_are_conflicts(void **state)
{
    (void)state;
    inside(conflicts);
}

static void
q2_not_a_database_is_corrupt(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };
    FILE *f = fopen(s.database, "w");

    (void)state;
    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", f);
    fclose(f);
    assert_null(database_open(s.database, first_sets, &err));
    assert_int_equal(err.kind, ERR_CORRUPT);
}

static void
q3_a_reader_cannot_write(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };
    OWN(database) d = database_open(s.database, first_sets, &err);
    struct db *db = database_reader(d);

    (void)state;
    assert_ptr_equal(db, database_reader(d));
    assert_int_equal(db_run(db, &err, "INSERT INTO thing (id) VALUES (1)"), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_int_equal(count(db, "SELECT count(*) FROM thing"), 0);
}

static int
nested(struct db *db, void *arg, struct err *err)
{
    static const char sql[] = "SELECT id FROM thing ORDER BY id";
    int pairs = 0;

    (void)arg;
    for (int64_t i = 0; i < 3; i++)
        must(err, db_run(db, err, "INSERT INTO thing (id) VALUES ($1)", DB_INT(i)));
    DB_ROWS(outer);
    must(err, db_query(db, &outer, err, sql));
    while (must(err, db_next(&outer, err)) == 1) {
        DB_ROWS(inner);

        must(err, db_query(db, &inner, err, sql));
        while (must(err, db_next(&inner, err)) == 1)
            pairs++;
    }
    assert_int_equal(pairs, 9);
    return 0;
}

static void
q4_a_query_inside_itself(void **state)
{
    (void)state;
    inside(nested);
}

static void
wrong_number_of_values_is_refused(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };
    OWN(database) d = database_open(s.database, first_sets, &err);
    DB_ROWS(rows);

    (void)state;
    assert_int_equal(db_one(database_reader(d), &rows, &err, "SELECT $1, $2", DB_INT(1)), -1);
    assert_int_equal(err.kind, ERR_IO);
}

/* More texts than the cache holds, and one address with changing text. */
static void
cache_evicts_and_notices_change(void **state)
{
    static char many[1000][32];
    SCRATCH(s);
    struct err err = { 0 };
    OWN(database) d = database_open(s.database, first_sets, &err);
    struct db *db = database_reader(d);
    char same[32];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++) {
            (void)snprintf(many[i], sizeof(many[i]), "SELECT %d", i);
            assert_int_equal(count(db, many[i]), i);
            (void)snprintf(same, sizeof(same), "SELECT -%d", i);
            assert_int_equal(count(db, same), -i);
        }
    }
}

static void
w7_migrations_run_once_in_order(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };

    (void)state;
    {
        OWN(database) d = database_open(s.database, first_sets, &err);
        must(&err, d != NULL ? 0 : -1);
    }
    for (int i = 0; i < 2; i++) {
        OWN(database) d = database_open(s.database, second_sets, &err);
        must(&err, d != NULL ? 0 : -1);
        assert_int_equal(count(database_reader(d), "SELECT count(*) FROM other"), 1);
        assert_int_equal(count(database_reader(d), "SELECT count(*) FROM schema_migration"), 2);
    }
}

static void
w7_newer_database_is_refused(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };

    (void)state;
    {
        OWN(database) d = database_open(s.database, first_sets, &err);
        OWN(database) e = database_open(s.database, second_sets, &err);
        must(&err, d != NULL && e != NULL ? 0 : -1);
    }
    assert_null(database_open(s.database, first_sets, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "newer"));
    assert_non_null(strstr(err.msg, "test step 2"));
}

static void
w7_all_pending_or_none(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };

    (void)state;
    {
        OWN(database) d = database_open(s.database, first_sets, &err);
        must(&err, d != NULL ? 0 : -1);
    }
    assert_null(database_open(s.database, failing_sets, &err));
    assert_non_null(strstr(err.detail, "migration test 3"));
    err_clear(&err);
    OWN(database) d = database_open(s.database, first_sets, &err);
    must(&err, d != NULL ? 0 : -1);
    assert_int_equal(
        count(database_reader(d), "SELECT count(*) FROM sqlite_schema WHERE name = 'other'"), 0);
}

static void
read_only_opening_changes_nothing(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };

    (void)state;
    assert_null(database_open(s.database, NULL, &err));
    assert_int_equal(access(s.database, F_OK), -1);
    err_clear(&err);
    {
        OWN(database) d = database_open(s.database, second_sets + 1, &err); /* no sets */
        must(&err, d != NULL ? 0 : -1);
    }
    OWN(database) d = database_open(s.database, NULL, &err);
    must(&err, d != NULL ? 0 : -1);
    assert_int_equal(count(database_reader(d), "SELECT count(*) FROM schema_migration"), 0);
    assert_int_equal(database_write(d, nested, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
}

static void
files_are_private(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };
    OWN(database) d = database_open(s.database, first_sets, &err);
    static const char *const suffix[] = { "", "-wal", "-shm" };

    (void)state;
    (void)count(database_reader(d), "SELECT count(*) FROM thing");
    for (int i = 0; i < 3; i++) {
        char path[128];
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s%s", s.database, suffix[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

/* Every allocation of opening, changing and reading fails once: an error, never worse, no leak. */
static int
one_life(const char *path, struct err *err)
{
    OWN(database) d = database_open(path, first_sets, err);
    DB_ROWS(rows);

    if (d == NULL)
        return -1;
    if (db_one(database_reader(d), &rows, err, "SELECT name FROM thing WHERE id = $1", DB_INT(1)) <
        0)
        return -1;
    return 0;
}

static void
allocation_sweep(void **state)
{
    SCRATCH(s);
    struct err err = { 0 };
    long live;
    int failed = 0;

    (void)state;
    must(&err, one_life(s.database, &err));
    live = mem_live();
    for (long n = 0;; n++) {
        int r;

        err_clear(&err);
        mem_fail_after(n);
        r = one_life(s.database, &err);
        mem_fail_after(-1);
        assert_int_equal(mem_live(), live);
        if (r < 0)
            failed++;
        if (r < 0)
            assert_true(err.kind == ERR_NO_SPACE || err.kind == ERR_IO || err.kind == ERR_CORRUPT);
        if (r == 0 && n > 2000)
            break;
    }
    assert_true(failed > 50);
    err_clear(&err);
    must(&err, one_life(s.database, &err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q1_values_never_become_sql),
        cmocka_unit_test(q2_constraints_are_conflicts),
        cmocka_unit_test(q2_not_a_database_is_corrupt),
        cmocka_unit_test(q3_a_reader_cannot_write),
        cmocka_unit_test(q4_a_query_inside_itself),
        cmocka_unit_test(wrong_number_of_values_is_refused),
        cmocka_unit_test(cache_evicts_and_notices_change),
        cmocka_unit_test(w7_migrations_run_once_in_order),
        cmocka_unit_test(w7_newer_database_is_refused),
        cmocka_unit_test(w7_all_pending_or_none),
        cmocka_unit_test(read_only_opening_changes_nothing),
        cmocka_unit_test(files_are_private),
        cmocka_unit_test(allocation_sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
