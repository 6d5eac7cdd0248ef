#include "rt/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/mem.h"

#define EVENTS 64
#define SLOTS  1024 /* of LOOP_TICK_US each: 8.4 s; timers further away are met once a round */
#define WORDS  (SLOTS / 64)

struct loop {
    int epoll;
    struct loop_watch wake; /* an eventfd */
    int64_t now_us;
    struct epoll_event events[EVENTS]; /* of this turn; a removed watch's are cleared (L1) */
    int n_events;
    int at; /* the one being served */

    int64_t tick; /* slots up to this one have been visited */
    struct loop_timer *slots[SLOTS];
    uint64_t used[WORDS]; /* bit set: the slot may hold a timer */

    _Atomic(struct loop_task *) tasks; /* newest first */
    atomic_bool stopping;
};

/* ---- timers ---- */

static void
unlink_timer(struct loop_timer *t)
{
    if (t->link == NULL)
        return;
    *t->link = t->next;
    if (t->next != NULL)
        t->next->link = t->link;
    t->link = NULL;
    t->next = NULL;
}

static void
link_timer(struct loop *l, struct loop_timer *t)
{
    /* Round up, so that it never fires early (L2), and never into a slot that was visited. */
    int64_t tick = (t->due_us + LOOP_TICK_US - 1) / LOOP_TICK_US;
    size_t slot;

    if (tick <= l->tick)
        tick = l->tick + 1;
    slot = (size_t)(tick % SLOTS);
    t->next = l->slots[slot];
    t->link = &l->slots[slot];
    if (t->next != NULL)
        t->next->link = &t->next;
    l->slots[slot] = t;
    l->used[slot / 64] |= (uint64_t)1 << (slot % 64);
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due_us)
{
    bool later = t->link != NULL && due_us >= t->due_us;

    t->due_us = due_us > 0 ? due_us : 1;
    if (later)
        return; /* met where it is, it moves on by itself (L4) */
    unlink_timer(t);
    link_timer(l, t);
}

void
loop_timer_clear(struct loop *l, struct loop_timer *t)
{
    (void)l;
    unlink_timer(t);
    t->due_us = 0;
}

/* Everything of one slot whose time has come; callbacks may set and clear any timer. */
static void
visit_slot(struct loop *l, size_t slot)
{
    struct loop_timer *list = l->slots[slot], *t;

    l->slots[slot] = NULL;
    l->used[slot / 64] &= ~((uint64_t)1 << (slot % 64));
    if (list != NULL)
        list->link = &list; /* clearing one of them keeps this list whole */
    while ((t = list) != NULL) {
        unlink_timer(t);
        if (t->due_us > l->now_us) {
            link_timer(l, t);
        } else {
            t->due_us = 0;
            t->fire(t);
        }
    }
}

static void
run_timers(struct loop *l)
{
    int64_t target = l->now_us / LOOP_TICK_US;

    if (target - l->tick > SLOTS)
        l->tick = target - SLOTS; /* every slot is visited anyway */
    while (l->tick < target) {
        size_t slot = (size_t)(++l->tick % SLOTS);

        if (l->used[slot / 64] == 0 && slot % 64 == 0 && target - l->tick >= 64) {
            l->tick += 63;
            continue;
        }
        if (l->slots[slot] != NULL)
            visit_slot(l, slot);
        else
            l->used[slot / 64] &= ~((uint64_t)1 << (slot % 64));
    }
}

/* Milliseconds until the next slot in use, or -1. */
static int
next_timer_ms(const struct loop *l)
{
    for (int64_t ahead = 1; ahead <= SLOTS;) {
        size_t slot = (size_t)((l->tick + ahead) % SLOTS);
        uint64_t bits = l->used[slot / 64] >> (slot % 64);
        int64_t us;

        if (bits == 0) {
            ahead += 64 - (int64_t)(slot % 64);
            continue;
        }
        ahead += __builtin_ctzll(bits);
        us = (l->tick + ahead) * LOOP_TICK_US - l->now_us;
        return us <= 0 ? 0 : (int)((us + 999) / 1000);
    }
    return -1;
}

/* ---- tasks ---- */

static void
wake(struct loop *l)
{
    uint64_t one = 1;

    while (write(l->wake.fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void
loop_post(struct loop *l, struct loop_task *task)
{
    struct loop_task *head = atomic_load_explicit(&l->tasks, memory_order_relaxed);

    do {
        task->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&l->tasks, &head, task, memory_order_release,
                                                    memory_order_relaxed));
    if (head == NULL)
        wake(l);
}

static void
run_tasks(struct loop *l)
{
    struct loop_task *newest = atomic_exchange_explicit(&l->tasks, NULL, memory_order_acquire);
    struct loop_task *oldest = NULL;

    while (newest != NULL) {
        struct loop_task *t = newest;

        newest = t->next;
        t->next = oldest;
        oldest = t;
    }
    while (oldest != NULL) {
        struct loop_task *t = oldest;

        oldest = t->next;
        t->run(t);
    }
}

static void
woken(struct loop_watch *w, uint32_t events)
{
    uint64_t count;

    (void)events;
    while (read(w->fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}

/* ---- the loop ---- */

struct loop *
loop_new(struct err *err)
{
    OWN(loop) l = mem_zalloc(sizeof(*l));

    if (l == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    l->wake = (struct loop_watch){ -1, woken };
    if ((l->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
        (l->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
        (void)err_sys(err, errno, "cannot make an event loop");
        return NULL;
    }
    l->now_us = clock_mono_us();
    l->tick = l->now_us / LOOP_TICK_US;
    if (loop_add(l, &l->wake, EPOLLIN, err) != 0)
        return NULL;
    return GIVE(l);
}

void
loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    if (l->epoll >= 0)
        (void)close(l->epoll);
    if (l->wake.fd >= 0)
        (void)close(l->wake.fd);
    mem_free(l);
}

int
loop_add(struct loop *l, struct loop_watch *w, uint32_t events, struct err *err)
{
    struct epoll_event e = { .events = events, .data.ptr = w };

    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &e) != 0)
        return err_sys(err, errno, "cannot watch a descriptor");
    return 0;
}

void
loop_change(struct loop *l, struct loop_watch *w, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = w };

    (void)epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &e); /* fails only for what was not added */
}

void
loop_remove(struct loop *l, struct loop_watch *w)
{
    (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    for (int i = l->at + 1; i < l->n_events; i++)
        if (l->events[i].data.ptr == w)
            l->events[i].data.ptr = NULL;
}

static void
turn(struct loop *l)
{
    int timeout = next_timer_ms(l);

    if (atomic_load_explicit(&l->tasks, memory_order_relaxed) != NULL ||
        atomic_load_explicit(&l->stopping, memory_order_relaxed))
        timeout = 0;
    l->n_events = epoll_wait(l->epoll, l->events, EVENTS, timeout);
    l->now_us = clock_mono_us();
    for (l->at = 0; l->at < l->n_events; l->at++) {
        struct loop_watch *w = l->events[l->at].data.ptr;

        if (w != NULL)
            w->ready(w, l->events[l->at].events);
    }
    l->n_events = 0;
    run_tasks(l);
    run_timers(l);
}

void
loop_run(struct loop *l)
{
    while (!atomic_load_explicit(&l->stopping, memory_order_acquire))
        turn(l);
    run_tasks(l);
}

void
loop_stop(struct loop *l)
{
    atomic_store_explicit(&l->stopping, true, memory_order_release);
    wake(l);
}

int64_t
loop_now_us(const struct loop *l)
{
    return l->now_us;
}
