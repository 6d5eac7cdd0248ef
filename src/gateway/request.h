/*
 * request.h - one request through the pipeline, and its answer made ready to leave.
 *
 * Used by loops and workers alike; nothing here waits or sends.
 */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include "gateway/engine.h"

/*
 * request_run(c, space, may_block, read, body): space->head has been parsed.  Return 0 when the
 * answer is described in space->x, 1 when it needs a worker.
 */
int request_run(struct connection *c, struct space *space, bool may_block,
                ssize_t (*read)(void *, void *, size_t, struct err *), void *body);

/* request_has_body(head) */
bool request_has_body(const struct http_head *head);

/*
 * request_answer(c, space, body_left): print the head and fill c->out; ${body_left}: bytes of the
 * body are still to come, so the connection cannot serve on.  Sets c->keep and c->linger.
 */
void request_answer(struct connection *c, struct space *space, bool body_left);

/* request_refuse(c, space, status, message): an answer by ourselves, after which we close. */
void request_refuse(struct connection *c, struct space *space, int status, const char *message);

#endif /* GATEWAY_REQUEST_H */
