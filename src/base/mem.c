#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_long mem_countdown_ = -1;
static atomic_long mem_live_;

static int
fails_now(void)
{
    return atomic_load_explicit(&mem_countdown_, memory_order_relaxed) >= 0 &&
           atomic_fetch_sub(&mem_countdown_, 1) == 0;
}

void *
mem_zalloc(size_t n)
{
    void *p;

    if (fails_now())
        return NULL;
    if ((p = calloc(1, n > 0 ? n : 1)) != NULL)
        atomic_fetch_add_explicit(&mem_live_, 1, memory_order_relaxed);
    return p;
}

void *
mem_grow(void *p, size_t n)
{
    void *q;

    if (fails_now())
        return NULL;
    if ((q = realloc(p, n > 0 ? n : 1)) != NULL && p == NULL)
        atomic_fetch_add_explicit(&mem_live_, 1, memory_order_relaxed);
    return q;
}

char *
mem_text(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = mem_zalloc(n);

    if (p != NULL)
        memcpy(p, s, n);
    return p;
}

void
mem_free(void *p)
{
    if (p == NULL)
        return;
    atomic_fetch_sub_explicit(&mem_live_, 1, memory_order_relaxed);
    free(p);
}

void
mem_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

void
mem_fail_after(long n)
{
    atomic_store(&mem_countdown_, n);
}

long
mem_live(void)
{
    return atomic_load(&mem_live_);
}
