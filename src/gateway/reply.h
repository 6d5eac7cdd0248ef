/*
 * reply.h - the head of an answer, printed (RFC 9112 section 4).
 *
 * Invariants:
 *   R1  Content-Length is printed here and nowhere else, once, and not at all with 204;
 *   R2  what is printed has no field that answer.h would not accept: such an answer is a 500.
 */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "exchange/answer.h"
#include "wire/http.h"

/* The date as printed, made once a second. */
struct reply_clock {
    int64_t second;
    char date[HTTP_DATE_LEN + 1];
};

/* reply_head(out, a, minor, keep, clock, now): replaces what is in ${out}; false: did not fit. */
bool reply_head(struct buf *out, const struct answer *a, int minor, bool keep,
                struct reply_clock *clock, int64_t now_us);

/* reply_refusal(out, status, message, clock, now): a whole answer that closes the connection. */
void reply_refusal(struct buf *out, int status, const char *message, struct reply_clock *clock,
                   int64_t now_us);

#endif /* GATEWAY_REPLY_H */
