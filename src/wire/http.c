#include "wire/http.h"

#include <string.h>

#include "wire/octet.h"

#define HOST_MAX 255

/* One parse: where we are, and where the verdict goes. */
struct reading {
    const char *at;
    const char *end;
    struct http_head *head;
    int *status;
    struct err *err;
    size_t hosts;
    size_t encodings; /* Transfer-Encoding fields */
    bool absolute;    /* the target named the host */
    bool closes;
    bool keeps;
};

/* The refusal of a head: always -1. */
#define REFUSE(r, code, ...)                                                                       \
    (*(r)->status = (code),                                                                        \
     err_set((r)->err,                                                                             \
             (code) == 413 || (code) == 414 || (code) == 431 ? ERR_TOO_LARGE                       \
             : (code) == 501 || (code) == 505                ? ERR_UNSUPPORTED                     \
                                                             : ERR_INVALID,                                       \
             __VA_ARGS__))

/*
 * Eight bytes at a time: is any of them below 0x20 or 0x7f?  Tab is, too: then the caller looks
 * closer.  (The well-known "haszero" trick, exact for the bytes it reports as clean.)
 */
static bool
eight_may_be_controls(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x, del;

    memcpy(&x, p, sizeof(x));
    del = x ^ (ones * 0x7f);
    return (((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & (ones * 0x80);
}

/* Do all bytes belong into a field value?  Controls are the only ones that do not, tab excepted. */
static bool
is_value(const char *p, const char *end)
{
    while (end - p >= 8) {
        if (eight_may_be_controls(p) && !octet_all(text_from(p, 8), OCTET_VALUE))
            return false;
        p += 8;
    }
    return octet_all(text_from(p, (size_t)(end - p)), OCTET_VALUE);
}

/*
 * The next line without its CR LF.  1: ${line} is it; 0: not complete yet; -1: refused, because a
 * byte in it can be part of no head (H2, H5).
 */
static int
next_line(struct reading *r, struct text *line)
{
    size_t left = (size_t)(r->end - r->at);
    const char *lf = left > 0 ? memchr(r->at, '\n', left) : NULL;
    const char *stop = lf != NULL ? lf : r->end;

    if (lf != NULL && (lf == r->at || lf[-1] != '\r'))
        return REFUSE(r, 400, "a line of the request head ends in LF without CR");
    if (stop > r->at && stop[-1] == '\r')
        stop--;
    if (!is_value(r->at, stop))
        return REFUSE(r, 400, "a control character in the request head");
    if (lf == NULL)
        return 0;
    *line = text_from(r->at, (size_t)(stop - r->at));
    r->at = lf + 1;
    return 1;
}

static const char *const method_names[] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS",
};

const char *
http_method_name(enum http_method method)
{
    return method_names[method];
}

bool
http_method_parse(struct text t, enum http_method *out)
{
    for (size_t i = 0; i < sizeof(method_names) / sizeof(method_names[0]); i++)
        if (text_is(t, method_names[i])) {
            *out = (enum http_method)i;
            return true;
        }
    return false;
}

/* host or host:port; the host a name, an IPv4 address or a bracketed IPv6 one. */
static bool
is_authority(struct text t)
{
    ptrdiff_t colon;

    if (t.n == 0 || t.n > HOST_MAX)
        return false;
    if (t.p[0] == '[') {
        ptrdiff_t close = text_find(t, ']');

        if (close < 3)
            return false;
        for (ptrdiff_t i = 1; i < close; i++)
            if (!octet_is(t.p[i], OCTET_HEX) && t.p[i] != ':' && t.p[i] != '.')
                return false;
        t = text_after(t, (size_t)close + 1);
        if (t.n == 0)
            return true;
        colon = t.p[0] == ':' ? 0 : -2;
    } else {
        colon = text_find(t, ':');
        if (colon == 0 ||
            !octet_all(text_first(t, colon < 0 ? t.n : (size_t)colon), OCTET_UNRESERVED))
            return false;
    }
    if (colon == -2 || colon == -1)
        return colon == -1;
    t = text_after(t, (size_t)colon + 1);
    return t.n > 0 && t.n <= 5 && octet_all(t, OCTET_DIGIT);
}

/* "http://host:port/path": the host counts, not the Host field (RFC 9112, 3.2.2). */
static int
read_absolute(struct reading *r, struct text target)
{
    size_t scheme = text_starts_nocase(target, "http://")    ? 7
                    : text_starts_nocase(target, "https://") ? 8
                                                             : 0;
    struct text rest = text_after(target, scheme);
    ptrdiff_t slash = text_find(rest, '/');

    r->head->host = text_first(rest, slash < 0 ? rest.n : (size_t)slash);
    if (scheme == 0 || !is_authority(r->head->host))
        return REFUSE(r, 400, "the request target is neither a path nor a http or https URL");
    r->absolute = true;
    /* No path means "/"; one stands right before the host. */
    r->head->target = slash < 0 ? text_from(rest.p - 1, 1) : text_after(rest, (size_t)slash);
    return 1;
}

static int
read_target(struct reading *r, struct text target)
{
    if (target.n == 0 || !octet_all(target, OCTET_VISIBLE) || text_find(target, '#') >= 0)
        return REFUSE(r, 400, "the request target has a character that must be percent-encoded");
    r->head->target = target;
    if (target.p[0] == '/')
        return 1;
    if (r->head->method == HTTP_OPTIONS && text_is(target, "*"))
        return 1;
    return read_absolute(r, target);
}

static int
read_version(struct reading *r, struct text version)
{
    if (text_is(version, "HTTP/1.1"))
        r->head->minor = 1;
    else if (text_is(version, "HTTP/1.0"))
        r->head->minor = 0;
    else if (version.n == 8 && text_starts(version, "HTTP/") &&
             octet_is(version.p[5], OCTET_DIGIT) && version.p[6] == '.' &&
             octet_is(version.p[7], OCTET_DIGIT))
        return REFUSE(r, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    else
        return REFUSE(r, 400, "the request line is not METHOD TARGET HTTP/1.1");
    return 1;
}

/* METHOD SP TARGET SP VERSION, with single spaces. */
static int
read_request_line(struct reading *r)
{
    struct text line, method, target;
    const char *start = r->at;
    int got = next_line(r, &line);

    if (got < 0)
        return got;
    if ((size_t)((got == 0 ? r->end : r->at) - start) > HTTP_LINE_MAX)
        return REFUSE(r, 414, "the request line is longer than %zu bytes", HTTP_LINE_MAX);
    if (got == 0)
        return 0;
    if (!text_cut(&line, ' ', &method) || !text_cut(&line, ' ', &target) || line.p == NULL ||
        method.n == 0 || !octet_all(method, OCTET_TOKEN))
        return REFUSE(r, 400, "the request line is not METHOD TARGET HTTP/1.1");
    if (read_version(r, line) < 0)
        return -1;
    if (!http_method_parse(method, &r->head->method))
        return REFUSE(r, 501, "the method %.*s is not known here",
                      (int)(method.n < 32 ? method.n : 32), method.p);
    return read_target(r, target);
}

static int
read_length(struct reading *r, struct text value)
{
    if (r->head->has_length)
        return REFUSE(r, 400, "more than one Content-Length");
    if (value.n == 0 || !octet_all(value, OCTET_DIGIT))
        return REFUSE(r, 400, "Content-Length is not a number");
    if (!text_to_u64(value, INT64_MAX, &r->head->length))
        return REFUSE(r, 413, "Content-Length is out of all bounds");
    r->head->has_length = true;
    return 1;
}

static int
read_encoding(struct reading *r, struct text value)
{
    if (++r->encodings > 1)
        return REFUSE(r, 400, "more than one Transfer-Encoding");
    if (!text_is_nocase(value, "chunked"))
        return REFUSE(r, 501, "the only Transfer-Encoding known here is \"chunked\"");
    r->head->chunked = true;
    return 1;
}

static int
read_host(struct reading *r, struct text value)
{
    if (++r->hosts > 1)
        return REFUSE(r, 400, "more than one Host");
    if (!is_authority(value))
        return REFUSE(r, 400, "Host is not a host name with an optional port");
    if (!r->absolute)
        r->head->host = value;
    return 1;
}

/* The fields that decide where a message ends and where it goes. */
static int
note_field(struct reading *r, struct text name, struct text value)
{
    switch (name.n) {
    case 4: return text_is_nocase(name, "host") ? read_host(r, value) : 1;
    case 6:
        if (!text_is_nocase(name, "expect"))
            return 1;
        if (!text_is_nocase(value, "100-continue"))
            return REFUSE(r, 417, "the only expectation met here is \"100-continue\"");
        r->head->expect_continue = true;
        return 1;
    case 10:
        if (text_is_nocase(name, "connection")) {
            r->closes = r->closes || http_list_has(value, "close");
            r->keeps = r->keeps || http_list_has(value, "keep-alive");
        }
        return 1;
    case 14: return text_is_nocase(name, "content-length") ? read_length(r, value) : 1;
    case 17: return text_is_nocase(name, "transfer-encoding") ? read_encoding(r, value) : 1;
    default: return 1;
    }
}

static int
read_field(struct reading *r, struct text line)
{
    struct http_head *head = r->head;
    size_t colon = 0;
    struct text name, value;

    while (colon < line.n && octet_is(line.p[colon], OCTET_TOKEN))
        colon++;
    if (colon == 0 || colon == line.n || line.p[colon] != ':')
        return REFUSE(r, 400, "a header line is not NAME: VALUE (folded lines are not accepted)");
    if (head->n_fields == HTTP_FIELDS_MAX)
        return REFUSE(r, 431, "more than %d header fields", HTTP_FIELDS_MAX);
    name = text_first(line, colon);
    value = text_trim(text_after(line, colon + 1));
    head->fields[head->n_fields++] = (struct http_field){ name, value };
    return note_field(r, name, value);
}

/* What only the whole head can tell. */
static int
finish(struct reading *r)
{
    struct http_head *head = r->head;

    if (head->minor == 1 && r->hosts == 0)
        return REFUSE(r, 400, "Host is missing");
    if (head->chunked && head->has_length)
        return REFUSE(r, 400, "both Content-Length and Transfer-Encoding");
    if (head->chunked && head->minor == 0)
        return REFUSE(r, 400, "Transfer-Encoding in HTTP/1.0");
    if (head->minor == 0)
        head->expect_continue = false; /* RFC 9110, 10.1.1 */
    head->keep_alive = !r->closes && (head->minor == 1 || r->keeps);
    return 1;
}

static int
read_head(struct reading *r)
{
    int got = read_request_line(r);

    while (got == 1) {
        struct text line;

        if ((got = next_line(r, &line)) != 1)
            return got;
        if (line.n == 0)
            return finish(r);
        got = read_field(r, line);
    }
    return got;
}

int
http_head_parse(struct http_head *out, struct text bytes, size_t *used, int *status,
                struct err *err)
{
    struct text given = text_first(bytes, HTTP_HEAD_MAX);
    struct reading r = {
        .at = given.p, .end = given.p + given.n, .head = out, .status = status, .err = err
    };
    int got;

    if (given.n == 0)
        return 0;
    /* The fields' array is large: only what counts them is cleared. */
    out->n_fields = 0;
    out->host = (struct text){ NULL, 0 };
    out->has_length = out->chunked = out->expect_continue = out->keep_alive = false;
    out->length = 0;
    if (text_starts(given, "\r\n"))
        r.at += 2;
    got = read_head(&r);
    if (got == 1)
        *used = (size_t)(r.at - given.p);
    if (got == 0 && given.n == HTTP_HEAD_MAX)
        return REFUSE(&r, 431, "the request head is longer than %zu bytes", HTTP_HEAD_MAX);
    return got;
}

struct text
http_field(const struct http_head *head, const char *name)
{
    struct text wanted = text_of(name);

    for (size_t i = 0; i < head->n_fields; i++)
        if (text_equal_nocase(head->fields[i].name, wanted))
            return head->fields[i].value.p != NULL ? head->fields[i].value : TEXT("");
    return (struct text){ NULL, 0 };
}
