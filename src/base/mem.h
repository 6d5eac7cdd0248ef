/*
 * mem.h - the only door to the heap, so that a test can make any single allocation fail.
 *
 * Invariants:
 *   M1  a failed call returns NULL and changes nothing;
 *   M2  mem_live() counts what was taken and not yet given back.
 * Threads: all functions may be called from any thread.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/own.h"

void *mem_zalloc(size_t n) __attribute__((malloc, alloc_size(1)));

/* mem_grow(p, n): as realloc(); new bytes are not cleared; on NULL ${p} is still valid. */
void *mem_grow(void *p, size_t n) __attribute__((alloc_size(2)));
char *mem_text(const char *s); /* a copy of a C string */
void mem_free(void *p);

/* mem_wipe(p, n): clear bytes that were secret; never optimised away. */
void mem_wipe(void *p, size_t n);

/* mem_fail_after(n): let ${n} allocations succeed, then fail one; negative disarms.  Tests only. */
void mem_fail_after(long n);
long mem_live(void);

/* OWN_MEM(type) p: heap memory of plain type, given back at scope end. */
#define OWN_MEM(type) __attribute__((cleanup(mem_own_cleanup_))) type *

static inline void
mem_own_cleanup_(void *p)
{
    mem_free(*(void **)p);
}

#endif /* BASE_MEM_H */
