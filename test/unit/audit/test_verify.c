/* U5 of audit/audit.h and the invariants of verify.h: what somebody with the file can do. */
#include "audit/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "audit/record.h"
#include "audit/tree.h"
#include "base/clock.h"
#include "log.h"

#define FOUND_MAX 64

struct found {
    struct audit_finding findings[FOUND_MAX];
    size_t n;
    struct audit_report report;
};

static int
keep(void *arg, const struct audit_finding *f, struct err *err)
{
    struct found *found = arg;

    (void)err;
    if (found->n < FOUND_MAX)
        found->findings[found->n++] = *f;
    return 0;
}

static void
verify(struct log *l, const struct audit_checkpoint *kept, struct found *out)
{
    struct err err = { 0 };

    *out = (struct found){ .n = 0 };
    MUST(&err, audit_verify(l->audit, kept, keep, out, &out->report, &err));
}

static void
show(const struct found *f)
{
    for (size_t i = 0; i < f->n; i++)
        print_message(
            "  %s %llu-%llu %s: %s\n", audit_fault_name(f->findings[i].fault),
            (unsigned long long)f->findings[i].first, (unsigned long long)f->findings[i].last,
            f->findings[i].column != NULL ? f->findings[i].column : "-", f->findings[i].text);
}

static bool
has(const struct found *f, enum audit_fault fault, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->findings[i].fault == fault && f->findings[i].first == first &&
            f->findings[i].last == last)
            return true;
    show(f);
    return false;
}

/* 30 signed records and 10 that no checkpoint covers yet. */
static void
fill(struct log *l)
{
    struct audit_checkpoint c;
    struct err err = { 0 };

    log_changes(l, 15);
    log_refuse(l, 5);
    log_changes(l, 10);
    MUST(&err, audit_checkpoint(l->audit, &c, &err));
    log_changes(l, 10);
}

static void
v1_untouched_log_has_no_finding(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    verify(&l, NULL, &f);
    assert_int_equal(f.n, 0);
    fill(&l);
    log_changes(&l, 600); /* stored nodes */
    verify(&l, NULL, &f);
    show(&f);
    assert_int_equal(f.n, 0);
    assert_int_equal(f.report.records, 640);
    assert_true(f.report.checkpoints >= 1 && f.report.any_last);
}

static void *
write_on(void *arg)
{
    struct log *l = arg;
    struct audit_checkpoint c;
    struct err err = { 0 };

    for (int i = 0; i < 20; i++) {
        log_changes(l, 50);
        MUST(&err, audit_checkpoint(l->audit, &c, &err));
    }
    return NULL;
}

static void
v1_no_finding_while_records_are_written(void **state)
{
    LOG_OF_TEST(l);
    struct found f;
    pthread_t writer;

    (void)state;
    fill(&l);
    assert_int_equal(pthread_create(&writer, NULL, write_on, &l), 0);
    for (int i = 0; i < 20; i++) {
        verify(&l, NULL, &f);
        show(&f);
        assert_int_equal(f.n, 0);
    }
    (void)pthread_join(writer, NULL);
}

static void
v2_every_altered_column_is_found(void **state)
{
    static const char *const columns[] = {
        "kind = 'read'",
        "time_us = time_us + 1",
        "request_id = 'x'",
        "caller_kind = 'x'",
        "caller_id = 'x'",
        "caller_name = 'eve'",
        "address = '8.8.8.8'",
        "action = 'x/y/read'",
        "scope = '/subscriptions/T'",
        "verdict = 'refused'",
        "rule = ''",
        "role = 'Reader'",
        "rule_version = 8",
        "status = 403",
        "result = 'DENIED'",
        "digest = 'sha256:0'",
        "target = 'app:2'",
        "detail = ''",
        "duration_us = 1",
        "count = 2",
        "leaf = x'00'",
        "seal = x'00'",
        "leaf = zeroblob(32)",
        "seal = zeroblob(32)",
        "leaf = randomblob(32), seal = randomblob(32)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        LOG_OF_TEST(l);
        struct found f;
        char sql[256];

        fill(&l);
        (void)snprintf(sql, sizeof(sql), "UPDATE audit_record SET %s WHERE seq = 12", columns[i]);
        log_sql(&l, sql);
        verify(&l, NULL, &f);
        if (f.n != 1 || f.findings[0].fault != AUDIT_ALTERED || f.findings[0].first != 12 ||
            f.findings[0].last != 12)
            show(&f);
        assert_int_equal(f.n, 1);
        assert_int_equal(f.findings[0].fault, AUDIT_ALTERED);
        assert_int_equal(f.findings[0].first, 12);
    }
}

static void
v2_the_column_is_told_where_it_can_be(void **state)
{
    static const struct {
        const char *sql;
        const char *column;
        const char *was;
    } cases[] = {
        { "UPDATE audit_record SET verdict = 'allowed' WHERE seq = 17", "verdict", "\"refused\"" },
        { "UPDATE audit_record SET status = 200 WHERE seq = 17", "status", "403" },
        { "UPDATE audit_record SET caller_name = 'eve' WHERE seq = 17", "caller_name",
          "\"admin\"" },
        { "UPDATE audit_record SET count = 5 WHERE seq = 17", "count", "1" },
        { "UPDATE audit_record SET leaf = zeroblob(32) WHERE seq = 17", "leaf", "hash" },
        { "UPDATE audit_record SET seal = zeroblob(32) WHERE seq = 17", "seal", "seal" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        LOG_OF_TEST(l);
        struct found f;

        fill(&l);
        log_sql(&l, cases[i].sql);
        verify(&l, NULL, &f);
        show(&f);
        assert_int_equal(f.n, 1);
        assert_non_null(f.findings[0].column);
        assert_string_equal(f.findings[0].column, cases[i].column);
        assert_non_null(strstr(f.findings[0].text, cases[i].was));
    }
}

static void
v2_removed_records_are_named(void **state)
{
    static const struct {
        const char *sql;
        uint64_t first;
        uint64_t last;
    } cases[] = {
        { "DELETE FROM audit_record WHERE seq = 1", 1, 1 },
        { "DELETE FROM audit_record WHERE seq = 20", 20, 20 },
        { "DELETE FROM audit_record WHERE seq BETWEEN 5 AND 9", 5, 9 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        LOG_OF_TEST(l);
        struct found f;

        fill(&l);
        log_sql(&l, cases[i].sql);
        verify(&l, NULL, &f);
        show(&f);
        assert_int_equal(f.n, 1);
        assert_true(has(&f, AUDIT_REMOVED, cases[i].first, cases[i].last));
    }
}

static void
v2_removed_and_renumbered_is_named(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "DELETE FROM audit_record WHERE seq = 20");
    log_sql(&l, "UPDATE audit_record SET seq = seq - 1000 WHERE seq > 20");
    log_sql(&l, "UPDATE audit_record SET seq = seq + 999 WHERE seq < 0");
    verify(&l, NULL, &f);
    show(&f);
    assert_true(has(&f, AUDIT_REMOVED, 20, 20));
    assert_int_equal(f.n, 1);
}

static void
v2_removed_last_but_one_and_renumbered_is_named(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "DELETE FROM audit_record WHERE seq = 39");
    log_sql(&l, "UPDATE audit_record SET seq = 39 WHERE seq = 40");
    verify(&l, NULL, &f);
    show(&f);
    assert_true(has(&f, AUDIT_REMOVED, 39, 39));
    assert_int_equal(f.n, 1);
}

#define COPY                                                                                       \
    "kind, time_us, request_id, caller_kind, caller_id, caller_name, address, action, scope, "     \
    "verdict, rule, role, rule_version, status, result, digest, target, detail, duration_us, "     \
    "count, leaf, seal"

static void
v2_inserted_in_the_middle_is_named(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "UPDATE audit_record SET seq = seq + 1000 WHERE seq >= 20");
    log_sql(&l, "UPDATE audit_record SET seq = seq - 999 WHERE seq > 1000");
    log_sql(&l, "INSERT INTO audit_record(seq, " COPY ") SELECT 20, " COPY
                " FROM audit_record WHERE seq = 5");
    log_sql(&l, "UPDATE audit_record SET caller_name = 'eve' WHERE seq = 20");
    verify(&l, NULL, &f);
    show(&f);
    assert_true(has(&f, AUDIT_INSERTED, 20, 20));
    assert_int_equal(f.n, 1);
}

static void
v2_inserted_at_the_end_and_before_the_beginning_is_named(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "INSERT INTO audit_record(seq, " COPY ") SELECT 41, " COPY
                " FROM audit_record WHERE seq = 5");
    log_sql(&l, "INSERT INTO audit_record(seq, " COPY ") SELECT 0, " COPY
                " FROM audit_record WHERE seq = 5");
    verify(&l, NULL, &f);
    show(&f);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.findings[0].fault, AUDIT_INSERTED);
    assert_int_equal(f.findings[0].first, 0);
    assert_int_equal(f.findings[1].first, 41);
}

static void
v2_swapped_records_are_named(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "UPDATE audit_record SET seq = 999 WHERE seq = 8");
    log_sql(&l, "UPDATE audit_record SET seq = 8 WHERE seq = 22");
    log_sql(&l, "UPDATE audit_record SET seq = 22 WHERE seq = 999");
    verify(&l, NULL, &f);
    show(&f);
    assert_true(has(&f, AUDIT_MOVED, 8, 8));
    assert_true(has(&f, AUDIT_MOVED, 22, 22));
    assert_int_equal(f.n, 2);
}

/* Somebody who can compute hashes, but has no key for seals. */
static int
rehash(struct db *db, void *arg, struct err *err)
{
    const int64_t *seq = arg;
    char epoch[ID_LEN + 1];
    struct record r;
    uint8_t leaf[MERKLE_LEN];

    {
        DB_ROWS(rows);

        if (db_one(db, &rows, err, "SELECT id FROM audit_epoch") <= 0)
            return -1;
        (void)text_copy(db_text(&rows, 0), epoch, sizeof(epoch));
    }
    {
        DB_ROWS(rows);

        if (db_one(db, &rows, err, "SELECT " RECORD_COLUMNS " FROM audit_record WHERE seq = $1",
                   DB_INT(*seq)) <= 0)
            return -1;
        (void)record_row(&rows, &r);
        record_leaf(&r, epoch, leaf);
    }
    return db_run(db, err, "UPDATE audit_record SET leaf = $1 WHERE seq = $2",
                  DB_BLOB(leaf, MERKLE_LEN), DB_INT(*seq)) < 0
               ? -1
               : 0;
}

static void
v2_altered_and_hashed_again_is_named(void **state)
{
    static const int64_t numbers[] = { 1, 17, 30, 31, 40 };

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        LOG_OF_TEST(l);
        struct err err = { 0 };
        int64_t seq = numbers[i];
        struct found f;
        char sql[128];

        fill(&l);
        (void)snprintf(sql, sizeof(sql), "UPDATE audit_record SET caller_id = 'eve' WHERE seq = %d",
                       (int)seq);
        log_sql(&l, sql);
        MUST(&err, database_write(l.database, rehash, &seq, &err));
        verify(&l, NULL, &f);
        show(&f);
        assert_int_equal(f.n, 1);
        assert_int_equal(f.findings[0].first, seq);
        assert_int_equal(f.findings[0].fault, seq <= 30 ? AUDIT_ALTERED : AUDIT_INSERTED);
    }
}

static void
v2_cut_end_is_named_even_without_stored_checkpoints(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "DELETE FROM audit_record WHERE seq > 25");
    log_sql(&l, "DELETE FROM audit_checkpoint");
    verify(&l, NULL, &f);
    assert_int_equal(f.n, 1);
    assert_true(has(&f, AUDIT_TRUNCATED, 26, 30));
}

static void
v2_emptied_log_is_named(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "DELETE FROM audit_record");
    log_sql(&l, "DELETE FROM audit_tree");
    log_sql(&l, "DELETE FROM audit_checkpoint");
    verify(&l, NULL, &f);
    assert_true(has(&f, AUDIT_TRUNCATED, 1, 30));
}

static void
v2_forged_checkpoint_is_named(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "INSERT INTO audit_checkpoint(epoch, size, root, time_us, signature) SELECT epoch, "
                "25, root, time_us, signature FROM audit_checkpoint WHERE size = 30");
    verify(&l, NULL, &f);
    assert_int_equal(f.n, 1);
    assert_true(has(&f, AUDIT_CHECKPOINT, 25, 25));
}

static void
v2_altered_node_is_named(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    log_changes(&l, 1100);
    log_sql(&l, "UPDATE audit_tree SET hash = zeroblob(32) WHERE level = 9 AND place = 1");
    verify(&l, NULL, &f);
    assert_int_equal(f.n, 1);
    assert_true(has(&f, AUDIT_TREE, 513, 1024));
}

static void
v2_epoch_is_part_of_every_record(void **state)
{
    LOG_OF_TEST(l);
    struct found f;

    (void)state;
    fill(&l);
    log_sql(&l, "UPDATE audit_epoch SET id = '00000000-0000-4000-8000-000000000000'");
    verify(&l, NULL, &f);
    assert_true(f.n > 0);
}

static void
u6_kept_checkpoint_is_extended(void **state)
{
    LOG_OF_TEST(l);
    struct audit_checkpoint kept;
    struct err err = { 0 };
    struct found f;

    (void)state;
    log_changes(&l, 300);
    MUST(&err, audit_checkpoint(l.audit, &kept, &err));
    log_changes(&l, 300);
    verify(&l, &kept, &f);
    show(&f);
    assert_int_equal(f.n, 0);
    kept.root[0] ^= 1;
    verify(&l, &kept, &f);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.findings[0].fault, AUDIT_CHECKPOINT);
    kept.root[0] ^= 1;
    log_sql(&l, "DELETE FROM audit_record WHERE seq > 200");
    verify(&l, &kept, &f);
    assert_true(has(&f, AUDIT_TRUNCATED, 201, 300));
}

static void
clock_that_jumps_back_does_no_harm(void **state)
{
    LOG_OF_TEST(l);
    struct audit_record r = log_record("/subscriptions/S");
    struct err err = { 0 };
    struct found f;

    (void)state;
    MUST(&err, audit_refuse(l.audit, &r, &err));
    r.time_us = -5;
    MUST(&err, audit_refuse(l.audit, &r, &err));
    verify(&l, NULL, &f);
    assert_int_equal(f.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v1_untouched_log_has_no_finding),
        cmocka_unit_test(v1_no_finding_while_records_are_written),
        cmocka_unit_test(v2_every_altered_column_is_found),
        cmocka_unit_test(v2_the_column_is_told_where_it_can_be),
        cmocka_unit_test(v2_removed_records_are_named),
        cmocka_unit_test(v2_removed_and_renumbered_is_named),
        cmocka_unit_test(v2_removed_last_but_one_and_renumbered_is_named),
        cmocka_unit_test(v2_inserted_in_the_middle_is_named),
        cmocka_unit_test(v2_inserted_at_the_end_and_before_the_beginning_is_named),
        cmocka_unit_test(v2_swapped_records_are_named),
        cmocka_unit_test(v2_altered_and_hashed_again_is_named),
        cmocka_unit_test(v2_cut_end_is_named_even_without_stored_checkpoints),
        cmocka_unit_test(v2_emptied_log_is_named),
        cmocka_unit_test(v2_forged_checkpoint_is_named),
        cmocka_unit_test(v2_altered_node_is_named),
        cmocka_unit_test(v2_epoch_is_part_of_every_record),
        cmocka_unit_test(u6_kept_checkpoint_is_extended),
        cmocka_unit_test(clock_that_jumps_back_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
