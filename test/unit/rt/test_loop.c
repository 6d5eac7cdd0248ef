/* The invariants of rt/loop.h. */
#include "rt/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

struct watched {
    struct loop_watch watch;
    struct loop *loop;
    struct watched *other;
    int *calls;
};

/* Both are readable in one turn: whoever is first frees the other. */
static void
on_ready_remove_other(struct loop_watch *w, uint32_t events)
{
    struct watched *me = LOOP_OWNER(struct watched, watch, w);

    (void)events;
    ++*me->calls;
    loop_remove(me->loop, &me->watch);
    if (me->other != NULL) {
        loop_remove(me->loop, &me->other->watch);
        mem_free(me->other);
    }
    loop_stop(me->loop);
    mem_free(me);
}

static void
l1_a_removed_watch_is_not_called(void **state)
{
    struct err err = { 0 };
    OWN(loop) l = loop_new(&err);
    struct watched *w[2];
    int fds[2], again, calls = 0;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    again = dup(fds[0]);
    for (int i = 0; i < 2; i++) {
        w[i] = mem_zalloc(sizeof(**w));
        w[i]->loop = l;
        w[i]->calls = &calls;
        w[i]->watch = (struct loop_watch){ i == 0 ? fds[0] : again, on_ready_remove_other };
        assert_int_equal(loop_add(l, &w[i]->watch, EPOLLIN, &err), 0);
    }
    w[0]->other = w[1];
    w[1]->other = w[0];
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_run(l); /* under ASan a call of the freed one is a finding */
    assert_int_equal(calls, 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(again);
}

struct timed {
    struct loop_timer timer;
    struct loop *loop;
    int64_t wanted;
    int *left;
};

static void
on_timer(struct loop_timer *t)
{
    struct timed *me = LOOP_OWNER(struct timed, timer, t);
    int64_t now = clock_mono_us();

    assert_true(now >= me->wanted);
    assert_true(now < me->wanted + 200000); /* a busy machine */
    assert_int_equal(t->due_us, 0);
    if (--*me->left == 0)
        loop_stop(me->loop);
}

#define TIMERS 300

static void
l2_timers_fire_in_time_and_never_early(void **state)
{
    static struct timed timers[TIMERS];
    struct err err = { 0 };
    OWN(loop) l = loop_new(&err);
    int left = 0;

    (void)state;
    srandom(7);
    for (int i = 0; i < TIMERS; i++) {
        struct timed *t = &timers[i];

        *t = (struct timed){ .timer.fire = on_timer, .loop = l, .left = &left };
        t->wanted = clock_mono_us() + random() % 150000;
        loop_timer_set(l, &t->timer, t->wanted);
        if (i % 3 == 0) { /* moved: later, then sometimes earlier */
            t->wanted += random() % 150000;
            loop_timer_set(l, &t->timer, t->wanted);
            if (i % 2 == 0)
                loop_timer_set(l, &t->timer, t->wanted -= 60000);
        }
        if (i % 5 == 0)
            loop_timer_clear(l, &t->timer);
        else
            left++;
    }
    loop_run(l);
    assert_int_equal(left, 0);
}

static void
on_long_timer(struct loop_timer *t)
{
    (void)t;
    fail();
}

static void
on_stop_timer(struct loop_timer *t)
{
    loop_stop(LOOP_OWNER(struct timed, timer, t)->loop);
}

static void
l2_a_timer_beyond_the_wheel_waits(void **state)
{
    struct err err = { 0 };
    OWN(loop) l = loop_new(&err);
    struct timed far = { .timer.fire = on_long_timer };
    struct timed near = { .timer.fire = on_stop_timer, .loop = l };

    (void)state;
    /* Shares its slot with a time that comes during this test. */
    loop_timer_set(l, &far.timer, clock_mono_us() + 50000 + (int64_t)1024 * LOOP_TICK_US * 3);
    loop_timer_set(l, &near.timer, clock_mono_us() + 100000);
    loop_run(l);
    loop_timer_clear(l, &far.timer);
}

#define POSTS 2000

struct posted {
    struct loop_task task;
    int thread;
    int number;
};

static int last_seen[4] = { -1, -1, -1, -1 };
static int seen;

static void
on_posted(struct loop_task *t)
{
    struct posted *p = LOOP_OWNER(struct posted, task, t);

    assert_int_equal(last_seen[p->thread], p->number - 1);
    last_seen[p->thread] = p->number;
    seen++;
    mem_free(p);
}

struct poster {
    struct loop *loop;
    int thread;
};

static void *
post_many(void *arg)
{
    struct poster *me = arg;

    for (int i = 0; i < POSTS; i++) {
        struct posted *p = mem_zalloc(sizeof(*p));

        p->task.run = on_posted;
        p->thread = me->thread;
        p->number = i;
        loop_post(me->loop, &p->task);
    }
    return NULL;
}

static void *
run(void *arg)
{
    loop_run(arg);
    return NULL;
}

static void
l3_tasks_run_in_order_and_before_the_end(void **state)
{
    struct err err = { 0 };
    OWN(loop) l = loop_new(&err);
    pthread_t loop_thread, threads[4];
    struct poster posters[4];

    (void)state;
    (void)pthread_create(&loop_thread, NULL, run, l);
    for (int i = 0; i < 4; i++) {
        posters[i] = (struct poster){ l, i };
        (void)pthread_create(&threads[i], NULL, post_many, &posters[i]);
    }
    for (int i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    loop_stop(l);
    (void)pthread_join(loop_thread, NULL);
    assert_int_equal(seen, 4 * POSTS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l1_a_removed_watch_is_not_called),
        cmocka_unit_test(l2_timers_fire_in_time_and_never_early),
        cmocka_unit_test(l2_a_timer_beyond_the_wheel_waits),
        cmocka_unit_test(l3_tasks_run_in_order_and_before_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
