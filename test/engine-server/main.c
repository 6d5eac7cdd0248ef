/*
 * engine-server - the HTTP engine with a pipeline of a few lines, for test/scenario/20_gateway.
 *
 *   engine-server [LIMIT=NUMBER]... [loops=N] [cert=FILE key=FILE] [file=FILE]
 *
 * It listens on a free port of 127.0.0.1, with a certificate on a TLS one before it, and prints
 * "ready URL" for each.  TERM drains for stop_ms, HUP reads the certificate again.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/digest.h"
#include "base/mem.h"
#include "exchange/exchange.h"
#include "gateway/gateway.h"
#include "gateway/pipeline.h"
#include "rt/signals.h"

struct pipeline {
    struct gateway *gateway;
    const char *file;
    atomic_uint malformed;
    atomic_uint running; /* slow requests under way */
};

static char page[1024];

static int
refuse(struct exchange *x, const struct err *err)
{
    answer_status(x, err->kind == ERR_TIMEOUT ? 408 : 400);
    answer_text(x, "text/plain", arena_text(x->arena, text_of(err->msg)));
    return 0;
}

/* Read the body in steps of ${step} bytes; answer its length and SHA-256. */
static int
digest_body(struct exchange *x, size_t step)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    OWN_MEM(char) p = mem_zalloc(step);
    unsigned char sum[32];
    char hex[65];
    uint64_t total = 0;
    struct err err = { 0 };
    ssize_t n;

    (void)EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    while ((n = x->read == NULL ? 0 : x->read(x->connection, p, step, &err)) > 0) {
        (void)EVP_DigestUpdate(ctx, p, (size_t)n);
        total += (uint64_t)n;
    }
    (void)EVP_DigestFinal_ex(ctx, sum, NULL);
    EVP_MD_CTX_free(ctx);
    if (n < 0)
        return refuse(x, &err);
    hex_print(sum, sizeof(sum), hex);
    answer_status(x, 201);
    answer_text(x, "text/plain",
                text_of(arena_printf(x->arena, "%llu %s\n", (unsigned long long)total, hex)));
    return 0;
}

/* Read and drop it, slowly: for back-pressure. */
static int
sink_body(struct exchange *x, uint64_t pause_ms)
{
    const struct timespec pause = { (time_t)(pause_ms / 1000), (long)(pause_ms % 1000) * 1000000 };
    OWN_MEM(char) p = mem_zalloc(1024 * 1024);
    struct err err = { 0 };
    ssize_t n;

    while ((n = x->read == NULL ? 0 : x->read(x->connection, p, 1024 * 1024, &err)) > 0)
        if (pause_ms > 0)
            (void)nanosleep(&pause, NULL);
    if (n < 0)
        return refuse(x, &err);
    answer_status(x, 204);
    return 0;
}

static int
send_file(struct pipeline *p, struct exchange *x)
{
    int fd = open(p->file, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        answer_status(x, 404);
        return 0;
    }
    answer_status(x, 200);
    answer_field(x, "Content-Type", TEXT("application/octet-stream"));
    answer_file(x, fd, 0, (uint64_t)st.st_size);
    return 0;
}

static int
wait_for(struct pipeline *p, struct exchange *x, uint64_t ms)
{
    const struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

    atomic_fetch_add(&p->running, 1);
    (void)nanosleep(&pause, NULL);
    atomic_fetch_sub(&p->running, 1);
    answer_status(x, 200);
    answer_text(x, "text/plain", TEXT("waited\n"));
    return 0;
}

static int
send_bytes(struct exchange *x, uint64_t n)
{
    char *p = arena_take(x->arena, (size_t)n);

    answer_status(x, p != NULL ? 200 : 507);
    if (p != NULL) {
        memset(p, 'b', (size_t)n);
        answer_text(x, "text/plain", text_from(p, (size_t)n));
    }
    return 0;
}

static int
send_metrics(struct pipeline *p, struct exchange *x)
{
    struct gateway_metrics m;

    gateway_read_metrics(p->gateway, &m);
    answer_status(x, 200);
    answer_text(
        x, "application/json",
        text_of(arena_printf(
            x->arena,
            "{\"malformed\":%u,\"running\":%u,\"open\":%llu,\"refused\":%llu,"
            "\"handed\":%llu,\"timeouts\":%llu,\"workers\":%llu,\"busy\":%llu,"
            "\"bytes_in\":%llu,\"bytes_out\":%llu,\"ok\":%llu,\"bad\":%llu,"
            "\"handshakes_failed\":%llu}\n",
            atomic_load(&p->malformed), atomic_load(&p->running),
            (unsigned long long)m.connections_open, (unsigned long long)m.connections_refused,
            (unsigned long long)m.requests_handed_over, (unsigned long long)m.timeouts,
            (unsigned long long)m.workers, (unsigned long long)m.workers_busy,
            (unsigned long long)m.bytes_in, (unsigned long long)m.bytes_out,
            (unsigned long long)m.requests[2], (unsigned long long)m.requests[0],
            (unsigned long long)m.handshakes_failed)));
    return 0;
}

static bool
starts(struct exchange *x, const char *path, uint64_t *number)
{
    struct text t = x->head->target;

    *number = 0;
    if (!text_starts(t, path))
        return false;
    t = text_after(t, strlen(path));
    return t.n == 0 || text_to_u64(t, 1u << 30, number);
}

/* What may run on a loop; 1: what may not. */
static int
run_quick(struct pipeline *p, struct exchange *x, uint64_t *n)
{
    if (starts(x, "/quick", n)) {
        answer_status(x, 200);
        answer_text(x, "text/plain", text_from(page, sizeof(page)));
        answer_field(x, "X-Request-Id", text_of(x->request_id));
        return 0;
    }
    if (starts(x, "/file", n))
        return send_file(p, x);
    if (starts(x, "/bytes/", n))
        return send_bytes(x, *n);
    if (starts(x, "/metrics", n))
        return send_metrics(p, x);
    if (starts(x, "/address", n)) {
        answer_status(x, 200);
        answer_text(x, "text/plain", text_of(x->address));
        return 0;
    }
    if (starts(x, "/unclean", n)) {
        answer_status(x, 200);
        answer_field(x, "X-Bad", TEXT("a\r\nX-Injected: yes"));
        return 0;
    }
    return 1;
}

int
pipeline_run(struct pipeline *p, struct exchange *x, bool may_block)
{
    uint64_t n;

    if (x->body_length == 0 && run_quick(p, x, &n) == 0)
        return 0;
    if (!may_block && !starts(x, "/nothing", &n))
        return 1;
    if (starts(x, "/digest/", &n))
        return digest_body(x, (size_t)n);
    if (starts(x, "/sink/", &n))
        return sink_body(x, n);
    if (starts(x, "/wait/", &n))
        return wait_for(p, x, n);
    if (starts(x, "/blocked", &n)) {
        answer_status(x, 200);
        answer_text(x, "text/plain", text_from(page, sizeof(page)));
        return 0;
    }
    answer_status(x, 404);
    answer_text(x, "text/plain", TEXT("there is nothing here\n"));
    return 0;
}

void
pipeline_malformed(struct pipeline *p, const char *address, int status, const struct err *err)
{
    atomic_fetch_add(&p->malformed, 1);
    (void)fprintf(stderr, "malformed from %s: %d %s\n", address, status, err->msg);
}

struct settings {
    struct gateway_settings gateway;
    const char *file;
    uint32_t stop_ms;
};

static bool
take_option(struct settings *s, const char *arg)
{
    static const struct {
        const char *name;
        size_t at;
    } limits[] = {
#define LIMIT(name) { #name "=", offsetof(struct gateway_limits, name) }
        LIMIT(head_ms),  LIMIT(idle_ms),    LIMIT(stall_ms),     LIMIT(rate_grace_ms),
        LIMIT(min_rate), LIMIT(linger_ms),  LIMIT(linger_bytes), LIMIT(per_address),
        LIMIT(workers),  LIMIT(small_body), LIMIT(connections),  LIMIT(arena),
#undef LIMIT
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (strncmp(arg, limits[i].name, strlen(limits[i].name)) == 0) {
            uint32_t v = (uint32_t)strtoul(arg + strlen(limits[i].name), NULL, 10);

            memcpy((char *)&s->gateway.limits + limits[i].at, &v, sizeof(v));
            return true;
        }
    if (strncmp(arg, "loops=", 6) == 0)
        s->gateway.loops = (unsigned)strtoul(arg + 6, NULL, 10);
    else if (strncmp(arg, "cert=", 5) == 0)
        s->gateway.certificate_file = arg + 5;
    else if (strncmp(arg, "key=", 4) == 0)
        s->gateway.key_file = arg + 4;
    else if (strncmp(arg, "file=", 5) == 0)
        s->file = arg + 5;
    else if (strncmp(arg, "stop_ms=", 8) == 0)
        s->stop_ms = (uint32_t)strtoul(arg + 8, NULL, 10);
    else
        return false;
    return true;
}

static int
fail(const struct err *err)
{
    (void)fprintf(stderr, "engine-server: %s (%s)\n", err->msg, err->detail);
    return 1;
}

static void
say_ready(const struct gateway *g)
{
    struct gateway_address addresses[GATEWAY_LISTENERS_MAX];
    size_t n = gateway_addresses(g, addresses);

    for (size_t i = 0; i < n; i++)
        (void)printf("ready %s://%s:%u\n", addresses[i].tls ? "https" : "http", addresses[i].host,
                     (unsigned)addresses[i].port);
    (void)fflush(stdout);
}

static int
serve(const struct settings *s, struct pipeline *p)
{
    struct err err = { 0 };
    OWN_FD signals = -1;
    OWN(gateway) g = NULL;
    int number;

    if (signals_open(&signals, &err) != 0 || (g = gateway_open(&s->gateway, p, &err)) == NULL)
        return fail(&err);
    p->gateway = g;
    if (gateway_run(g, &err) != 0)
        return fail(&err);
    say_ready(g);
    while ((number = signals_next(signals)) == SIGHUP) {
        if (gateway_tls_reload(g, &err) != 0)
            (void)fail(&err);
        err_clear(&err);
    }
    gateway_stop(g, s->stop_ms);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct gateway_listener listeners[] = { { "127.0.0.1", 0, false, false },
                                                  { "127.0.0.1", 0, true, false } };
    struct settings s = { .gateway = { .limits = gateway_limits_default() }, .stop_ms = 5000 };
    struct pipeline p = { .malformed = 0 };

    memset(page, 'x', sizeof(page));
    for (int i = 1; i < argc; i++)
        if (!take_option(&s, argv[i])) {
            (void)fprintf(stderr, "engine-server: what is \"%s\"?\n", argv[i]);
            return 2;
        }
    s.gateway.listeners = listeners;
    s.gateway.n_listeners = s.gateway.certificate_file != NULL ? 2 : 1;
    p.file = s.file != NULL ? s.file : "/dev/null";
    return serve(&s, &p);
}
