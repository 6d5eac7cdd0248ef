/*
 * http.h - HTTP/1.1 as bytes: request heads, chunked bodies, and a few field values.
 *
 * The grammar is RFC 9112 and RFC 9110 at their strictest: what two parsers could read in two ways
 * is refused, because that difference is how requests are smuggled past a proxy.
 *
 * Invariants:
 *   H1  every text of a parsed head points into the bytes that were given;
 *   H2  no byte of a head outside its grammar is accepted: no bare CR or LF, NUL, folded line or
 *       space before a colon; lines end in CR LF and nothing else;
 *   H3  a message has one length: Content-Length once and in digits only, or "chunked" alone, in
 *       HTTP/1.1;
 *   H4  HTTP/1.1 has exactly one Host, and host is never empty then;
 *   H5  a head is refused by the end of the line that spoils it - a control character at once - and
 *       as soon as it outgrows a limit; a good one is complete exactly at its last byte;
 *   H6  chunked framing yields exactly the payload bytes, and none behind the end of the body.
 * Threads: pure functions over the caller's objects.  Nothing allocates.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define HTTP_LINE_MAX      ((size_t)16 * 1024) /* request line */
#define HTTP_HEAD_MAX      ((size_t)64 * 1024)
#define HTTP_FIELDS_MAX    100
#define HTTP_EXTENSION_MAX 256  /* bytes of one chunk's extensions; they are dropped */
#define HTTP_TRAILERS_MAX  4096 /* bytes of all trailers; they are dropped */
#define HTTP_DATE_LEN      29   /* "Sun, 06 Nov 1994 08:49:37 GMT" */

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
};

struct http_field {
    struct text name;
    struct text value; /* without surrounding spaces and tabs */
};

struct http_head {
    enum http_method method;
    struct text
        target; /* "/path?query", or "*" of OPTIONS; an absolute target is reduced to this */
    int minor;  /* HTTP/1.minor: 0 or 1 */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t n_fields;
    struct text host; /* host[:port] of the absolute target, else of Host; empty only in HTTP/1.0 */
    bool has_length;
    uint64_t length; /* of the body; 0 without has_length */
    bool chunked;
    bool expect_continue;
    bool keep_alive; /* what the client asked for */
};

/*
 * http_head_parse(out, bytes, used, status, err): the request head at the start of ${bytes}.
 * Return 1 when it is complete (${used} = its bytes), 0 when more bytes are needed, -1 when it is
 * refused: ${status} is 400, 413, 414, 417, 431, 501 or 505, to be sent before closing.
 * One empty line before the request line is skipped (RFC 9112, 2.2).
 */
MUST_CHECK int http_head_parse(struct http_head *out, struct text bytes, size_t *used, int *status,
                               struct err *err);

/* http_field(head, name): the first such field's value; p is NULL when there is none. */
struct text http_field(const struct http_head *head, const char *name);

const char *http_method_name(enum http_method method);
bool http_method_parse(struct text t, enum http_method *out); /* upper case only */
const char *http_reason(int status);                          /* "Not Found"; "" when unknown */

/* http_list_has(list, token): is ${token} one of the comma-separated elements, in any case? */
bool http_list_has(struct text list, const char *token);

/* A body in Transfer-Encoding: chunked, as it arrives.  The members are private. */
struct http_chunked {
    int state;
    int digits;
    uint64_t left;  /* payload bytes of this chunk to come */
    size_t dropped; /* bytes of extensions or trailers seen */
};

void http_chunked_start(struct http_chunked *c);

/*
 * http_chunked_feed(c, in, used, data_out, err): take framing and at most one run of payload from
 * ${in}.  ${used} counts all bytes taken; ${data_out} is the run, inside ${in}, or empty.
 * Return 1 when the body is finished, trailers included; 0 to go on (call again with the rest of
 * ${in} while there is any, then with more); -1 refused.  After 1 or -1, do not call again.
 */
MUST_CHECK int http_chunked_feed(struct http_chunked *c, struct text in, size_t *used,
                                 struct text *data_out, struct err *err);

/*
 * http_range_parse(value, size, first, last): the Range field's ${value} over ${size} bytes
 * (RFC 9110, 14.2).  Return 1 for one satisfiable byte range (${last} is inclusive), 0 to ignore
 * the field (absent, other unit, several ranges, malformed), -1 when it is unsatisfiable (416).
 */
int http_range_parse(struct text value, uint64_t size, uint64_t *first, uint64_t *last);

/*
 * http_chunk_range_parse(value, first, last): Content-Range of an upload: "0-9" as OCI has it, or
 * "bytes 0-9/SIZE" with "*" or digits for SIZE.  ${first} <= ${last} < 2^63.
 */
bool http_chunk_range_parse(struct text value, uint64_t *first, uint64_t *last);

/* http_date_print(seconds, out): IMF-fixdate and a NUL; years 1970 to 9999, others are clamped. */
void http_date_print(int64_t seconds, char out[static HTTP_DATE_LEN + 1]);

#endif /* WIRE_HTTP_H */
