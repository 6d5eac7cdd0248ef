#include "gateway/reply.h"

#include <inttypes.h>
#include <string.h>

static void
add_number(struct buf *out, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    buf_add(out, digits + at, sizeof(digits) - at);
}

static void
add_status(struct buf *out, int status)
{
    buf_add(out, "HTTP/1.1 ", 9);
    add_number(out, (uint64_t)status);
    buf_char(out, ' ');
    buf_str(out, http_reason(status));
    buf_add(out, "\r\nDate: ", 8);
}

static void
add_date(struct buf *out, struct reply_clock *clock, int64_t now_us)
{
    int64_t second = now_us / 1000000;

    if (clock->second != second) {
        http_date_print(second, clock->date);
        clock->second = second;
    }
    buf_add(out, clock->date, HTTP_DATE_LEN);
    buf_add(out, "\r\n", 2);
}

static bool
is_ours(const char *name)
{
    return (name[0] == 'C' || name[0] == 'c') && text_is_nocase(text_of(name), "content-length");
}

bool
reply_head(struct buf *out, const struct answer *a, int minor, bool keep, struct reply_clock *clock,
           int64_t now_us)
{
    buf_clear(out);
    out->failed = false;
    add_status(out, a->status);
    add_date(out, clock, now_us);
    for (size_t i = 0; i < a->n_fields; i++) {
        if (is_ours(a->fields[i].name))
            continue;
        buf_str(out, a->fields[i].name);
        buf_add(out, ": ", 2);
        buf_text(out, a->fields[i].value);
        buf_add(out, "\r\n", 2);
    }
    if (a->status != 204) {
        buf_add(out, "Content-Length: ", 16);
        add_number(out, a->length);
        buf_add(out, "\r\n", 2);
    }
    if (!keep)
        buf_add(out, "Connection: close\r\n", 19);
    else if (minor == 0)
        buf_add(out, "Connection: keep-alive\r\n", 24);
    buf_add(out, "\r\n", 2);
    return !buf_failed(out);
}

/* As a JSON string: our own messages may quote bytes of the request. */
static void
add_quoted(struct buf *out, const char *message)
{
    for (const char *p = message; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\')
            buf_char(out, '\\');
        buf_char(out, c < 0x20 || c >= 0x7f ? '?' : *p);
    }
}

void
reply_refusal(struct buf *out, int status, const char *message, struct reply_clock *clock,
              int64_t now_us)
{
    struct answer a = { .status = status, .n_fields = 1, .fd = -1 };
    OWN_BUF(body, 2048);

    buf_str(&body, "{\"errors\":[{\"code\":\"");
    buf_str(&body, status == 503 || status == 429 ? "TOOMANYREQUESTS" : "BAD_REQUEST");
    buf_str(&body, "\",\"message\":\"");
    add_quoted(&body, message);
    buf_printf(&body, "\",\"detail\":{\"status\":%d}}]}\n", status);
    a.fields[0] = (struct answer_field){ "Content-Type", TEXT("application/json") };
    a.length = body.n;
    (void)reply_head(out, &a, 1, false, clock, now_us);
    buf_text(out, buf_view(&body));
}
