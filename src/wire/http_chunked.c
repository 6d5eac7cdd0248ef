/* http_chunked.c - the framing of RFC 9112, 7.1, one byte at a time except for payload. */
#include <string.h>

#include "wire/http.h"
#include "wire/octet.h"

#define SIZE_DIGITS_MAX 16 /* leading zeros count: no size is written in more */

enum state {
    SIZE,      /* hex digits of a chunk's size */
    EXTENSION, /* behind ";", up to CR */
    SIZE_LF,   /* CR seen */
    DATA,      /* payload */
    DATA_CR,   /* payload complete */
    DATA_LF,
    LINE,  /* first byte of a trailer, or CR of the last line */
    NAME,  /* in a trailer's name */
    VALUE, /* behind its colon */
    VALUE_LF,
    LAST_LF,
    DONE,
};

void
http_chunked_start(struct http_chunked *c)
{
    *c = (struct http_chunked){ .state = SIZE };
}

static int
size_byte(struct http_chunked *c, char byte, struct err *err)
{
    int digit = octet_hex(byte);

    if (digit >= 0) {
        if (c->digits == SIZE_DIGITS_MAX || c->left > (uint64_t)INT64_MAX >> 4)
            return err_set(err, ERR_TOO_LARGE, "a chunk size is out of all bounds");
        c->left = c->left << 4 | (uint64_t)digit;
        c->digits++;
        return 0;
    }
    if (c->digits == 0 || (byte != '\r' && byte != ';'))
        return err_set(err, ERR_INVALID, "a chunk size is not a plain hexadecimal number");
    c->state = byte == ';' ? EXTENSION : SIZE_LF;
    c->dropped = 0;
    return 0;
}

/* A byte of an extension or trailer that is thrown away, but counted and checked. */
static int
drop_byte(struct http_chunked *c, char byte, size_t max, int classes, struct err *err)
{
    if (!octet_is(byte, classes))
        return err_set(err, ERR_INVALID, "a bad character in chunk extensions or trailers");
    if (++c->dropped > max)
        return err_set(err, ERR_TOO_LARGE, "more than %zu bytes of chunk extensions or trailers",
                       max);
    return 0;
}

static int
trailer_byte(struct http_chunked *c, char byte, struct err *err)
{
    if (c->state == LINE && byte == '\r') {
        c->state = LAST_LF;
        return 0;
    }
    if (c->state == VALUE && byte == '\r') {
        c->state = VALUE_LF;
        return 0;
    }
    if (c->state == NAME && byte == ':') {
        c->state = VALUE;
        return 0;
    }
    if (c->state == LINE)
        c->state = NAME;
    return drop_byte(c, byte, HTTP_TRAILERS_MAX, c->state == NAME ? OCTET_TOKEN : OCTET_VALUE, err);
}

static int
expect(struct http_chunked *c, char byte, char wanted, enum state next, struct err *err)
{
    if (byte != wanted)
        return err_set(err, ERR_INVALID, "a line of the chunked framing does not end in CR LF");
    c->state = (int)next;
    return 0;
}

/* The line with the size is over: payload, or the trailers behind the chunk of size 0. */
static int
size_done(struct http_chunked *c, char byte, struct err *err)
{
    enum state next = c->left > 0 ? DATA : LINE;

    c->digits = 0;
    c->dropped = 0;
    return expect(c, byte, '\n', next, err);
}

static int
framing_byte(struct http_chunked *c, char byte, struct err *err)
{
    switch ((enum state)c->state) {
    case SIZE: return size_byte(c, byte, err);
    case EXTENSION:
        if (byte == '\r') {
            c->state = SIZE_LF;
            return 0;
        }
        return drop_byte(c, byte, HTTP_EXTENSION_MAX, OCTET_VALUE, err);
    case SIZE_LF: return size_done(c, byte, err);
    case DATA_CR: return expect(c, byte, '\r', DATA_LF, err);
    case DATA_LF: return expect(c, byte, '\n', SIZE, err);
    case LINE:
    case NAME:
    case VALUE: return trailer_byte(c, byte, err);
    case VALUE_LF: return expect(c, byte, '\n', LINE, err);
    case LAST_LF: return expect(c, byte, '\n', DONE, err);
    case DATA:
    case DONE: break;
    }
    return err_set(err, ERR_INVALID, "bytes behind the end of a chunked body");
}

int
http_chunked_feed(struct http_chunked *c, struct text in, size_t *used, struct text *data_out,
                  struct err *err)
{
    size_t at = 0;

    *data_out = (struct text){ NULL, 0 };
    *used = 0;
    while (at < in.n && c->state != DATA) {
        if (framing_byte(c, in.p[at], err) != 0)
            return -1;
        *used = ++at;
        if (c->state == DONE)
            return 1;
    }
    if (at < in.n) {
        *data_out = text_first(text_after(in, at), c->left < SIZE_MAX ? (size_t)c->left : SIZE_MAX);
        c->left -= data_out->n;
        *used = at + data_out->n;
        if (c->left == 0)
            c->state = DATA_CR;
    }
    return 0;
}
