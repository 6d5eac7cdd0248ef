/*
 * outgoing.h - the bytes of one answer on their way: a head, then a body in memory or in a file.
 *
 * Invariants:
 *   O1  bytes leave in order and once; after 1 from outgoing_push() exactly all of them have left;
 *   O2  the file is closed when the answer has left or is given up.
 */
#ifndef GATEWAY_OUTGOING_H
#define GATEWAY_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"
#include "gateway/stream.h"

struct outgoing {
    struct text head; /* borrowed, or of kept */
    struct text body; /* borrowed until outgoing_keep() */
    struct buf kept;
    int fd; /* -1: none */
    uint64_t offset;
    uint64_t left;
    uint64_t sent; /* in all */
    void *scratch; /* of stream_send_file() */
};

/* outgoing_push(o, s): send what can be sent.  1: all has left; 0: wait; -1: the stream broke. */
int outgoing_push(struct outgoing *o, struct stream *s);

/* outgoing_keep(o): copy what is borrowed, for a later push.  False: out of memory. */
bool outgoing_keep(struct outgoing *o);
void outgoing_done(struct outgoing *o); /* empty and closed; fd -1 */

#endif /* GATEWAY_OUTGOING_H */
