/*
 * buf.h - a growing run of bytes that states its maximum when it is made.
 *
 * Invariants:
 *   B1  a buffer never holds more than its maximum;
 *   B2  the first append that fails makes the buffer failed for good: later appends do nothing,
 *       so a builder may check once, at the end, with buf_failed();
 *   B3  the bytes are always followed by a NUL that is not counted.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/own.h"
#include "base/text.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    bool failed;
};

/* OWN_BUF(b, max): a local buffer, freed at scope end. */
#define OWN_BUF(name, limit) __attribute__((cleanup(buf_done))) struct buf name = { .max = (limit) }

void buf_done(struct buf *b);  /* give back the memory; the buffer is empty and usable again */
void buf_clear(struct buf *b); /* forget the bytes, keep the memory */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_text(struct buf *b, struct text t);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* buf_room(b, n): ${n} writable bytes behind the content, or NULL; commit them with buf_used(). */
char *buf_room(struct buf *b, size_t n);
void buf_used(struct buf *b, size_t n);

/* buf_drop(b, n): remove the first ${n} bytes. */
void buf_drop(struct buf *b, size_t n);

bool buf_failed(const struct buf *b);
struct text buf_view(const struct buf *b);

/* buf_check(b, err): 0, or -1 with ERR_TOO_LARGE when an append was refused. */
MUST_CHECK int buf_check(const struct buf *b, struct err *err);

#endif /* BASE_BUF_H */
