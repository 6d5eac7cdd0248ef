/*
 * gateway.h - the HTTP/1.1 and TLS engine: bytes in, exchanges to the pipeline, answers out.
 *
 * N loop threads own what is idle, handshakes, request heads and small answers; whatever may block
 * is handed, with its connection, to a worker until its answer has been sent.
 *
 * Invariants:
 *   G1  the pipeline sees only complete heads that the strict grammar accepts; everything else is
 *       answered 4xx or 5xx by itself and the connection closed (wire/http.h);
 *   G2  a body is never read, hashed or written on a loop thread, except into the small buffer of
 *       a body of at most small_body bytes;
 *   G3  no peer holds more than its limits say: connections, workers, time for a head, time without
 *       progress;
 *   G4  bytes behind a request are either the next request or are never interpreted: when a body
 *       was not read to its end the connection is closed;
 *   G5  one answer per request, with exactly the length its head states, or the connection is cut;
 *   G6  an answer that is sent before its body has arrived reaches the client: what it still sends
 *       is drained, within lingering limits, before the connection is closed;
 *   G7  gateway_stop() lets requests under way finish until its deadline, and then returns.
 *
 * Threads: gateway_open(), _run(), _stop(), _free() from one thread; the others from any.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"

struct gateway;
struct pipeline;

#define GATEWAY_LISTENERS_MAX 16
#define GATEWAY_LOOPS_MAX     8
#define GATEWAY_HOST_MAX      256

struct gateway_listener {
    const char *host; /* an address, or a name of this machine */
    uint16_t port;    /* 0: any free one */
    bool tls;
    bool optional; /* an address family this machine lacks is no error */
};

struct gateway_limits {
    uint32_t head_ms;       /* for a whole request head, from its first byte; also for handshakes */
    uint32_t idle_ms;       /* keep-alive: between requests */
    uint32_t stall_ms;      /* without any progress of a body, either way */
    uint32_t rate_grace_ms; /* after this time a body must have come at min_rate on average */
    uint32_t min_rate;      /* bytes per second */
    uint32_t linger_ms;     /* after an early answer */
    uint32_t linger_bytes;  /* drained and thrown away meanwhile */
    uint32_t per_address;   /* connections of one client address (IPv6: of one /64) */
    uint32_t connections;   /* in total */
    uint32_t workers;       /* threads; one address holds at most half of them */
    uint32_t small_body;    /* bodies up to this are collected before a worker is asked */
    uint32_t arena;         /* bytes of memory of one request */
};

/* gateway_limits_default(): 10 s, 75 s, 60 s, 20 s, 4 KiB/s, 2 s, 16 MiB, 512, 10000, 128, 64 KiB,
 * 8 MiB. */
struct gateway_limits gateway_limits_default(void);

struct gateway_settings {
    const struct gateway_listener *listeners;
    size_t n_listeners;
    unsigned loops; /* 0: as many as processors, at most GATEWAY_LOOPS_MAX */
    struct gateway_limits limits;
    const char *certificate_file; /* PEM chain; needed when a listener is TLS */
    const char *key_file;         /* PEM */
};

/* gateway_open(settings, pipeline, err): bind and listen; nothing is accepted yet. */
MUST_CHECK struct gateway *gateway_open(const struct gateway_settings *settings,
                                        struct pipeline *pipeline, struct err *err);
void gateway_free(struct gateway *gateway);
DEFINE_OWN(gateway);

/* Where it listens, for the ready lines: TLS first, then in the order of the settings. */
struct gateway_address {
    char host[GATEWAY_HOST_MAX]; /* as in the settings; IPv6 without brackets */
    uint16_t port;
    bool tls;
};

size_t gateway_addresses(const struct gateway *gateway,
                         struct gateway_address out[static GATEWAY_LISTENERS_MAX]);

/* gateway_run(gateway, err): start the loops and return. */
MUST_CHECK int gateway_run(struct gateway *gateway, struct err *err);

/* gateway_stop(gateway, grace_ms): stop accepting, finish what is under way, end the threads. */
void gateway_stop(struct gateway *gateway, uint32_t grace_ms);

/* gateway_tls_reload(gateway, err): read the certificate files again; on failure keep the old. */
MUST_CHECK int gateway_tls_reload(struct gateway *gateway, struct err *err);

/* Counters since start, and gauges. */
struct gateway_metrics {
    uint64_t connections_accepted;
    uint64_t connections_refused; /* by a limit */
    uint64_t connections_open;
    uint64_t handshakes_failed;
    uint64_t requests[6];          /* by status class: [2] is 2xx; [0] malformed */
    uint64_t requests_handed_over; /* to a worker */
    uint64_t timeouts;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t workers;
    uint64_t workers_busy;
};

void gateway_read_metrics(struct gateway *gateway, struct gateway_metrics *out);

#endif /* GATEWAY_GATEWAY_H */
