#include "daemon/health.h"

#include <arpa/inet.h>

#include "base/buf.h"
#include "gateway/gateway.h"
#include "monitor/exposition.h"
#include "runner/runner_client.h"

#define METRICS_MAX ((size_t)64 * 1024)

static int
healthz_get(void *room, struct exchange *x, struct err *err)
{
    (void)room;
    (void)err;
    answer_status(x, 200);
    answer_text(x, "text/plain", TEXT("ok\n"));
    return 0;
}

static int
readyz_get(void *room, struct exchange *x, struct err *err)
{
    const struct health *h = room;
    DB_ROWS(rows);

    if (db_one(database_reader(h->database), &rows, err, "SELECT 1") < 0)
        return -1;
    answer_status(x, 200);
    answer_text(x, "text/plain",
                h->runner == NULL            ? TEXT("ready; containers are not run here\n")
                : runner_attached(h->runner) ? TEXT("ready\n")
                                             : TEXT("ready; the container runner is starting\n"));
    return 0;
}

static bool
from_loopback(const char *address)
{
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, address, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static void
write_gateway(struct buf *b, struct gateway *gateway)
{
    static const char *const classes[] = { "malformed", "1xx", "2xx", "3xx", "4xx", "5xx" };
    struct gateway_metrics m = { 0 };

    gateway_read_metrics(gateway, &m);
    exposition_metric(b, "holdfast_http_requests_total", METRIC_COUNTER,
                      "Requests answered, by class of status.");
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        exposition_sample(b, "holdfast_http_requests_total", "class", classes[i], m.requests[i]);
    exposition_one(b, "holdfast_http_connections", METRIC_GAUGE, "Open connections.",
                   m.connections_open);
    exposition_one(b, "holdfast_http_connections_accepted_total", METRIC_COUNTER,
                   "Connections accepted.", m.connections_accepted);
    exposition_one(b, "holdfast_http_connections_refused_total", METRIC_COUNTER,
                   "Connections refused by a limit.", m.connections_refused);
    exposition_one(b, "holdfast_tls_handshakes_failed_total", METRIC_COUNTER,
                   "TLS handshakes that failed.", m.handshakes_failed);
    exposition_one(b, "holdfast_http_timeouts_total", METRIC_COUNTER,
                   "Connections closed because the peer was too slow.", m.timeouts);
    exposition_one(b, "holdfast_http_received_bytes_total", METRIC_COUNTER, "Bytes received.",
                   m.bytes_in);
    exposition_one(b, "holdfast_http_sent_bytes_total", METRIC_COUNTER, "Bytes sent.", m.bytes_out);
    exposition_one(b, "holdfast_workers", METRIC_GAUGE, "Worker threads.", m.workers);
    exposition_one(b, "holdfast_workers_busy", METRIC_GAUGE, "Worker threads at work.",
                   m.workers_busy);
}

static int
metrics_get(void *room, struct exchange *x, struct err *err)
{
    const struct health *h = room;
    OWN_BUF(b, METRICS_MAX);
    const char *scope = arena_printf(x->arena, "/subscriptions/%s", h->subscription_id);

    if (scope == NULL)
        return err_memory(err);
    if (!from_loopback(x->address) &&
        !exchange_allowed(x, "Microsoft.Insights/Metrics/Read", text_of(scope)))
        return x->caller.kind == CALLER_ANONYMOUS
                   ? err_set(err, ERR_UNAUTHENTICATED, "metrics are for who may read them: sign in")
                   : err_set(err, ERR_DENIED, "metrics need the role Monitoring Reader");
    write_gateway(&b, h->gateway);
    exposition_one(&b, "holdfast_runner_up", METRIC_GAUGE, "Whether the container runner answers.",
                   h->runner != NULL && runner_attached(h->runner));
    if (buf_check(&b, err) < 0)
        return -1;
    answer_status(x, 200);
    answer_text(x, EXPOSITION_TYPE, arena_text(x->arena, buf_view(&b)));
    return 0;
}

const struct route health_routes[] = {
    { HTTP_GET, "/healthz", ACTION_PUBLIC, DIALECT_PLAIN, healthz_get, ROUTE_QUICK, 0 },
    { HTTP_GET, "/readyz", ACTION_PUBLIC, DIALECT_PLAIN, readyz_get, ROUTE_QUICK, 0 },
    { HTTP_GET, "/metrics", ACTION_PUBLIC, DIALECT_PLAIN, metrics_get, 0, 0 },
    { HTTP_GET, NULL, NULL, DIALECT_PLAIN, NULL, 0, 0 },
};

static void
refuse(void *room, struct exchange *x, const struct err *err)
{
    const char *line = arena_printf(x->arena, "%s\n", err->msg);

    (void)room;
    if (err->kind == ERR_UNAUTHENTICATED)
        answer_field(x, "WWW-Authenticate", TEXT("Basic realm=\"holdfast\""));
    answer_text(x, "text/plain; charset=utf-8", text_of(line));
}

const struct dialect health_dialect = { NULL, NULL, refuse, AUDIENCE_MANAGEMENT };
