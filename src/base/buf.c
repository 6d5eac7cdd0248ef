#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define BUF_FIRST ((size_t)256)

void
buf_done(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){ .max = b->max };
}

void
buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
    if (b->p != NULL)
        b->p[0] = '\0';
}

/* Room for n more bytes and the NUL. */
static bool
reserve(struct buf *b, size_t n)
{
    size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;
    char *p;

    if (b->failed || n > b->max - b->n) {
        b->failed = true;
        return false;
    }
    while (cap - b->n <= n)
        cap *= 2;
    if (cap == b->cap)
        return true;
    if ((p = mem_grow(b->p, cap)) == NULL) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void
buf_text(struct buf *b, struct text t)
{
    buf_add(b, t.p, t.n);
}

void
buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void
buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        b->failed = true;
    else if (reserve(b, (size_t)n)) {
        (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

char *
buf_room(struct buf *b, size_t n)
{
    return reserve(b, n) ? b->p + b->n : NULL;
}

void
buf_used(struct buf *b, size_t n)
{
    b->n += n;
    b->p[b->n] = '\0';
}

void
buf_drop(struct buf *b, size_t n)
{
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
    b->p[b->n] = '\0';
}

bool
buf_failed(const struct buf *b)
{
    return b->failed;
}

struct text
buf_view(const struct buf *b)
{
    return (struct text){ b->p != NULL ? b->p : "", b->n };
}

int
buf_check(const struct buf *b, struct err *err)
{
    if (b->failed)
        return err_set(err, ERR_TOO_LARGE, "more than %zu bytes", b->max);
    return 0;
}
