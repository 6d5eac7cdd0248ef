/*
 * engine.h - shared inside the gateway: the engine, its loops, a connection.
 *
 * A connection is created, served while it is quick, and destroyed by its loop.  While a worker
 * has it (CONNECTION_HANDED) the loop touches nothing of it but shutdown() of its socket.
 */
#ifndef GATEWAY_ENGINE_H
#define GATEWAY_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/gateway.h"
#include "gateway/outgoing.h"
#include "gateway/peer.h"
#include "gateway/space.h"
#include "gateway/stream.h"
#include "gateway/tls.h"
#include "rt/loop.h"
#include "rt/pool.h"

#define ENGINE_READ_MAX     ((size_t)64 * 1024)
#define ENGINE_FILE_ON_LOOP ((uint64_t)256 * 1024) /* larger files are sent by a worker */
#define ENGINE_KEPT_ON_LOOP ((size_t)64 * 1024)    /* so is what does not fit the socket */
#define ENGINE_SPACES_KEPT  8
#define ENGINE_ROUNDS       16  /* reads of one connection in one turn of the loop */
#define ENGINE_SERVED       256 /* requests likewise */

enum connection_state {
    CONNECTION_HANDSHAKE,
    CONNECTION_HEAD,      /* between requests, or in the middle of a head */
    CONNECTION_BODY,      /* collecting a small body */
    CONNECTION_SENDING,   /* an answer that did not fit the socket */
    CONNECTION_HANDED,    /* a worker has it, or will */
    CONNECTION_LINGERING, /* answered; draining what still comes */
    CONNECTION_CLOSED,    /* to be destroyed at the end of the event */
};

/* What its timer waits for. */
enum connection_wait {
    WAIT_NOTHING,
    WAIT_TURN, /* it has had its share of this turn of the loop */
    WAIT_HANDSHAKE,
    WAIT_REQUEST,
    WAIT_HEAD,
    WAIT_BODY,
    WAIT_SENDING,
    WAIT_LINGERING,
};

struct connection {
    struct loop_watch watch;
    struct stream stream;
    struct loop_timer timer;
    struct loop_task back; /* from a worker */
    struct peer_job job;
    struct peer *peer;
    struct engine_loop *home;
    struct connection *next, **link; /* of all of its loop */
    enum connection_state state;
    enum connection_wait wait;
    struct buf in;   /* bytes not yet served */
    size_t need;     /* CONNECTION_BODY: bytes of head and body together */
    unsigned served; /* requests in this turn */
    size_t lingered; /* bytes thrown away */
    struct outgoing out;
    bool watched; /* by its loop */
    bool handed;  /* the loop's own note of CONNECTION_HANDED */
    bool keep;    /* after the answer: serve on */
    bool linger;  /* else: drain before closing */
    bool yields;  /* has more to do, after the others */
    bool ending;  /* the peer has closed or broken its side: read until that is seen */
    char address[46];
};

struct engine_counters {
    atomic_uint_fast64_t accepted, refused, open, handshakes_failed, requests[6], handed, timeouts,
        bytes_in, bytes_out;
};

struct engine_listener {
    struct loop_watch watch; /* fd -1: closed */
    struct engine_loop *home;
    bool tls;
};

struct engine_loop {
    struct gateway *gateway;
    struct loop *loop;
    pthread_t thread;
    bool started;
    struct engine_listener listeners[GATEWAY_LISTENERS_MAX];
    size_t n_listeners;
    int spare_fd; /* given up for a moment when the process has no descriptor left */
    char *in;     /* ENGINE_READ_MAX bytes: what one read brings */
    struct space *space;
    struct connection *connections;
    struct engine_counters counters;
    struct loop_task drain, cut;
    bool cutting;
};

struct gateway {
    struct pipeline *pipeline;
    struct gateway_limits limits;
    struct tls *tls; /* NULL: no TLS listener */
    struct pool *pool;
    struct peers *peers;
    atomic_uint connections;
    atomic_bool stopping;
    struct engine_loop loops[GATEWAY_LOOPS_MAX];
    unsigned n_loops;
    struct gateway_address addresses[GATEWAY_LISTENERS_MAX];
    size_t n_addresses;
    pthread_mutex_t spaces_lock;
    struct space *spaces; /* guarded by spaces_lock: a stock for workers */
    unsigned n_spaces;
};

static inline void
engine_count(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#endif /* GATEWAY_ENGINE_H */
