/*
 * loop.h - one thread that waits for many descriptors and timers (epoll).
 *
 * Watches, timers and tasks are members of the caller's own structs: nothing here allocates after
 * loop_new(), so nothing but adding a descriptor can fail.  Callbacks find their object with
 * LOOP_OWNER().
 *
 * Invariants:
 *   L1  after loop_remove(), loop_timer_clear() the callback is not called any more, not even for
 *       an event that had already been fetched: the object may be freed at once;
 *   L2  a timer never fires early, and at most LOOP_TICK_US plus the turn's length late;
 *   L3  tasks of one posting thread run in the order they were posted; one posted before
 *       loop_stop() runs before loop_run() returns;
 *   L4  moving a timer to a later time costs no more than an assignment.
 *
 * Threads: loop_post() and loop_stop() from any thread; everything else from the loop's own (or
 * before loop_run() begins).
 */
#ifndef RT_LOOP_H
#define RT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/err.h"
#include "base/own.h"

#define LOOP_TICK_US 8192

/* LOOP_OWNER(type, member, p): the struct type of which ${p} points to the member. */
#define LOOP_OWNER(type, member, p) ((type *)(void *)((char *)(p)-offsetof(type, member)))

struct loop;
struct loop_watch;
struct loop_timer;
struct loop_task;

typedef void loop_ready(struct loop_watch *w, uint32_t events); /* EPOLLIN, EPOLLOUT ... */
typedef void loop_fire(struct loop_timer *t);
typedef void loop_run_task(struct loop_task *t);

struct loop_watch {
    int fd; /* borrowed */
    loop_ready *ready;
};

/* Zero it; then set fire.  The other members are private. */
struct loop_timer {
    loop_fire *fire;
    int64_t due_us; /* wanted; 0: not set.  Its place in the wheel is never later */
    struct loop_timer *next, **link;
};

/* One post at a time: the task is free again when it runs. */
struct loop_task {
    loop_run_task *run;
    struct loop_task *next;
};

MUST_CHECK struct loop *loop_new(struct err *err);
void loop_free(struct loop *loop);
DEFINE_OWN(loop);

/* loop_run(loop): serve until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* ${events}: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLET, EPOLLONESHOT. */
MUST_CHECK int loop_add(struct loop *loop, struct loop_watch *w, uint32_t events, struct err *err);
void loop_change(struct loop *loop, struct loop_watch *w, uint32_t events);
void loop_remove(struct loop *loop, struct loop_watch *w);

void loop_timer_set(struct loop *loop, struct loop_timer *t, int64_t due_us); /* mono clock */
void loop_timer_clear(struct loop *loop, struct loop_timer *t);

/* loop_post(loop, task): run it on the loop's thread soon. */
void loop_post(struct loop *loop, struct loop_task *task);

/* loop_now_us(loop): clock_mono_us() as of this turn. */
int64_t loop_now_us(const struct loop *loop);

#endif /* RT_LOOP_H */
