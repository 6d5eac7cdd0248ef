/*
 * arena.h - memory of one request: many allocations, one limit, one free.
 *
 * Invariants:
 *   A1  an arena never holds more than its limit;
 *   A2  after one refusal it stays refused (arena_full), so a builder may check once at the end.
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"
#include "base/text.h"

struct arena;

struct arena *arena_new(size_t limit); /* NULL when out of memory */
void arena_free(struct arena *arena);
DEFINE_OWN(arena);

/* arena_reset(a): forget everything but one chunk, to serve the next request. */
void arena_reset(struct arena *arena);

/* arena_take(a, n): ${n} zeroed bytes aligned for any type, or NULL. */
void *arena_take(struct arena *arena, size_t n) __attribute__((alloc_size(2)));
char *arena_cstr(struct arena *arena, struct text t);       /* a NUL-terminated copy, or NULL */
struct text arena_text(struct arena *arena, struct text t); /* a copy; empty when refused */
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool arena_full(const struct arena *arena);

#endif /* BASE_ARENA_H */
