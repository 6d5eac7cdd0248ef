/*
 * space.h - the memory in which one thread serves one request at a time.
 *
 * Invariants:
 *   S1  space_reset() leaves nothing of the earlier request that a later one could see.
 */
#ifndef GATEWAY_SPACE_H
#define GATEWAY_SPACE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/own.h"
#include "exchange/exchange.h"
#include "gateway/reply.h"
#include "wire/http.h"

#define SPACE_HEAD_MAX ((size_t)64 * 1024) /* of an answer */

struct space {
    struct space *next; /* in the stock */
    struct http_head head;
    struct exchange x;
    struct arena *arena;
    struct buf out; /* the printed head of the answer */
    struct reply_clock clock;
};

struct space *space_new(size_t arena_limit); /* NULL when out of memory */
void space_free(struct space *space);
DEFINE_OWN(space);

/* space_reset(space): for the next request; closes what the answer left open. */
void space_reset(struct space *space);

#endif /* GATEWAY_SPACE_H */
