#include "gateway/request.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "gateway/pipeline.h"

bool
request_has_body(const struct http_head *head)
{
    return head->chunked || head->length > 0;
}

int
request_run(struct connection *c, struct space *space, bool may_block,
            ssize_t (*read)(void *, void *, size_t, struct err *), void *body)
{
    struct exchange *x = &space->x;
    struct text query;

    space_reset(space);
    id_new(x->request_id);
    x->head = &space->head;
    x->method = space->head.method;
    if (url_split(space->head.target, &x->path, &query) == 0)
        x->raw_query = query;
    memcpy(x->address, c->address, sizeof(c->address));
    x->secure = c->stream.ssl != NULL;
    x->started_us = clock_now_us();
    x->started_mono_us = clock_mono_us();
    x->arena = space->arena;
    x->body_length = space->head.chunked ? -1 : (int64_t)space->head.length;
    if (request_has_body(&space->head)) {
        x->read = read;
        x->connection = body;
    }
    return pipeline_run(c->home->gateway->pipeline, x, may_block);
}

/* N1 and what only a mistake of ours can make: better a 500 than a broken stream. */
static void
check(struct answer *a)
{
    if (!a->broken && a->status >= 200 && a->status <= 599 &&
        (a->fd >= 0 || a->body.n == a->length || a->body.n == 0))
        return;
    answer_done(a);
    *a = (struct answer){ .status = 500, .fd = -1 };
}

/* HEAD has the length of the body and not the body; 204 and 304 have none either. */
static bool
sends_body(const struct exchange *x)
{
    return x->method != HTTP_HEAD && x->answer.status != 204 && x->answer.status != 304;
}

void
request_answer(struct connection *c, struct space *space, bool body_left)
{
    struct answer *a = &space->x.answer;
    struct outgoing *o = &c->out;
    struct gateway *g = c->home->gateway;

    check(a);
    if (sends_body(&space->x) && a->fd < 0 && a->body.n != a->length)
        *a = (struct answer){ .status = 500, .fd = -1 };
    c->linger = body_left;
    c->keep = space->head.keep_alive && !a->close && !body_left &&
              !atomic_load_explicit(&g->stopping, memory_order_relaxed);
    if (!reply_head(&space->out, a, space->head.minor, c->keep, &space->clock,
                    space->x.started_us)) {
        request_refuse(c, space, 500, "the answer could not be built");
        return;
    }
    engine_count(&c->home->counters.requests[a->status / 100], 1);
    *o = (struct outgoing){ .head = buf_view(&space->out), .fd = -1 };
    if (!sends_body(&space->x) || a->length == 0)
        return;
    if (a->fd >= 0) {
        o->fd = a->fd;
        a->fd = -1;
        o->offset = a->offset;
        o->left = a->length;
    } else {
        o->body = a->body;
    }
}

void
request_refuse(struct connection *c, struct space *space, int status, const char *message)
{
    outgoing_done(&c->out);
    reply_refusal(&space->out, status, message, &space->clock, clock_now_us());
    c->out.head = buf_view(&space->out);
    c->keep = false;
    c->linger = true;
}
