/* http_value.c - what stands in single fields: lists, ranges, dates; and the reason phrases. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wire/http.h"
#include "wire/octet.h"

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

bool
http_list_has(struct text list, const char *token)
{
    struct text element;

    while (text_cut(&list, ',', &element))
        if (text_is_nocase(text_trim(element), token))
            return true;
    return false;
}

/* Digits; a number too large for us is as good as the largest. */
static bool
read_number(struct text t, uint64_t *out)
{
    if (t.n == 0 || !octet_all(t, OCTET_DIGIT))
        return false;
    if (!text_to_u64(t, UINT64_MAX, out))
        *out = UINT64_MAX;
    return true;
}

int
http_range_parse(struct text value, uint64_t size, uint64_t *first, uint64_t *last)
{
    struct text from;
    uint64_t a = 0, b = UINT64_MAX;

    if (!text_starts_nocase(value, "bytes="))
        return 0;
    value = text_trim(text_after(value, 6));
    if (!text_cut(&value, '-', &from) || value.p == NULL)
        return 0;
    if (from.n == 0) { /* "-N": the last N bytes */
        if (!read_number(value, &b))
            return 0;
        if (b == 0 || size == 0)
            return -1;
        *first = b < size ? size - b : 0;
        *last = size - 1;
        return 1;
    }
    if (!read_number(from, &a) || (value.n > 0 && !read_number(value, &b)) || a > b)
        return 0;
    if (a >= size)
        return -1;
    *first = a;
    *last = b < size ? b : size - 1;
    return 1;
}

bool
http_chunk_range_parse(struct text value, uint64_t *first, uint64_t *last)
{
    struct text range, from;
    uint64_t a, b, whole = UINT64_MAX;
    bool bytes = text_starts_nocase(value, "bytes ");

    if (bytes)
        value = text_after(value, 6);
    if (!text_cut(&value, '/', &range) || bytes != (value.p != NULL))
        return false;
    if (bytes && !text_is(value, "*") && !text_to_u64(value, UINT64_MAX, &whole))
        return false;
    if (!text_cut(&range, '-', &from) || range.p == NULL || !text_to_u64(from, INT64_MAX, &a) ||
        !text_to_u64(range, INT64_MAX, &b) || a > b || b >= whole)
        return false;
    *first = a;
    *last = b;
    return true;
}

void
http_date_print(int64_t seconds, char out[static HTTP_DATE_LEN + 1])
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t t = (time_t)(seconds < 0 ? 0 : seconds > LAST_SECOND ? LAST_SECOND : seconds);
    struct tm tm = { 0 };
    char text[80];

    (void)gmtime_r(&t, &tm);
    (void)snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7],
                   tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
    (void)text_copy(text_of(text), out, HTTP_DATE_LEN + 1);
}

const char *
http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 100, "Continue" },
        { 101, "Switching Protocols" },
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 421, "Misdirected Request" },
        { 422, "Unprocessable Content" },
        { 426, "Upgrade Required" },
        { 428, "Precondition Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" },
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}
