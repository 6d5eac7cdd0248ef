#include "gateway/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/pipeline.h"
#include "gateway/request.h"
#include "gateway/worker.h"

#define WATCHED (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

/* ---- the end ---- */

static void
destroy(struct connection *c)
{
    struct engine_loop *l = c->home;

    loop_timer_clear(l->loop, &c->timer);
    if (c->watched)
        loop_remove(l->loop, &c->watch);
    stream_close(&c->stream);
    outgoing_done(&c->out);
    buf_done(&c->in);
    peer_part(l->gateway->peers, c->peer);
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    mem_free(c);
    atomic_fetch_sub_explicit(&l->gateway->connections, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&l->counters.open, 1, memory_order_relaxed);
}

/* ---- sending ---- */

static void
start_lingering(struct connection *c)
{
    stream_finish(&c->stream);
    c->state = c->stream.broken ? CONNECTION_CLOSED : CONNECTION_LINGERING;
}

static void
answered(struct connection *c)
{
    engine_count(&c->home->counters.bytes_out, c->out.sent);
    outgoing_done(&c->out);
    if (c->keep)
        c->state = CONNECTION_HEAD;
    else if (c->linger)
        start_lingering(c);
    else
        c->state = CONNECTION_CLOSED;
}

/* Send what was described; what does not fit the socket is kept, or goes to a worker. */
static void
send_answer(struct connection *c)
{
    struct outgoing *o = &c->out;
    int rc = 0;

    if (o->left <= ENGINE_FILE_ON_LOOP)
        rc = outgoing_push(o, &c->stream);
    if (rc > 0) {
        answered(c);
        return;
    }
    if (rc < 0 || !outgoing_keep(o)) {
        c->state = CONNECTION_CLOSED;
        return;
    }
    c->state = o->left > ENGINE_FILE_ON_LOOP || o->head.n > ENGINE_KEPT_ON_LOOP
                   ? CONNECTION_HANDED
                   : CONNECTION_SENDING;
}

static void
flush(struct connection *c)
{
    int rc = outgoing_push(&c->out, &c->stream);

    if (rc > 0)
        answered(c);
    else if (rc < 0)
        c->state = CONNECTION_CLOSED;
}

static void
refuse(struct connection *c, int status, const char *message)
{
    request_refuse(c, c->home->space, status, message);
    send_answer(c);
}

/* ---- requests ---- */

static void
refuse_malformed(struct connection *c, int status, const struct err *err)
{
    engine_count(&c->home->counters.requests[0], 1);
    pipeline_malformed(c->home->gateway->pipeline, c->address, status, err);
    refuse(c, status, err->msg);
}

/* A request that needs a worker: small bodies first come in whole, so that none waits for them. */
static void
prepare_hand_over(struct connection *c, const struct http_head *head, size_t head_bytes,
                  size_t have)
{
    const struct gateway_limits *limits = &c->home->gateway->limits;

    c->state = CONNECTION_HANDED;
    if (head->chunked || head->expect_continue || head->length > limits->small_body)
        return;
    c->need = head_bytes + (size_t)head->length;
    if (have < c->need)
        c->state = CONNECTION_BODY;
}

/* The request at the start of ${bytes}.  Return how many bytes it took: 0 when it has to stay. */
static size_t
serve_one(struct connection *c, struct text bytes)
{
    struct space *space = c->home->space;
    struct err err = { 0 };
    size_t used = 0;
    int status = 400;
    int rc = http_head_parse(&space->head, bytes, &used, &status, &err);
    bool body_left;

    if (rc == 0)
        return 0;
    c->wait = WAIT_NOTHING; /* what comes behind it has its own time */
    if (rc < 0) {
        refuse_malformed(c, status, &err);
        return bytes.n;
    }
    /* The body is not read here: NULL for its reader, and the pipeline asks for a worker. */
    if (request_run(c, space, false, NULL, NULL) != 0) {
        prepare_hand_over(c, &space->head, used, bytes.n);
        return 0;
    }
    body_left = space->head.chunked || space->head.length > bytes.n - used;
    request_answer(c, space, body_left);
    send_answer(c);
    return body_left ? bytes.n : used + (size_t)space->head.length;
}

static size_t
serve_all(struct connection *c, struct text bytes)
{
    size_t at = 0, used;

    while (c->state == CONNECTION_HEAD && at < bytes.n && !c->yields &&
           (used = serve_one(c, text_after(bytes, at))) > 0) {
        at += used;
        c->yields = ++c->served >= ENGINE_SERVED && at < bytes.n;
    }
    return at;
}

static void
serve_kept(struct connection *c)
{
    if (c->state == CONNECTION_HEAD && c->in.n > 0)
        buf_drop(&c->in, serve_all(c, buf_view(&c->in)));
    if (c->in.n == 0)
        buf_done(&c->in);
}

/*
 * A head that trickles in is looked at again only when a line may have ended, or enough came to
 * outgrow a limit: each look starts at its first byte.
 */
static bool
worth_a_look(const struct connection *c, struct text fresh)
{
    const size_t step = 4096;

    return memchr(fresh.p, '\n', fresh.n) != NULL || c->in.n / step != (c->in.n - fresh.n) / step;
}

static void
take(struct connection *c, struct text fresh)
{
    if (c->in.n == 0 && c->state == CONNECTION_HEAD)
        fresh = text_after(fresh, serve_all(c, fresh));
    if (fresh.n == 0)
        return;
    if (c->state == CONNECTION_LINGERING || c->state == CONNECTION_CLOSED)
        return;
    buf_text(&c->in, fresh);
    if (buf_failed(&c->in)) {
        c->state = CONNECTION_CLOSED;
        return;
    }
    if (c->state == CONNECTION_BODY && c->in.n >= c->need)
        c->state = CONNECTION_HANDED;
    if (c->state == CONNECTION_HEAD && c->in.n > fresh.n && worth_a_look(c, fresh))
        serve_kept(c);
}

/* Read once.  False: nothing more to be had now. */
static bool
fill(struct connection *c)
{
    struct engine_loop *l = c->home;
    ssize_t n = stream_read(&c->stream, l->in, ENGINE_READ_MAX);

    if (n == STREAM_AGAIN)
        return false;
    if (n <= 0) { /* the end: of an idle connection, or of one that gave up half-way */
        c->state = CONNECTION_CLOSED;
        return false;
    }
    engine_count(&l->counters.bytes_in, (uint64_t)n);
    take(c, text_from(l->in, (size_t)n));
    /* A short read has emptied a plain socket; news will come as an event. */
    return c->stream.ssl != NULL || c->ending || (size_t)n == ENGINE_READ_MAX;
}

/* Throw away what an early-answered peer still sends.  False: nothing more now. */
static bool
drain(struct connection *c)
{
    struct engine_loop *l = c->home;
    ssize_t n = stream_read(&c->stream, l->in, ENGINE_READ_MAX);

    if (n == STREAM_AGAIN)
        return false;
    if (n > 0)
        c->lingered += (size_t)n;
    if (n <= 0 || c->lingered > l->gateway->limits.linger_bytes)
        c->state = CONNECTION_CLOSED;
    return c->state == CONNECTION_LINGERING;
}

static bool
shake_hands(struct connection *c)
{
    int rc = stream_handshake(&c->stream);

    if (rc > 0) {
        c->state = CONNECTION_HEAD;
        return true;
    }
    if (rc < 0) {
        engine_count(&c->home->counters.handshakes_failed, 1);
        c->state = CONNECTION_CLOSED;
    }
    return false;
}

static void
begin_turn(struct connection *c)
{
    c->yields = false;
    c->served = 0;
}

/* Go on as far as it goes without waiting; but a peer that never stops has no loop to itself. */
static void
advance(struct connection *c)
{
    bool on = true;

    for (int round = 0; on && !c->yields; round++) {
        if (round == ENGINE_ROUNDS) {
            c->yields = true;
            return;
        }
        switch (c->state) {
        case CONNECTION_HANDSHAKE: on = shake_hands(c); break;
        case CONNECTION_HEAD:
        case CONNECTION_BODY: on = fill(c); break;
        case CONNECTION_SENDING:
            flush(c);
            on = c->state != CONNECTION_SENDING;
            serve_kept(c);
            break;
        case CONNECTION_LINGERING: on = drain(c); break;
        case CONNECTION_HANDED:
        case CONNECTION_CLOSED: on = false; break;
        }
    }
}

/* ---- deadlines ---- */

static int64_t
time_for(const struct connection *c, enum connection_wait wait)
{
    const struct gateway_limits *limits = &c->home->gateway->limits;
    uint64_t bytes = c->state == CONNECTION_BODY ? c->need : c->out.head.n + c->out.left;

    switch (wait) {
    case WAIT_HANDSHAKE:
    case WAIT_HEAD: return (int64_t)limits->head_ms * 1000;
    case WAIT_REQUEST: return (int64_t)limits->idle_ms * 1000;
    case WAIT_BODY:
    case WAIT_SENDING:
        return (int64_t)limits->rate_grace_ms * 1000 +
               (int64_t)(bytes * 1000000 / limits->min_rate);
    case WAIT_LINGERING: return (int64_t)limits->linger_ms * 1000;
    case WAIT_TURN:
    case WAIT_NOTHING: break;
    }
    return 0;
}

static enum connection_wait
wait_of(const struct connection *c)
{
    if (c->yields && (c->state == CONNECTION_HEAD || c->state == CONNECTION_BODY ||
                      c->state == CONNECTION_LINGERING))
        return WAIT_TURN;
    switch (c->state) {
    case CONNECTION_HANDSHAKE: return WAIT_HANDSHAKE;
    case CONNECTION_HEAD: return c->in.n > 0 ? WAIT_HEAD : WAIT_REQUEST;
    case CONNECTION_BODY: return WAIT_BODY;
    case CONNECTION_SENDING: return WAIT_SENDING;
    case CONNECTION_LINGERING: return WAIT_LINGERING;
    case CONNECTION_HANDED:
    case CONNECTION_CLOSED: break;
    }
    return WAIT_NOTHING;
}

/* A wait is timed from its beginning; only that for the next request begins with every answer. */
static void
set_deadline(struct connection *c)
{
    enum connection_wait wait = wait_of(c);
    struct loop *loop = c->home->loop;

    if (wait == c->wait && wait != WAIT_REQUEST && wait != WAIT_TURN)
        return;
    c->wait = wait;
    if (wait == WAIT_NOTHING)
        loop_timer_clear(loop, &c->timer);
    else
        loop_timer_set(loop, &c->timer, loop_now_us(loop) + time_for(c, wait));
}

/* ---- between events ---- */

static void
hand_over(struct connection *c)
{
    if (c->watched)
        loop_remove(c->home->loop, &c->watch);
    c->watched = false;
    c->handed = true;
    engine_count(&c->home->counters.handed, 1);
    worker_take(c);
}

static void
settle(struct connection *c)
{
    struct gateway *g = c->home->gateway;

    if (c->state == CONNECTION_HEAD && c->in.n == 0 && atomic_load(&g->stopping))
        c->state = CONNECTION_CLOSED;
    if (c->state == CONNECTION_CLOSED) {
        destroy(c);
        return;
    }
    set_deadline(c);
    if (c->state == CONNECTION_HANDED)
        hand_over(c);
}

static void
on_ready(struct loop_watch *w, uint32_t events)
{
    struct connection *c = LOOP_OWNER(struct connection, watch, w);

    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->ending = true;
    if (c->wait == WAIT_TURN) /* its turn will come */
        return;
    begin_turn(c);
    advance(c);
    settle(c);
}

static void
on_timer(struct loop_timer *t)
{
    struct connection *c = LOOP_OWNER(struct connection, timer, t);

    if (c->wait == WAIT_TURN) {
        begin_turn(c);
        serve_kept(c);
        advance(c);
        settle(c);
        return;
    }
    if (c->wait != WAIT_REQUEST && c->wait != WAIT_LINGERING) /* those just end */
        engine_count(&c->home->counters.timeouts, 1);
    if (c->wait == WAIT_HEAD || c->wait == WAIT_BODY)
        refuse(c, 408, "the request did not arrive in time");
    else
        c->state = CONNECTION_CLOSED;
    settle(c);
}

static bool
watch(struct connection *c)
{
    struct err err = { 0 };

    if (loop_add(c->home->loop, &c->watch, WATCHED, &err) != 0)
        return false;
    c->watched = true;
    return true;
}

static void
on_back(struct loop_task *t)
{
    struct connection *c = LOOP_OWNER(struct connection, back, t);

    c->handed = false;
    c->need = 0;
    begin_turn(c);
    if (c->home->cutting)
        c->state = CONNECTION_CLOSED;
    if (c->state == CONNECTION_LINGERING)
        start_lingering(c);
    if (c->state != CONNECTION_CLOSED && !watch(c))
        c->state = CONNECTION_CLOSED;
    serve_kept(c);
    /* What a plain socket holds will be an event; what TLS has read ahead never would. */
    if (c->stream.ssl != NULL || c->state == CONNECTION_LINGERING)
        advance(c);
    settle(c);
}

void
connection_give_back(struct connection *c)
{
    loop_post(c->home->loop, &c->back);
}

/* ---- the beginning ---- */

static void
print_address(struct connection *c, const struct sockaddr *from)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (from->sa_family == AF_INET) {
        memcpy(&in, from, sizeof(in));
        (void)inet_ntop(AF_INET, &in.sin_addr, c->address, sizeof(c->address));
    } else {
        memcpy(&in6, from, sizeof(in6));
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, c->address, sizeof(c->address));
    }
}

static struct connection *
create(struct engine_loop *l, int fd, struct peer *peer, const struct sockaddr *from)
{
    struct connection *c = mem_zalloc(sizeof(*c));

    if (c == NULL)
        return NULL;
    c->watch = (struct loop_watch){ fd, on_ready };
    c->stream.fd = fd;
    c->timer.fire = on_timer;
    c->back.run = on_back;
    c->peer = peer;
    c->home = l;
    c->in.max = HTTP_HEAD_MAX + l->gateway->limits.small_body + 4 * ENGINE_READ_MAX;
    c->out.fd = -1;
    print_address(c, from);
    c->next = l->connections;
    c->link = &l->connections;
    if (c->next != NULL)
        c->next->link = &c->next;
    l->connections = c;
    atomic_fetch_add_explicit(&l->gateway->connections, 1, memory_order_relaxed);
    engine_count(&l->counters.open, 1);
    return c;
}

static struct connection *
admit(struct engine_loop *l, int fd, const struct sockaddr *from)
{
    struct gateway *g = l->gateway;
    struct connection *c = NULL;
    struct peer *peer;

    if (atomic_load_explicit(&g->connections, memory_order_relaxed) >= g->limits.connections)
        return NULL;
    if ((peer = peer_join(g->peers, from)) == NULL)
        return NULL;
    if ((c = create(l, fd, peer, from)) == NULL)
        peer_part(g->peers, peer);
    return c;
}

void
connection_open(struct engine_loop *l, int fd, const struct sockaddr *from, bool tls)
{
    struct connection *c = admit(l, fd, from);

    if (c == NULL) {
        engine_count(&l->counters.refused, 1);
        (void)close(fd);
        return;
    }
    engine_count(&l->counters.accepted, 1);
    c->state = CONNECTION_HEAD;
    if (tls) {
        c->state = CONNECTION_HANDSHAKE;
        if ((c->stream.ssl = tls_accept(l->gateway->tls, fd)) == NULL)
            c->state = CONNECTION_CLOSED;
    }
    if (c->state != CONNECTION_CLOSED && !watch(c))
        c->state = CONNECTION_CLOSED;
    settle(c);
}

void
connection_drain(struct engine_loop *l)
{
    struct connection *next;

    for (struct connection *c = l->connections; c != NULL; c = next) {
        next = c->next;
        if (c->handed)
            continue;
        if (c->state == CONNECTION_HANDSHAKE)
            c->state = CONNECTION_CLOSED;
        settle(c);
    }
}

void
connection_cut(struct engine_loop *l)
{
    struct connection *next;

    l->cutting = true;
    for (struct connection *c = l->connections; c != NULL; c = next) {
        next = c->next;
        if (c->handed)
            (void)shutdown(c->watch.fd, SHUT_RDWR); /* its worker fails, and gives it back */
        else
            destroy(c);
    }
}
