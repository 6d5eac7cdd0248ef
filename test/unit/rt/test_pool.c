/* The invariants of rt/pool.h. */
#include "rt/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int inside;
};

static struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0 };

static void
wait_at_gate(void *arg)
{
    (void)arg;
    (void)pthread_mutex_lock(&gate.lock);
    gate.inside++;
    (void)pthread_cond_broadcast(&gate.changed);
    while (!gate.open)
        (void)pthread_cond_wait(&gate.changed, &gate.lock);
    gate.inside--;
    (void)pthread_mutex_unlock(&gate.lock);
}

static void
open_gate(bool open)
{
    (void)pthread_mutex_lock(&gate.lock);
    gate.open = open;
    (void)pthread_cond_broadcast(&gate.changed);
    (void)pthread_mutex_unlock(&gate.lock);
}

static void
await_inside(int n)
{
    (void)pthread_mutex_lock(&gate.lock);
    while (gate.inside < n)
        (void)pthread_cond_wait(&gate.changed, &gate.lock);
    (void)pthread_mutex_unlock(&gate.lock);
}

static void
count(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void
p1_every_accepted_job_runs_once(void **state)
{
    struct err err = { 0 };
    atomic_int ran = 0;
    int accepted = 0;

    (void)state;
    {
        OWN(pool) p = pool_new("test", 0, 4, 1000, &err);

        assert_non_null(p);
        for (int i = 0; i < 900; i++) {
            struct err busy = { 0 };

            if (pool_submit(p, count, &ran, &busy) == 0)
                accepted++;
        }
    }
    assert_int_equal(accepted, 900);
    assert_int_equal(ran, 900);
}

static void
p2_what_is_over_the_limit_is_refused(void **state)
{
    struct err err = { 0 };
    struct pool_state look;
    OWN(pool) p = pool_new("test", 0, 2, 3, &err);

    (void)state;
    open_gate(false);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pool_submit(p, wait_at_gate, NULL, &err), 0);
    assert_int_equal(pool_submit(p, wait_at_gate, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_BUSY);
    await_inside(2);
    pool_look(p, &look);
    assert_int_equal(look.threads, 2);
    assert_int_equal(look.busy, 2);
    assert_int_equal(look.queued, 3);
    open_gate(true);
}

static void
p3_idle_threads_are_used_before_new_ones(void **state)
{
    struct err err = { 0 };
    struct pool_state look;
    atomic_int ran = 0;
    OWN(pool) p = pool_new("test", 0, 8, 8, &err);

    (void)state;
    for (int i = 1; i <= 50; i++) {
        assert_int_equal(pool_submit(p, count, &ran, &err), 0);
        do
            pool_look(p, &look);
        while (look.busy > 0 || look.queued > 0);
    }
    assert_int_equal(ran, 50);
    assert_int_equal(look.threads, 1);
}

static void
every_allocation_may_fail(void **state)
{
    long before = mem_live();

    (void)state;
    for (long n = 0; n < 3; n++) {
        struct err err = { 0 };

        mem_fail_after(n);
        assert_null(pool_new("test", 0, 2, 2, &err));
        mem_fail_after(-1);
        assert_int_equal(err.kind, ERR_NO_SPACE);
        assert_int_equal(mem_live(), before);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_every_accepted_job_runs_once),
        cmocka_unit_test(p2_what_is_over_the_limit_is_refused),
        cmocka_unit_test(p3_idle_threads_are_used_before_new_ones),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
