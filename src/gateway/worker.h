/*
 * worker.h - what may block: a request with its body, and the sending of large answers.
 *
 * Invariants:
 *   W1  a body is read by the worker itself, with plain reads: back-pressure is TCP's;
 *   W2  a peer that makes less than the minimum rate, counted over the time we wait for it, ends
 *       with ERR_TIMEOUT;
 *   W3  the connection goes back to its loop in a state the loop can go on from.
 */
#ifndef GATEWAY_WORKER_H
#define GATEWAY_WORKER_H

#include "gateway/engine.h"

/*
 * worker_take(c): by the loop, with c->state CONNECTION_HANDED, not watched, without a timer.  A
 * request is at the start of c->in, unless c->out holds an answer that is to be sent.
 */
void worker_take(struct connection *c);

#endif /* GATEWAY_WORKER_H */
