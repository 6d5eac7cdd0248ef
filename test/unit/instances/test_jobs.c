/* instances/jobs.h: one at a time per name, and again when it was asked for meanwhile. */
#include "instances/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define NAMES 8

struct seen {
    _Atomic int running[NAMES];
    _Atomic int runs[NAMES];
    _Atomic int overlaps;
    _Atomic int retries;
};

static unsigned
work(void *self, const char *name)
{
    struct seen *s = self;
    int i = name[0] - 'a';

    if (atomic_fetch_add(&s->running[i], 1) != 0)
        atomic_fetch_add(&s->overlaps, 1);
    (void)usleep(500);
    atomic_fetch_add(&s->runs[i], 1);
    atomic_fetch_sub(&s->running[i], 1);
    return name[1] == 'r' && atomic_fetch_add(&s->retries, 1) < 2 ? 1 : 0;
}

static void
wait_for(_Atomic int *count, int least)
{
    for (int i = 0; i < 4000 && atomic_load(count) < least; i++)
        (void)usleep(1000);
    assert_true(atomic_load(count) >= least);
}

static void
j1_never_twice_at_once(void **state)
{
    static struct seen s;
    struct err err = { 0 };
    struct jobs *jobs = jobs_new(4, work, &s, &err);

    (void)state;
    assert_non_null(jobs);
    for (int round = 0; round < 50; round++)
        for (int i = 0; i < NAMES; i++) {
            char name[2] = { (char)('a' + i), '\0' };

            jobs_add(jobs, name);
        }
    for (int i = 0; i < NAMES; i++)
        wait_for(&s.runs[i], 1);
    jobs_add(jobs, "a");
    jobs_free(jobs);
    assert_int_equal(atomic_load(&s.overlaps), 0);
}

static void
runs_again_after_a_failure(void **state)
{
    static struct seen s;
    struct err err = { 0 };
    struct jobs *jobs = jobs_new(1, work, &s, &err);

    (void)state;
    jobs_add(jobs, "ar");
    wait_for(&s.runs[0], 3);
    (void)usleep(20000);
    assert_int_equal(atomic_load(&s.runs[0]), 3);
    jobs_free(jobs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(j1_never_twice_at_once),
        cmocka_unit_test(runs_again_after_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
