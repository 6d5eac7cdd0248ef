#include "gateway/pipeline.h"

#include <stdatomic.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/json.h"

struct pipeline {
    const struct pipeline_settings *settings; /* borrowed */
    _Atomic(const char *const *) names;       /* NULL: those of the settings */
};

/* What a step says. */
enum next {
    NEXT_GO_ON,
    NEXT_FAILED,
    NEXT_BLOCKS, /* run the whole way again where blocking is allowed */
};

struct way {
    struct pipeline *pipeline;
    struct exchange *x;
    void *room; /* of the row's handler */
    bool may_block;
    struct err missing; /* nothing is at this address: told to those only who may know (W4) */
    struct err err;
};

typedef enum next step_fn(struct way *w);

static enum next
failed(int result)
{
    return result < 0 ? NEXT_FAILED : NEXT_GO_ON;
}

static const struct dialect *
dialect_of(const struct way *w)
{
    return w->pipeline->settings->dialects[w->x->route->dialect];
}

static enum next
step_host(struct way *w)
{
    struct exchange *x = w->x;
    struct host_names hosts = w->pipeline->settings->hosts;
    const char *const *names = atomic_load(&w->pipeline->names);

    if (names != NULL)
        hosts.extra = names;
    x->host_name = x->head->host;
    if (host_find(&hosts, x->host_name, &x->host, &x->host_label))
        return NEXT_GO_ON;
    return failed(err_set(&w->err, ERR_NOT_FOUND, "the host \"%.*s\" is not served here",
                          TEXT_ARG(text_first(x->host_name, 100))));
}

static enum next
step_decode(struct way *w)
{
    struct exchange *x = w->x;
    struct text raw;

    if (url_split(x->head->target, &raw, &x->raw_query) < 0)
        return failed(err_set(&w->err, ERR_INVALID, "the request target must begin with \"/\""));
    /* az sends "//" inside resource ids; a registry path with an empty segment is an error. */
    if (url_path_decode(raw, x->arena, !text_starts(raw, "/v2/"), &x->path, &w->err) < 0)
        return NEXT_FAILED;
    x->query.n = 0;
    if (x->raw_query.n == 0)
        return NEXT_GO_ON;
    return failed(url_query_parse(x->raw_query, x->arena, false, &x->query, &w->err));
}

static enum next
no_such_route(struct way *w, unsigned allowed)
{
    if (allowed == 0)
        return failed(err_set(&w->err, ERR_NOT_FOUND, "there is nothing at this path"));
    return failed(err_code(&w->err, ERR_UNSUPPORTED, "UNSUPPORTED", "%s is not done at this path",
                           http_method_name(w->x->method)));
}

static enum next
step_route(struct way *w)
{
    struct exchange *x = w->x;
    unsigned allowed;
    const struct route *r = routes_find(w->pipeline->settings->routes, x->method, x->path,
                                        &x->params, &w->room, &allowed);

    if (r == NULL)
        return no_such_route(w, allowed);
    if (!host_serves(x->host, r->dialect))
        return no_such_route(w, 0);
    x->route = r;
    if (!w->may_block && ((r->flags & ROUTE_QUICK) == 0 || x->body_length != 0))
        return NEXT_BLOCKS;
    return NEXT_GO_ON;
}

static enum next
step_body(struct way *w)
{
    const struct exchange *x = w->x;

    if (x->body_length > 0 && (uint64_t)x->body_length > x->route->max_body)
        return failed(err_set(&w->err, ERR_TOO_LARGE,
                              "the body has %lld bytes; at most %llu are accepted here",
                              (long long)x->body_length, (unsigned long long)x->route->max_body));
    return NEXT_GO_ON;
}

static enum next
step_address(struct way *w)
{
    const struct dialect *d = dialect_of(w);

    if (d->address == NULL || d->address(d->room, w->x, &w->err) == 0)
        return NEXT_GO_ON;
    if (w->err.kind != ERR_NOT_FOUND)
        return NEXT_FAILED;
    w->missing = w->err;
    err_clear(&w->err);
    return NEXT_GO_ON;
}

static enum next
step_identity(struct way *w)
{
    struct exchange *x = w->x;
    struct text authorization = exchange_header(x, "authorization");
    int known = identity_identify_from(x->world->identity, authorization, dialect_of(w)->audience,
                                       x->service, text_of(x->address), w->may_block, x->arena,
                                       &x->caller, &w->err);

    x->presented = authorization.p != NULL;
    if (known > 0)
        return NEXT_BLOCKS;
    if (known < 0)
        return NEXT_FAILED;
    if (x->caller.kind == CALLER_ANONYMOUS &&
        (w->missing.kind != ERR_OK || !text_is(text_of(x->route->action), ACTION_PUBLIC)))
        return failed(err_code(&w->err, ERR_UNAUTHENTICATED, "UNAUTHORIZED",
                               "authentication is required: sign in first"));
    return NEXT_GO_ON;
}

/* The token was not made for this; ask for one that is (RFC 6750 section 3.1). */
static enum next
refuse_token(struct way *w)
{
    const struct exchange *x = w->x;

    return failed(err_code(&w->err, ERR_UNAUTHENTICATED, "UNAUTHORIZED",
                           "the token is not for %.*s \"%.*s\" and what is asked of it",
                           TEXT_ARG(x->grant_type), TEXT_ARG(text_first(x->grant_name, 100))));
}

static enum next
refuse_access(struct way *w)
{
    const struct exchange *x = w->x;
    const struct decision *d = &x->decision;

    if (!d->visible)
        return failed(err_code(&w->err, ERR_DENIED, "DENIED",
                               "you are not allowed to do this, or it does not exist"));
    return failed(err_code(&w->err, ERR_DENIED, "DENIED",
                           "%s at %.*s is not allowed to you; the role \"%s\" would allow it",
                           x->route->action, TEXT_ARG(text_first(x->scope, 120)),
                           d->role != NULL ? d->role : "Owner"));
}

/* W4: who may see nothing of the subscription is told what a refusal would tell. */
static enum next
refuse_missing(struct way *w)
{
    struct exchange *x = w->x;
    const char *scope = arena_printf(x->arena, "/subscriptions/%s", x->world->subscription_id);

    if (scope == NULL)
        return failed(err_memory(&w->err));
    if (!access_check(x->world->access, &x->caller, x->route->action, text_of(scope),
                      &x->decision) &&
        !x->decision.visible)
        return refuse_access(w);
    w->err = w->missing;
    return NEXT_FAILED;
}

static enum next
step_access(struct way *w)
{
    struct exchange *x = w->x;
    struct text action = text_of(x->route->action);

    if (w->missing.kind != ERR_OK)
        return refuse_missing(w);
    if (text_is(action, ACTION_PUBLIC) || text_is(action, ACTION_SIGNED_IN) ||
        (x->route->flags & ROUTE_DECIDES) != 0)
        return NEXT_GO_ON;
    if (!access_check(x->world->access, &x->caller, x->route->action, x->scope, &x->decision))
        return refuse_access(w);
    if (!caller_holds(&x->caller, x->grant_type, x->grant_name, x->grant_bits))
        return refuse_token(w);
    return NEXT_GO_ON;
}

static enum next
step_serve(struct way *w)
{
    struct exchange *x = w->x;

    if (x->route->handler(w->room, x, &w->err) < 0)
        return NEXT_FAILED;
    if (x->answer.broken || x->answer.status == 0)
        return failed(err_set(&w->err, ERR_IO, "the answer could not be built"));
    return NEXT_GO_ON;
}

/* The architecture, as a table: DESIGN section 1. */
static const struct {
    const char *name;
    step_fn *run;
} steps[] = {
    { "host", step_host },       { "decode", step_decode },     { "route", step_route },
    { "address", step_address }, { "identity", step_identity }, { "access", step_access },
    { "body", step_body },       { "serve", step_serve },
};

static void
log_failure(const struct way *w, const char *step)
{
    const struct exchange *x = w->x;
    int status = exchange_status(&w->err);
    enum log_level level = status >= 500   ? LOG_LEVEL_ERROR
                           : status == 401 ? LOG_LEVEL_DEBUG
                                           : LOG_LEVEL_INFO;

    if (!log_wants(level))
        return;
    LOG(level, "request failed", x->request_id, LOG_STR("step", step),
        LOG_STR("method", http_method_name(x->method)), LOG_TEXT("path", x->path),
        LOG_STR("address", x->address), LOG_STR("caller", x->caller.id),
        LOG_NUMBER("status", status), LOG_STR("kind", err_kind_name(w->err.kind)),
        LOG_STR("error", w->err.msg), LOG_STR("detail", w->err.detail),
        LOG_STR("where", w->err.where), LOG_NUMBER("errno", w->err.sys));
}

/* Before a row is known there is no dialect; this speaks to people and to every parser. */
static void
refuse_plainly(struct exchange *x, const struct err *err)
{
    OWN_JSON document = json_pack(
        "{s:[{s:s, s:s, s:{s:s}}]}", "errors", "code",
        err->code != NULL ? err->code : (err->kind == ERR_NOT_FOUND ? "NOT_FOUND" : "UNKNOWN"),
        "message", err->msg, "detail", "advice", "see the manual for what is served, and where");

    if (document != NULL)
        answer_document(x, document);
}

static void
describe_failure(struct way *w)
{
    struct exchange *x = w->x;

    answer_status(x, exchange_status(&w->err));
    if (x->route == NULL || dialect_of(w)->refuse == NULL)
        refuse_plainly(x, &w->err);
    else
        dialect_of(w)->refuse(dialect_of(w)->room, x, &w->err);
    if (x->answer.broken) {
        answer_status(x, 500);
        answer_field(x, "Content-Length", TEXT("0"));
    }
}

static bool
leaves_record(const struct exchange *x, const struct err *failure)
{
    if (x->recorded || x->route == NULL)
        return false;
    return failure != NULL || (x->route->flags & ROUTE_DECIDES) != 0 ||
           !text_is(text_of(x->route->action), ACTION_PUBLIC);
}

static int
finish(struct way *w, const char *step)
{
    struct exchange *x = w->x;
    const struct err *failure = w->err.kind != ERR_OK ? &w->err : NULL;
    struct err err = { 0 };

    if (failure != NULL && !w->may_block && x->route != NULL &&
        exchange_refusal_is_durable(x, failure))
        return 1;
    if (failure != NULL) {
        log_failure(w, step);
        describe_failure(w);
    }
    if (leaves_record(x, failure) && exchange_record(x, failure, &err) < 0)
        log_err(LOG_LEVEL_ERROR, "a refusal could not be recorded", x->request_id, &err);
    answer_field(x, "X-Request-Id", text_of(x->request_id));
    return 0;
}

int
pipeline_run(struct pipeline *pipeline, struct exchange *x, bool may_block)
{
    struct way w = { .pipeline = pipeline, .x = x, .may_block = may_block };
    const char *step = "";

    x->world = pipeline->settings->world;
    x->route = NULL;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        enum next next = steps[i].run(&w);

        step = steps[i].name;
        if (next == NEXT_BLOCKS)
            return 1;
        if (next == NEXT_FAILED)
            break;
    }
    return finish(&w, step);
}

void
pipeline_malformed(struct pipeline *pipeline, const char *address, int status,
                   const struct err *err)
{
    const struct audit_record r = {
        .time_us = clock_now_us(),
        .caller_kind = "Anonymous",
        .caller_id = "",
        .address = text_of(address),
        .action = TEXT("Holdfast/requests/parse"),
        .verdict = AUDIT_CHALLENGED,
        .status = status,
        .result = TEXT("malformed"),
        .detail = text_of(err->msg),
        .count = 1,
    };

    audit_read(pipeline->settings->world->audit, &r);
    LOG(LOG_LEVEL_INFO, "malformed request", NULL, LOG_STR("address", address),
        LOG_NUMBER("status", status), LOG_STR("error", err->msg));
}

void
pipeline_set_names(struct pipeline *pipeline, const char *const *names)
{
    atomic_store(&pipeline->names, names);
}

struct pipeline *
pipeline_new(const struct pipeline_settings *settings, struct err *err)
{
    struct pipeline *p = mem_zalloc(sizeof(*p));

    if (p == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    p->settings = settings;
    return p;
}

void
pipeline_free(struct pipeline *pipeline)
{
    mem_free(pipeline);
}
