#include "gateway/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/connection.h"
#include "gateway/engine.h"
#include "gateway/listener.h"

#define ACCEPTS_PER_TURN 64

struct gateway_limits
gateway_limits_default(void)
{
    return (struct gateway_limits){
        .head_ms = 10 * 1000,
        .idle_ms = 75 * 1000,
        .stall_ms = 60 * 1000,
        .rate_grace_ms = 20 * 1000,
        .min_rate = 4096,
        .linger_ms = 2000,
        .linger_bytes = 16 * 1024 * 1024,
        .per_address = 512,
        .connections = 10000,
        .workers = 128,
        .small_body = 64 * 1024,
        .arena = 8 * 1024 * 1024,
    };
}

/* ---- accepting ---- */

/* No descriptor is left: without this the listener would stay ready, and the loop spin. */
static void
turn_one_away(struct engine_loop *l, int listener)
{
    if (l->spare_fd >= 0)
        (void)close(l->spare_fd);
    l->spare_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (l->spare_fd >= 0)
        (void)close(l->spare_fd);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    engine_count(&l->counters.refused, 1);
}

static void
on_client(struct loop_watch *w, uint32_t events)
{
    struct engine_listener *listener = LOOP_OWNER(struct engine_listener, watch, w);

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        union {
            struct sockaddr any;
            struct sockaddr_storage storage;
        } from;
        socklen_t n = sizeof(from);
        int fd = accept4(w->fd, &from.any, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            connection_open(listener->home, fd, &from.any, listener->tls);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            turn_one_away(listener->home, w->fd);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void
close_listeners(struct engine_loop *l)
{
    for (size_t i = 0; i < l->n_listeners; i++) {
        struct engine_listener *listener = &l->listeners[i];

        if (listener->watch.fd < 0)
            continue;
        loop_remove(l->loop, &listener->watch);
        (void)close(listener->watch.fd);
        listener->watch.fd = -1;
    }
}

static void
on_drain(struct loop_task *t)
{
    struct engine_loop *l = LOOP_OWNER(struct engine_loop, drain, t);

    close_listeners(l);
    connection_drain(l);
}

static void
on_cut(struct loop_task *t)
{
    connection_cut(LOOP_OWNER(struct engine_loop, cut, t));
}

/* ---- opening ---- */

static int
open_loop(struct gateway *g, struct engine_loop *l, struct err *err)
{
    l->gateway = g;
    l->spare_fd = -1;
    l->drain.run = on_drain;
    l->cut.run = on_cut;
    if ((l->loop = loop_new(err)) == NULL)
        return -1;
    l->in = mem_zalloc(ENGINE_READ_MAX);
    l->space = space_new(g->limits.arena);
    if (l->in == NULL || l->space == NULL)
        return err_memory(err);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return 0;
}

static void
close_loop(struct engine_loop *l)
{
    for (size_t i = 0; i < l->n_listeners; i++)
        if (l->listeners[i].watch.fd >= 0)
            (void)close(l->listeners[i].watch.fd);
    if (l->spare_fd >= 0)
        (void)close(l->spare_fd);
    space_free(l->space);
    mem_free(l->in);
    loop_free(l->loop);
}

/* One address: a socket of it for every loop. */
static int
listen_on(struct gateway *g, const struct gateway_listener *what, struct err *err)
{
    struct gateway_address *a = &g->addresses[g->n_addresses];
    int fds[GATEWAY_LOOPS_MAX], rc = listener_open(what, fds, g->n_loops, &a->port, err);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    (void)snprintf(a->host, sizeof(a->host), "%s", what->host);
    a->tls = what->tls;
    g->n_addresses++;
    for (unsigned i = 0; i < g->n_loops; i++) {
        struct engine_loop *l = &g->loops[i];

        l->listeners[l->n_listeners++] = (struct engine_listener){
            .watch = { fds[i], on_client },
            .home = l,
            .tls = what->tls,
        };
    }
    return 0;
}

/* TLS first: that is the order of the ready lines. */
static int
listen_on_all(struct gateway *g, const struct gateway_settings *s, struct err *err)
{
    for (int tls = 1; tls >= 0; tls--)
        for (size_t i = 0; i < s->n_listeners; i++)
            if (s->listeners[i].tls == (tls != 0) && listen_on(g, &s->listeners[i], err) != 0)
                return -1;
    if (g->n_addresses == 0)
        return err_set(err, ERR_INVALID, "there is no address to listen on");
    return 0;
}

static bool
wants_tls(const struct gateway_settings *s)
{
    for (size_t i = 0; i < s->n_listeners; i++)
        if (s->listeners[i].tls)
            return true;
    return false;
}

static unsigned
count_loops(const struct gateway_settings *s)
{
    long n = s->loops > 0 ? (long)s->loops : sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > GATEWAY_LOOPS_MAX ? GATEWAY_LOOPS_MAX : (unsigned)n;
}

static int
open_parts(struct gateway *g, const struct gateway_settings *s, struct err *err)
{
    const struct gateway_limits *limits = &g->limits;

    if (s->n_listeners > GATEWAY_LISTENERS_MAX)
        return err_set(err, ERR_INVALID, "at most %d addresses can be listened on",
                       GATEWAY_LISTENERS_MAX);
    if (limits->min_rate == 0 || limits->workers == 0 || limits->per_address == 0)
        return err_set(err, ERR_INVALID, "a limit of the gateway is zero");
    if ((g->peers = peers_new(limits->per_address, limits->workers / 2, err)) == NULL)
        return -1;
    /* Every connection may wait for a worker: the queue never refuses. */
    if ((g->pool = pool_new("hf-worker", 0, limits->workers, limits->connections, err)) == NULL)
        return -1;
    if (wants_tls(s) && (g->tls = tls_new(s->certificate_file, s->key_file, err)) == NULL)
        return -1;
    for (unsigned i = count_loops(s); g->n_loops < i; g->n_loops++)
        if (open_loop(g, &g->loops[g->n_loops], err) != 0) {
            close_loop(&g->loops[g->n_loops]);
            return -1;
        }
    return listen_on_all(g, s, err);
}

struct gateway *
gateway_open(const struct gateway_settings *s, struct pipeline *pipeline, struct err *err)
{
    OWN(gateway) g = mem_zalloc(sizeof(*g));

    if (g == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    (void)pthread_mutex_init(&g->spaces_lock, NULL);
    g->pipeline = pipeline;
    g->limits = s->limits;
    if (open_parts(g, s, err) != 0)
        return NULL;
    return GIVE(g);
}

void
gateway_free(struct gateway *g)
{
    if (g == NULL)
        return;
    gateway_stop(g, 0);
    pool_free(g->pool);
    for (unsigned i = 0; i < g->n_loops; i++)
        close_loop(&g->loops[i]);
    while (g->spaces != NULL) {
        struct space *next = g->spaces->next;

        space_free(g->spaces);
        g->spaces = next;
    }
    tls_free(g->tls);
    peers_free(g->peers);
    (void)pthread_mutex_destroy(&g->spaces_lock);
    mem_free(g);
}

size_t
gateway_addresses(const struct gateway *g, struct gateway_address out[GATEWAY_LISTENERS_MAX])
{
    memcpy(out, g->addresses, g->n_addresses * sizeof(*out));
    return g->n_addresses;
}

/* ---- running ---- */

static void *
run_loop(void *arg)
{
    struct engine_loop *l = arg;
    char name[16];

    (void)snprintf(name, sizeof(name), "hf-loop-%d", (int)(l - l->gateway->loops));
    (void)pthread_setname_np(pthread_self(), name);
    loop_run(l->loop);
    return NULL;
}

static int
start_loop(struct engine_loop *l, struct err *err)
{
    sigset_t all, before;
    int rc;

    for (size_t i = 0; i < l->n_listeners; i++)
        if (loop_add(l->loop, &l->listeners[i].watch, EPOLLIN, err) != 0)
            return -1;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&l->thread, NULL, run_loop, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return err_sys(err, rc, "cannot start a thread");
    l->started = true;
    return 0;
}

int
gateway_run(struct gateway *g, struct err *err)
{
    for (unsigned i = 0; i < g->n_loops; i++)
        if (start_loop(&g->loops[i], err) != 0)
            return -1;
    return 0;
}

/* Wait until nobody is connected.  A shutdown may look again every few milliseconds. */
static void
await_quiet(struct gateway *g, int64_t deadline_us)
{
    const struct timespec nap = { .tv_nsec = 2000000 };

    while (atomic_load(&g->connections) > 0 && clock_mono_us() < deadline_us)
        (void)nanosleep(&nap, NULL);
}

void
gateway_stop(struct gateway *g, uint32_t grace_ms)
{
    if (g->n_loops == 0 || !g->loops[0].started)
        return;
    atomic_store(&g->stopping, true);
    for (unsigned i = 0; i < g->n_loops; i++)
        loop_post(g->loops[i].loop, &g->loops[i].drain);
    await_quiet(g, clock_mono_us() + (int64_t)grace_ms * 1000);
    for (unsigned i = 0; i < g->n_loops; i++)
        loop_post(g->loops[i].loop, &g->loops[i].cut);
    await_quiet(g, INT64_MAX);
    for (unsigned i = 0; i < g->n_loops; i++) {
        if (!g->loops[i].started)
            continue;
        loop_stop(g->loops[i].loop);
        (void)pthread_join(g->loops[i].thread, NULL);
        g->loops[i].started = false;
    }
}

int
gateway_tls_reload(struct gateway *g, struct err *err)
{
    return g->tls == NULL ? 0 : tls_reload(g->tls, err);
}

void
gateway_read_metrics(struct gateway *g, struct gateway_metrics *out)
{
    struct gateway_metrics m = { 0 };
    struct pool_state pool;

    for (unsigned i = 0; i < g->n_loops; i++) {
        struct engine_counters *c = &g->loops[i].counters;

        m.connections_accepted += atomic_load(&c->accepted);
        m.connections_refused += atomic_load(&c->refused);
        m.connections_open += atomic_load(&c->open);
        m.handshakes_failed += atomic_load(&c->handshakes_failed);
        m.requests_handed_over += atomic_load(&c->handed);
        m.timeouts += atomic_load(&c->timeouts);
        m.bytes_in += atomic_load(&c->bytes_in);
        m.bytes_out += atomic_load(&c->bytes_out);
        for (size_t k = 0; k < sizeof(m.requests) / sizeof(m.requests[0]); k++)
            m.requests[k] += atomic_load(&c->requests[k]);
    }
    pool_look(g->pool, &pool);
    m.workers = pool.threads;
    m.workers_busy = pool.busy;
    *out = m;
}
