#include "gateway/worker.h"

#include "base/clock.h"
#include "gateway/body.h"
#include "gateway/connection.h"
#include "gateway/request.h"

static struct space *
borrow_space(struct gateway *g)
{
    struct space *s;

    (void)pthread_mutex_lock(&g->spaces_lock);
    if ((s = g->spaces) != NULL) {
        g->spaces = s->next;
        g->n_spaces--;
    }
    (void)pthread_mutex_unlock(&g->spaces_lock);
    return s != NULL ? s : space_new(g->limits.arena);
}

static void
return_space(struct gateway *g, struct space *s)
{
    space_reset(s);
    (void)pthread_mutex_lock(&g->spaces_lock);
    if (g->n_spaces < ENGINE_SPACES_KEPT) {
        s->next = g->spaces;
        g->spaces = s;
        g->n_spaces++;
        s = NULL;
    }
    (void)pthread_mutex_unlock(&g->spaces_lock);
    space_free(s);
}

/* Send all of c->out, waiting for the peer as long as it makes its minimum rate (W2). */
static bool
send_all(struct connection *c)
{
    const struct gateway_limits *limits = &c->home->gateway->limits;
    int64_t waited = 0;
    int rc;

    while ((rc = outgoing_push(&c->out, &c->stream)) == 0) {
        int64_t before = clock_mono_us();

        if (stream_wait(&c->stream, body_patience_us(limits, c->out.sent, waited)) <= 0) {
            engine_count(&c->home->counters.timeouts, 1);
            c->stream.broken = true;
        }
        waited += clock_mono_us() - before;
    }
    engine_count(&c->home->counters.bytes_out, c->out.sent);
    outgoing_done(&c->out);
    return rc > 0;
}

/* Keep in c->in only what belongs to the next request. */
static bool
keep_rest(struct connection *c, struct body *b)
{
    buf_drop(&c->in, c->in.n - b->at_hand.n);
    buf_text(&c->in, buf_view(&b->rest));
    return !buf_failed(&c->in);
}

/* The request at the start of c->in, to the end of its answer. */
static void
run_request(struct connection *c, struct space *space)
{
    struct err err = { 0 };
    struct body body;
    size_t used = 0;
    int status = 400;

    /* The loop has parsed it already; here its texts point to where they stay. */
    if (http_head_parse(&space->head, buf_view(&c->in), &used, &status, &err) != 1) {
        request_refuse(c, space, status, err.msg);
        (void)send_all(c);
        return;
    }
    body_start(&body, c, &space->head, text_after(buf_view(&c->in), used));
    (void)request_run(c, space, true, body_take, &body);
    request_answer(c, space, !body_skip(&body));
    /* Sent before c->in changes: the answer may borrow from the head. */
    if (send_all(c) && c->keep && !keep_rest(c, &body))
        c->keep = false;
    body_done(&body);
}

static enum connection_state
state_after(const struct connection *c)
{
    if (c->stream.broken)
        return CONNECTION_CLOSED;
    if (c->keep)
        return CONNECTION_HEAD;
    return c->linger ? CONNECTION_LINGERING : CONNECTION_CLOSED;
}

static void
serve(struct connection *c)
{
    struct gateway *g = c->home->gateway;
    struct space *space;

    if (c->out.head.n > 0 || c->out.left > 0) {
        (void)send_all(c);
    } else if ((space = borrow_space(g)) != NULL) {
        run_request(c, space);
        return_space(g, space);
    } else {
        c->stream.broken = true;
    }
    outgoing_done(&c->out);
    c->state = state_after(c);
}

static void run_job(void *arg);

static void
submit(struct connection *c)
{
    struct err err = { 0 };
    struct gateway *g = c->home->gateway;
    struct peer_job *next;

    /* Without any thread nothing here may wait: the connection is given up, and those behind it. */
    while (pool_submit(g->pool, run_job, c, &err) != 0) {
        next = peer_end(g->peers, c->peer);
        c->state = CONNECTION_CLOSED;
        connection_give_back(c);
        if (next == NULL)
            return;
        c = LOOP_OWNER(struct connection, job, next);
    }
}

static void
run_job(void *arg)
{
    struct connection *c = arg;
    struct gateway *g = c->home->gateway;
    struct peer_job *next;

    serve(c);
    next = peer_end(g->peers, c->peer); /* before the loop may destroy c */
    connection_give_back(c);
    if (next != NULL)
        submit(LOOP_OWNER(struct connection, job, next));
}

void
worker_take(struct connection *c)
{
    struct gateway *g = c->home->gateway;

    if (peer_begin(g->peers, c->peer, &c->job))
        submit(c);
}
