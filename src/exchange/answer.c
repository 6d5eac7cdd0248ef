#include "exchange/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exchange/exchange.h"

void
answer_done(struct answer *a)
{
    if (a->fd >= 0)
        (void)close(a->fd);
    a->fd = -1;
}

void
answer_status(struct exchange *x, int status)
{
    answer_done(&x->answer);
    x->answer = (struct answer){ .status = status, .fd = -1 };
}

static bool
clean(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] == '\r' || t.p[i] == '\n' || t.p[i] == '\0')
            return false;
    return true;
}

void
answer_field(struct exchange *x, const char *name, struct text value)
{
    struct answer *a = &x->answer;

    if (a->n_fields == ANSWER_FIELDS_MAX || !clean(value)) {
        a->broken = true;
        return;
    }
    a->fields[a->n_fields++] = (struct answer_field){ name, value };
}

void
answer_fieldf(struct exchange *x, const char *name, const char *fmt, ...)
{
    char value[2048];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(value))
        x->answer.broken = true;
    else
        answer_field(x, name, arena_text(x->arena, text_from(value, (size_t)n)));
}

void
answer_text(struct exchange *x, const char *content_type, struct text body)
{
    answer_field(x, "Content-Type", text_of(content_type));
    x->answer.body = body;
    x->answer.length = body.n;
}

void
answer_document(struct exchange *x, const json_t *document)
{
    size_t n = json_dumpb(document, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    char *p = n > 0 ? arena_take(x->arena, n) : NULL;

    if (p == NULL) {
        x->answer.broken = true;
        return;
    }
    (void)json_dumpb(document, p, n, JSON_COMPACT | JSON_ENCODE_ANY);
    answer_text(x, "application/json; charset=utf-8", text_from(p, n));
}

void
answer_file(struct exchange *x, int fd, uint64_t offset, uint64_t length)
{
    answer_done(&x->answer);
    x->answer.fd = fd;
    x->answer.offset = offset;
    x->answer.length = length;
}
