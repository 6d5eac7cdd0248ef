/* The invariants of audit/reads.h; run under ThreadSanitizer in `make sanitize`. */
#include "audit/reads.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"

#define THREADS 6
#define EACH    20000

static struct audit_record
read_of(struct text target)
{
    return (struct audit_record){
        .request_id = "r",
        .caller_kind = "User",
        .caller_id = "u",
        .action = TEXT("a/read"),
        .scope = TEXT("/s"),
        .target = target,
        .result = TEXT("succeeded"),
        .count = 1,
    };
}

struct noting {
    struct reads *reads;
    atomic_int running;
};

static void *
note_many(void *arg)
{
    struct noting *n = arg;
    char target[32];

    for (int i = 0; i < EACH; i++) {
        struct audit_record r;

        (void)snprintf(target, sizeof(target), "t%d", i % 50);
        r = read_of(text_of(target));
        (void)reads_note(n->reads, &r);
    }
    atomic_fetch_sub(&n->running, 1);
    return NULL;
}

static uint64_t
count_and_forget(struct reads *rs)
{
    uint64_t sum = reads_dropped(rs);

    for (size_t i = 0; i < reads_count(rs); i++)
        sum += reads_at(rs, i)->count;
    reads_written(rs);
    return sum;
}

static void
r2_every_read_is_counted_once(void **state)
{
    OWN(reads) rs = reads_new();
    struct noting n = { .reads = rs, .running = THREADS };
    pthread_t threads[THREADS];
    uint64_t sum = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note_many, &n), 0);
    while (atomic_load(&n.running) > 0) {
        reads_drain(rs);
        assert_true(reads_count(rs) <= 50); /* merged across threads */
        sum += count_and_forget(rs);
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    reads_drain(rs);
    sum += count_and_forget(rs);
    assert_int_equal(sum, THREADS * EACH);
}

static void
r2_what_is_not_written_stays(void **state)
{
    OWN(reads) rs = reads_new();
    const struct audit_record r = read_of(TEXT("x"));

    (void)state;
    (void)reads_note(rs, &r);
    reads_drain(rs);
    (void)reads_note(rs, &r);
    reads_drain(rs); /* the write failed: nobody called reads_written() */
    assert_int_equal(reads_count(rs), 1);
    assert_int_equal(count_and_forget(rs), 2);
    assert_int_equal(reads_count(rs), 0);
}

/* Each member that U3 names, and those that would be lost otherwise, makes another record. */
static void
u3_only_equal_reads_are_merged(void **state)
{
    OWN(reads) rs = reads_new();
    const struct digest one = { .bytes = { 1 } }, two = { .bytes = { 2 } };
    const struct audit_record r = read_of(TEXT("x"));
    struct audit_record other[12];

    (void)state;
    for (size_t i = 0; i < 12; i++)
        other[i] = r;
    other[0].caller_id = "v";
    other[1].caller_kind = "ServicePrincipal";
    other[2].address = TEXT("::1");
    other[3].action = TEXT("b/read");
    other[4].scope = TEXT("/t");
    other[5].verdict = AUDIT_CHALLENGED;
    other[6].rule = TEXT("rule");
    other[7].digest = &one;
    other[8].digest = &two;
    other[9].target = TEXT("y");
    other[10].status = 404;
    other[11].result = TEXT("NOT_FOUND");
    for (int times = 0; times < 2; times++) {
        (void)reads_note(rs, &r);
        for (size_t i = 0; i < 12; i++)
            (void)reads_note(rs, &other[i]);
    }
    reads_drain(rs);
    assert_int_equal(reads_count(rs), 13);
    assert_int_equal(count_and_forget(rs), 26);
}

static void
r1_noting_allocates_nothing(void **state)
{
    OWN(reads) rs = reads_new();
    const struct audit_record r = read_of(TEXT("x"));

    (void)state;
    mem_fail_after(0);
    (void)reads_note(rs, &r);
    reads_drain(rs);
    mem_fail_after(-1);
    assert_int_equal(reads_count(rs), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r2_every_read_is_counted_once),
        cmocka_unit_test(r2_what_is_not_written_stays),
        cmocka_unit_test(u3_only_equal_reads_are_merged),
        cmocka_unit_test(r1_noting_allocates_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
