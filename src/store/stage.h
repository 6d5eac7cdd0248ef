/*
 * stage.h - threads and aligned blocks that large bodies share: hash and write beside receiving.
 *
 * Invariants:
 *   G1  no more than ${staged_max} bodies are staged at one time, with two threads each;
 *   G2  threads end, and blocks beyond STAGE_KEPT go back to the system, when nothing was staged
 * for STAGE_IDLE_MS. Threads: any.
 */
#ifndef STORE_STAGE_H
#define STORE_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"

#define STAGE_BLOCK   ((size_t)1 << 20) /* bytes of one block */
#define STAGE_ALIGN   4096u             /* of blocks and of what is written past the page cache */
#define STAGE_KEPT    2                 /* blocks kept when idle */
#define STAGE_IDLE_MS 3000

struct stages;

MUST_CHECK struct stages *stages_new(uint32_t staged_max, struct err *err);
void stages_free(struct stages *s); /* when nothing is staged and every block was given back */
DEFINE_OWN(stages);

/* A block of STAGE_BLOCK bytes aligned to STAGE_ALIGN, or NULL when there is no memory. */
void *stages_take(struct stages *s);
void stages_give(struct stages *s, void *block); /* NULL is harmless */

/* stages_begin(s): one more staged body?  False: do it in line.  Pairs with stages_end(). */
bool stages_begin(struct stages *s);
void stages_end(struct stages *s);

/* stages_run(s, fn, arg): ${fn} on a thread of the pool; false when there is none to be had. */
bool stages_run(struct stages *s, void (*fn)(void *arg), void *arg);

#endif /* STORE_STAGE_H */
