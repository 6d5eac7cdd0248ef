/* The invariants U1 to U4 and U6 of audit/audit.h, and those of record.h and tree.h. */
#include "audit/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "audit/checkpoint.h"
#include "audit/record.h"
#include "audit/strangers.h"
#include "audit/tree.h"
#include "base/mem.h"
#include "log.h"

static void
u1_no_change_without_its_record(void **state)
{
    LOG_OF_TEST(l);
    const struct audit_record r = log_record("/subscriptions/S");
    struct log_append a = { l.audit, &r, 3, 1 };
    struct err err = { 0 };

    (void)state;
    log_changes(&l, 2);
    assert_int_equal(database_write(l.database, log_append_, &a, &err), -1);
    assert_int_equal(log_number(&l, "SELECT count(*) FROM audit_record"), 2);
    /* The tree forgot what was taken back (T1). */
    log_changes(&l, 300);
    assert_int_equal(log_number(&l, "SELECT max(seq) FROM audit_record"), 302);
    err_clear(&err);
    {
        struct audit_checkpoint c;

        MUST(&err, audit_checkpoint(l.audit, &c, &err));
        assert_int_equal(c.size, 302);
    }
}

static void
u2_refusal_is_durable_when_it_returns(void **state)
{
    LOG_OF_TEST(l);
    struct audit_record r = log_record("/subscriptions/S");
    struct err err = { 0 };

    (void)state;
    r.verdict = AUDIT_REFUSED;
    MUST(&err, audit_refuse(l.audit, &r, &err));
    assert_int_equal(log_number(&l, "SELECT count(*) FROM audit_record WHERE kind = 'refusal' AND "
                                    "verdict = 'refused'"),
                     1);
}

/* Different names each time, with credentials that are wrong and without any. */
static void
u7_a_stranger_cannot_fill_the_disk(void **state)
{
    LOG_OF_TEST(l);
    struct audit_record r = log_record("");
    struct err err = { 0 };
    const int asked = STRANGERS_BURST * 5;
    char scope[64];

    (void)state;
    r.caller_kind = "Anonymous";
    r.caller_id = "";
    for (int i = 0; i < asked; i++) {
        (void)snprintf(scope, sizeof(scope), "/subscriptions/S/%d", i);
        r.scope = text_of(scope);
        r.verdict = i % 2 == 0 ? AUDIT_REFUSED : AUDIT_CHALLENGED;
        if (r.verdict == AUDIT_REFUSED)
            MUST(&err, audit_refuse(l.audit, &r, &err));
        else
            audit_read(l.audit, &r);
    }
    MUST(&err, audit_flush(l.audit, &err));
    assert_int_equal(log_number(&l, "SELECT sum(count) FROM audit_record"), asked);
    assert_in_range(log_number(&l, "SELECT count(*) FROM audit_record"), STRANGERS_BURST,
                    STRANGERS_BURST + 40);
    /* Another address, and whoever has signed in, are recorded as ever (U2). */
    r.verdict = AUDIT_REFUSED;
    r.address = TEXT("::1");
    MUST(&err, audit_refuse(l.audit, &r, &err));
    r.caller_kind = "User";
    r.address = TEXT("127.0.0.1");
    MUST(&err, audit_refuse(l.audit, &r, &err));
    assert_int_equal(log_number(&l, "SELECT count(*) FROM audit_record WHERE kind = 'refusal' AND "
                                    "(address = '::1' OR caller_kind = 'User')"),
                     2);
}

static void
s1_s2_an_address_has_a_share(void **state)
{
    OWN(strangers) s = strangers_new();
    int64_t now = 0;

    (void)state;
    assert_non_null(s);
    for (int i = 0; i < STRANGERS_BURST; i++)
        assert_true(strangers_take(s, TEXT("2001:db8::1"), now));
    assert_false(strangers_take(s, TEXT("2001:db8::1"), now));
    assert_false(strangers_take(s, TEXT("2001:db8::ffff:2"), now));
    now += STRANGERS_STEP_US;
    assert_true(strangers_take(s, TEXT("2001:db8::3"), now));
    assert_false(strangers_take(s, TEXT("2001:db8::1"), now));
    /* Rest gives back no more than there was. */
    now += 10 * STRANGERS_BURST * STRANGERS_STEP_US;
    for (int i = 0; i < STRANGERS_BURST; i++)
        assert_true(strangers_take(s, TEXT("2001:db8::1"), now));
    assert_false(strangers_take(s, TEXT("2001:db8::1"), now));
}

static void
u2_reads_are_written_within_a_second(void **state)
{
    LOG_OF_TEST(l);
    const struct audit_record r = log_record("/subscriptions/S");

    (void)state;
    audit_read(l.audit, &r);
    for (int i = 0; i < 30; i++) {
        if (log_number(&l, "SELECT count(*) FROM audit_record WHERE kind = 'read'") == 1)
            return;
        (void)usleep(50000);
    }
    fail_msg("the read was not written");
}

static void
u2_reads_are_written_at_the_end(void **state)
{
    LOG_OF_TEST(l);
    const struct audit_record r = log_record("/subscriptions/S");

    (void)state;
    audit_read(l.audit, &r);
    audit_free(l.audit);
    l.audit = NULL;
    assert_int_equal(log_number(&l, "SELECT count(*) FROM audit_record WHERE kind = 'read'"), 1);
    /* U6: and a last checkpoint covers it. */
    assert_int_equal(log_number(&l, "SELECT max(size) FROM audit_checkpoint"), 1);
}

static void
u3_equal_reads_are_one_record_with_a_count(void **state)
{
    LOG_OF_TEST(l);
    struct audit_record r = log_record("/subscriptions/S");
    struct err err = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++)
        audit_read(l.audit, &r);
    r.scope = TEXT("/subscriptions/OTHER");
    audit_read(l.audit, &r);
    MUST(&err, audit_flush(l.audit, &err));
    /* A tick of the clerk may fall between: counts add up in any case. */
    assert_int_equal(log_number(&l, "SELECT sum(count) FROM audit_record"), 1001);
    assert_in_range(log_number(&l, "SELECT count(*) FROM audit_record"), 2, 3);
}

static void
u2_drops_are_counted_in_a_record(void **state)
{
    LOG_OF_TEST(l);
    struct audit_record r = log_record("/subscriptions/S");
    struct err err = { 0 };
    char target[32];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(target, sizeof(target), "app:%d", i);
        r.target = text_of(target);
        audit_read(l.audit, &r);
    }
    MUST(&err, audit_flush(l.audit, &err));
    assert_int_equal(log_number(&l, "SELECT sum(count) FROM audit_record"), 20000);
    assert_true(log_number(&l, "SELECT count(*) FROM audit_record WHERE action = "
                               "'Holdfast.Audit/records/drop'") > 0);
}

static void
u4_numbers_have_no_gaps_and_the_tree_is_rfc_6962(void **state)
{
    LOG_OF_TEST(l);
    struct merkle_frontier grown = { 0 }, loaded;
    struct err err = { 0 };
    uint8_t a[MERKLE_LEN], b[MERKLE_LEN];
    struct db *db;
    DB_ROWS(rows);

    (void)state;
    log_changes(&l, 700);
    log_close(&l);
    log_open(&l);
    log_changes(&l, 77);
    db = database_reader(l.database);
    MUST(&err, db_query(db, &rows, &err, "SELECT seq, leaf FROM audit_record ORDER BY seq"));
    while (MUST(&err, db_next(&rows, &err)) > 0) {
        assert_int_equal(db_int(&rows, 0), grown.size + 1);
        merkle_add(&grown, (const uint8_t *)db_blob(&rows, 1).p);
    }
    assert_int_equal(grown.size, 777);
    MUST(&err, tree_load(db, 777, &loaded, &err)); /* T1 */
    merkle_root(&grown, a);
    merkle_root(&loaded, b);
    assert_memory_equal(a, b, MERKLE_LEN);
}

/* The very bytes, written down apart from the code (README.md): what anyone can recompute. */
static void
l3_leaf_is_the_documented_one(void **state)
{
    static const char expected[] =
        "7989674281aefb3f4daa93d124dc8581b29a96a75ebe1d3e2a5df1bc87b13607";
    const struct audit_record in = log_record("/subscriptions/S");
    struct record_room room;
    struct record r = { .seq = 5 };
    char hex[2 * MERKLE_LEN + 1];

    (void)state;
    record_take(&r, AUDIT_CHANGE, &in, &room);
    record_leaf(&r, "11111111-2222-4333-8444-555555555555", r.leaf);
    hex_print(r.leaf, MERKLE_LEN, hex);
    assert_string_equal(hex, expected);
}

static void
l2_stored_texts_are_clean_and_short(void **state)
{
    static char long_scope[3000];
    struct audit_record in = log_record("/subscriptions/S");
    struct record_room room;
    struct record r = { .seq = 1 };

    (void)state;
    memset(long_scope, 'a', sizeof(long_scope) - 1);
    in.scope = text_of(long_scope);
    in.detail = text_from("a\nb\0c\xff\xc3\xa9\xed\xa0\x80\x1b[m", 14);
    record_take(&r, AUDIT_CHANGE, &in, &room);
    assert_int_equal(r.texts[RECORD_SCOPE].n, 1024);
    assert_true(text_is(r.texts[RECORD_DETAIL], "a?b?c?\xc3\xa9????[m"));
}

static void
u6_checkpoints_extend_each_other_and_are_signed(void **state)
{
    LOG_OF_TEST(l);
    struct audit_checkpoint first, second, again;
    struct err err = { 0 };
    OWN_BUF(key, 4096);
    uint8_t proof[MERKLE_PROOF_MAX][MERKLE_LEN];
    size_t n;

    (void)state;
    log_changes(&l, 300);
    MUST(&err, audit_checkpoint(l.audit, &first, &err));
    log_changes(&l, 1000);
    MUST(&err, audit_checkpoint(l.audit, &second, &err));
    MUST(&err, audit_public_key(l.audit, &key, &err));
    assert_true(checkpoint_signed(&first, buf_view(&key)));
    assert_true(checkpoint_signed(&second, buf_view(&key)));
    first.size++;
    assert_false(checkpoint_signed(&first, buf_view(&key)));
    first.size--;
    MUST(&err, tree_prove(database_reader(l.database), first.size, second.size, proof, &n, &err));
    assert_true(merkle_consistent(first.size, first.root, second.size, second.root,
                                  (const uint8_t(*)[MERKLE_LEN])proof, n));
    /* Nothing new: the same one again. */
    MUST(&err, audit_checkpoint(l.audit, &again, &err));
    assert_memory_equal(&again, &second, sizeof(again));
}

static void
u6_old_copy_is_served_and_not_signed(void **state)
{
    LOG_OF_TEST(l);
    struct audit_checkpoint c;
    struct err err = { 0 };

    (void)state;
    log_changes(&l, 20);
    MUST(&err, audit_checkpoint(l.audit, &c, &err));
    log_sql(&l, "DELETE FROM audit_checkpoint");
    log_sql(&l, "DELETE FROM audit_record WHERE seq > 10");
    log_close(&l);
    log_open(&l);
    assert_int_equal(audit_health(l.audit, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    err_clear(&err);
    log_refuse(&l, 30); /* served, and never signed, however long it grows */
    assert_int_equal(audit_checkpoint(l.audit, &c, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(audit_health(l.audit, &err), -1);
}

static void
every_allocation_may_fail(void **state)
{
    LOG_OF_TEST(l);
    bool opened = false;

    (void)state;
    log_changes(&l, 3);
    audit_free(l.audit);
    l.audit = NULL;
    for (long n = 0; n < 400 && !opened; n++) {
        struct err err = { 0 };
        struct log fresh = l; /* the audit key is given once per channel */
        long before;

        log_start_vault(&fresh);
        before = mem_live();
        mem_fail_after(n);
        fresh.audit = audit_open(l.database, fresh.vault, &err);
        mem_fail_after(-1);
        opened = fresh.audit != NULL;
        assert_true(opened || err.kind != ERR_OK);
        audit_free(fresh.audit);
        assert_true(opened || mem_live() <= before + 40); /* statements kept by connections */
        log_stop_vault(&fresh);
    }
    assert_true(opened);
    log_stop_vault(&l);
    log_start_vault(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u1_no_change_without_its_record),
        cmocka_unit_test(u2_refusal_is_durable_when_it_returns),
        cmocka_unit_test(u7_a_stranger_cannot_fill_the_disk),
        cmocka_unit_test(s1_s2_an_address_has_a_share),
        cmocka_unit_test(u2_reads_are_written_within_a_second),
        cmocka_unit_test(u2_reads_are_written_at_the_end),
        cmocka_unit_test(u2_drops_are_counted_in_a_record),
        cmocka_unit_test(u3_equal_reads_are_one_record_with_a_count),
        cmocka_unit_test(u4_numbers_have_no_gaps_and_the_tree_is_rfc_6962),
        cmocka_unit_test(l3_leaf_is_the_documented_one),
        cmocka_unit_test(l2_stored_texts_are_clean_and_short),
        cmocka_unit_test(u6_checkpoints_extend_each_other_and_are_signed),
        cmocka_unit_test(u6_old_copy_is_served_and_not_signed),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
