/*
 * answer.h - what will be sent back; described by a handler, sent by the gateway.
 *
 * Invariants:
 *   N1  field names and values never carry CR, LF or NUL: such an answer becomes a 500;
 *   N2  a descriptor handed over is closed whether or not it is sent.
 */
#ifndef EXCHANGE_ANSWER_H
#define EXCHANGE_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct exchange;

#define ANSWER_FIELDS_MAX 24

struct answer_field {
    const char *name; /* static */
    struct text value;
};

struct answer {
    int status; /* 0: nothing described yet */
    struct answer_field fields[ANSWER_FIELDS_MAX];
    size_t n_fields;
    bool broken;      /* a field did not fit or was not clean (N1) */
    struct text body; /* in the arena, or static */
    int fd;           /* -1, or a file of which length bytes from offset are the body */
    uint64_t offset;
    uint64_t length; /* of the body in either form; for HEAD the length GET would have */
    bool close;      /* close the connection after it */
};

/* answer_status(x, status): begin; forgets what an earlier attempt described. */
void answer_status(struct exchange *x, int status);
void answer_field(struct exchange *x, const char *name, struct text value);
void answer_fieldf(struct exchange *x, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* answer_text(x, type, body): ${body} must live as long as the exchange. */
void answer_text(struct exchange *x, const char *content_type, struct text body);

/* answer_document(x, document): JSON; ${document} is printed at once and stays the caller's. */
void answer_document(struct exchange *x, const json_t *document);

/* answer_file(x, fd, offset, length): ${fd} is taken over (N2). */
void answer_file(struct exchange *x, int fd, uint64_t offset, uint64_t length);
void answer_done(struct answer *a); /* closes what is open */

#endif /* EXCHANGE_ANSWER_H */
