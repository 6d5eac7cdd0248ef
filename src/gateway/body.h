/*
 * body.h - the body of one request, read where blocking is allowed.
 *
 * Invariants:
 *   B1  exactly the bytes of the body are given out; what follows them is kept apart, in rest;
 *   B2  100 Continue is sent before the first wait for bytes, if the client asked for it;
 *   B3  a body that ends early is ERR_CLOSED, malformed framing ERR_INVALID, slowness ERR_TIMEOUT;
 *       after a failure every later read fails too.
 */
#ifndef GATEWAY_BODY_H
#define GATEWAY_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "gateway/engine.h"
#include "wire/http.h"

struct body {
    struct connection *c;
    struct text at_hand; /* bytes of c->in behind the head, not yet read */
    struct buf rest;     /* bytes behind the body that came with it from the peer */
    bool chunked;
    struct http_chunked framing;
    uint64_t left; /* without chunked: of the body */
    bool ended;
    bool failed;
    bool expects; /* 100 Continue */
    uint64_t got;
    int64_t waited_us;
};

void body_start(struct body *b, struct connection *c, const struct http_head *head,
                struct text at_hand);
void body_done(struct body *b);

/* body_take(): what exchange.h calls read; ${body} is a struct body. */
ssize_t body_take(void *body, void *p, size_t max, struct err *err);

/*
 * body_skip(b): after the answer was described.  True: the body has been read, or the rest of it
 * is at hand and was skipped, so the connection can serve on.
 */
bool body_skip(struct body *b);

/* body_patience_us(limits, bytes, waited): how long to wait for a peer after ${bytes} (W2). */
int64_t body_patience_us(const struct gateway_limits *limits, uint64_t bytes, int64_t waited_us);

#endif /* GATEWAY_BODY_H */
