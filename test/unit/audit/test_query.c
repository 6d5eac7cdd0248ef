/* The invariants of audit/query.h. */
#include "audit/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "log.h"

struct seen {
    int64_t seq[200];
    size_t n;
};

static int
see(void *arg, const struct record *r, struct err *err)
{
    struct seen *s = arg;

    (void)err;
    if (s->n < 200)
        s->seq[s->n++] = r->seq;
    return 0;
}

static int64_t
ask(struct log *l, const struct audit_filter *f, size_t limit, struct seen *out)
{
    struct err err = { 0 };
    int64_t next = -1;

    out->n = 0;
    MUST(&err, audit_query(l->database, f, limit, see, out, &next, &err));
    return next;
}

static void
f1_pages_follow_each_other(void **state)
{
    LOG_OF_TEST(l);
    struct audit_filter f = { .oldest_first = true };
    struct seen s;

    (void)state;
    log_changes(&l, 10);
    f.after = ask(&l, &f, 4, &s);
    assert_int_equal(s.n, 4);
    assert_int_equal(s.seq[3], 4);
    log_changes(&l, 1);
    f.after = ask(&l, &f, 4, &s);
    assert_int_equal(s.seq[0], 5);
    assert_int_equal(ask(&l, &f, 4, &s), 0);
    assert_int_equal(s.n, 3);

    f = (struct audit_filter){ .after = 0 };
    f.after = ask(&l, &f, 4, &s);
    assert_int_equal(s.seq[0], 11);
    log_changes(&l, 5); /* newer ones do not shift the page */
    (void)ask(&l, &f, 4, &s);
    assert_int_equal(s.seq[0], 7);
}

static void
f2_every_filter_must_hold(void **state)
{
    static const struct audit_filter some[] = {
        { .kind = { "refusal", 7 } },
        { .verdict = { "refused", 7 } },
        { .scope = { "/SUBSCRIPTIONS/t/", 17 } },
        { .caller = { "EVE", 3 } },
        { .caller = { "someone-else", 12 } },
        { .action = { "microsoft.x/", 12 } },
        { .result = { "DENIED", 6 } },
        { .request_id = { "request-9", 9 } },
        { .target = { "web", 3 } },
        { .text = { "SPECIAL", 7 } },
        { .since_us = 2000, .until_us = 2001 },
    };
    LOG_OF_TEST(l);
    struct audit_record r = log_record("/subscriptions/T/resourceGroups/g");
    struct err err = { 0 };
    struct audit_filter f;
    struct seen s;

    (void)state;
    log_changes(&l, 3);
    r.verdict = AUDIT_REFUSED;
    r.caller_name = TEXT("eve");
    r.caller_id = "someone-else";
    r.action = TEXT("Microsoft.X/y/write");
    r.result = TEXT("DENIED");
    r.request_id = "request-9";
    r.target = TEXT("web:2");
    r.detail = TEXT("a special line");
    r.time_us = 2000;
    MUST(&err, audit_refuse(l.audit, &r, &err));
    log_changes(&l, 3);
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        (void)ask(&l, &some[i], 100, &s);
        assert_int_equal(s.n, 1);
        assert_int_equal(s.seq[0], 4);
    }
    f = (struct audit_filter){ .verdict = TEXT("refused"), .kind = TEXT("change") };
    (void)ask(&l, &f, 100, &s);
    assert_int_equal(s.n, 0);
    f = (struct audit_filter){ .scope = TEXT("/subscriptions/T/resourceGroups/gg") };
    (void)ask(&l, &f, 100, &s);
    assert_int_equal(s.n, 0);
    f = (struct audit_filter){ .text = TEXT("' OR 1=1 --") };
    (void)ask(&l, &f, 100, &s);
    assert_int_equal(s.n, 0);
}

static void
last_change_is_found_by_digest_and_by_scope(void **state)
{
    LOG_OF_TEST(l);
    const struct digest pushed = { .bytes = { 7 } }, other = { .bytes = { 8 } };
    struct audit_record r = log_record("/subscriptions/S/r");
    struct log_append a = { l.audit, &r, 1, 0 };
    struct audit_filter f = { .kind = TEXT("change") };
    char text[DIGEST_TEXT_MAX + 1];
    struct err err = { 0 };
    struct seen s = { .n = 0 };

    (void)state;
    r.digest = &pushed;
    r.action = TEXT("push/write");
    MUST(&err, database_write(l.database, log_append_, &a, &err));
    r.digest = &other;
    MUST(&err, database_write(l.database, log_append_, &a, &err));
    log_changes(&l, 3);
    assert_int_equal(audit_last_change(l.database, TEXT("push/"), TEXT(""), &pushed, see, &s, &err),
                     0);
    assert_int_equal(s.seq[0], 1);
    assert_int_equal(audit_last_change(l.database, TEXT("push/"), TEXT("/subscriptions/S/r"), NULL,
                                       see, &s, &err),
                     0);
    assert_int_equal(s.seq[1], 2);
    assert_int_equal(audit_last_change(l.database, TEXT("pull/"), TEXT(""), &pushed, see, &s, &err),
                     1);
    (void)digest_text(&pushed, text);
    f.digest = text_of(text);
    for (int oldest = 0; oldest < 2; oldest++) {
        f.oldest_first = oldest != 0;
        (void)ask(&l, &f, 100, &s);
        assert_int_equal(s.n, 1);
        assert_int_equal(s.seq[0], 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_pages_follow_each_other),
        cmocka_unit_test(f2_every_filter_must_hold),
        cmocka_unit_test(last_change_is_found_by_digest_and_by_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
