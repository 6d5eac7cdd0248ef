#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_SIZE ((size_t)8 * 1024)
#define ALIGN      alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t cap;
    size_t used;
    alignas(max_align_t) uint8_t bytes[];
};

struct arena {
    struct chunk *head;
    size_t limit;
    size_t held; /* bytes obtained from the heap; never above limit (A1) */
    bool full;   /* sticky (A2) */
};

struct arena *
arena_new(size_t limit)
{
    struct arena *a = mem_zalloc(sizeof(*a));

    if (a != NULL)
        a->limit = limit;
    return a;
}

static void
free_from(struct chunk *c)
{
    while (c != NULL) {
        struct chunk *next = c->next;

        mem_free(c);
        c = next;
    }
}

void
arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    free_from(a->head);
    mem_free(a);
}

void
arena_reset(struct arena *a)
{
    struct chunk *keep = a->head;

    a->full = false;
    if (keep == NULL)
        return;
    free_from(keep->next);
    keep->next = NULL;
    if (keep->cap > CHUNK_SIZE) {
        mem_free(keep);
        a->head = NULL;
        a->held = 0;
        return;
    }
    memset(keep->bytes, 0, keep->used);
    keep->used = 0;
    a->held = keep->cap;
}

static struct chunk *
add_chunk(struct arena *a, size_t need)
{
    size_t cap = need > CHUNK_SIZE ? need : CHUNK_SIZE;
    struct chunk *c;

    if (cap > a->limit - a->held)
        cap = a->limit - a->held;
    if (cap < need || (c = mem_zalloc(sizeof(*c) + cap)) == NULL)
        return NULL;
    c->cap = cap;
    c->next = a->head;
    a->head = c;
    a->held += cap;
    return c;
}

void *
arena_take(struct arena *a, size_t n)
{
    struct chunk *c = a->head;
    void *p;

    if (a->full || n > a->limit)
        goto refuse;
    n = (n + ALIGN - 1) & ~(ALIGN - 1);
    if ((c == NULL || n > c->cap - c->used) && (c = add_chunk(a, n)) == NULL)
        goto refuse;
    p = c->bytes + c->used;
    c->used += n;
    return p;

refuse:
    a->full = true;
    return NULL;
}

char *
arena_cstr(struct arena *a, struct text t)
{
    char *p;

    if (t.n == SIZE_MAX || (p = arena_take(a, t.n + 1)) == NULL)
        return NULL;
    if (t.n > 0)
        memcpy(p, t.p, t.n);
    return p;
}

struct text
arena_text(struct arena *a, struct text t)
{
    char *p = arena_cstr(a, t);

    return p != NULL ? text_from(p, t.n) : (struct text){ NULL, 0 };
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    char *p = NULL;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n >= 0 && (p = arena_take(a, (size_t)n + 1)) != NULL)
        (void)vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

bool
arena_full(const struct arena *a)
{
    return a->full;
}
