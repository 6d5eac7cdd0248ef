#include "exchange/exchange.h"

#include <string.h>

#include "base/buf.h"

#define BODY_STEP ((size_t)16 * 1024)

ssize_t
exchange_read(struct exchange *x, void *p, size_t max, struct err *err)
{
    ssize_t n;

    if (x->read == NULL)
        return 0;
    if ((n = x->read(x->connection, p, max, err)) < 0)
        return -1;
    if ((uint64_t)n > x->route->max_body - x->body_read)
        return err_set(err, ERR_TOO_LARGE, "the body is larger than the %llu bytes accepted here",
                       (unsigned long long)x->route->max_body);
    x->body_read += (uint64_t)n;
    return n;
}

/* A body of known length goes straight into its place. */
static int
read_known(struct exchange *x, size_t length, struct text *out, struct err *err)
{
    char *p = arena_take(x->arena, length + 1);
    size_t have = 0;

    if (p == NULL)
        return err_set(err, ERR_TOO_LARGE, "the body does not fit the memory of one request");
    while (have < length) {
        ssize_t n = exchange_read(x, p + have, length - have, err);

        if (n < 0)
            return -1;
        if (n == 0)
            return err_code(err, ERR_INVALID, "SIZE_INVALID",
                            "the body ended after %zu of %zu bytes", have, length);
        have += (size_t)n;
    }
    *out = text_from(p, have);
    return 0;
}

static int
read_unknown(struct exchange *x, struct text *out, struct err *err)
{
    OWN_BUF(body, (size_t)x->route->max_body + BODY_STEP);
    ssize_t n;

    do {
        char *room = buf_room(&body, BODY_STEP);

        if (room == NULL)
            return err_memory(err);
        if ((n = exchange_read(x, room, BODY_STEP, err)) < 0)
            return -1;
        buf_used(&body, (size_t)n);
    } while (n > 0);
    *out = arena_text(x->arena, buf_view(&body));
    if (out->p == NULL)
        return err_set(err, ERR_TOO_LARGE, "the body does not fit the memory of one request");
    return 0;
}

int
exchange_body(struct exchange *x, struct text *out, struct err *err)
{
    if (x->body_length >= 0 && (uint64_t)x->body_length > x->route->max_body)
        return err_set(err, ERR_TOO_LARGE,
                       "the body has %lld bytes; at most %llu are accepted here",
                       (long long)x->body_length, (unsigned long long)x->route->max_body);
    if (x->body_length >= 0)
        return read_known(x, (size_t)x->body_length, out, err);
    return read_unknown(x, out, err);
}

struct text
exchange_param(const struct exchange *x, const char *name)
{
    for (size_t i = 0; i < x->params.n; i++)
        if (text_is(x->params.items[i].name, name))
            return x->params.items[i].value;
    return (struct text){ NULL, 0 };
}

struct text
exchange_query(const struct exchange *x, const char *name)
{
    struct text value = { NULL, 0 };

    if (!url_query_get(&x->query, name, 0, &value))
        return (struct text){ NULL, 0 };
    return value;
}

struct text
exchange_header(const struct exchange *x, const char *name)
{
    return http_field(x->head, name);
}

bool
exchange_allowed(struct exchange *x, const char *action, struct text scope)
{
    struct decision d;

    return access_check(x->world->access, &x->caller, action, scope, &d);
}

int
exchange_status(const struct err *err)
{
    static const int statuses[] = {
        [ERR_OK] = 500,           [ERR_INVALID] = 400,   [ERR_UNAUTHENTICATED] = 401,
        [ERR_DENIED] = 403,       [ERR_NOT_FOUND] = 404, [ERR_CONFLICT] = 409,
        [ERR_PRECONDITION] = 412, [ERR_TOO_LARGE] = 413, [ERR_UNSUPPORTED] = 405,
        [ERR_RANGE] = 416,        [ERR_BUSY] = 429,      [ERR_TIMEOUT] = 408,
        [ERR_CLOSED] = 400,       [ERR_NO_SPACE] = 507,  [ERR_CORRUPT] = 500,
        [ERR_IO] = 500,
    };

    return statuses[err->kind];
}
