#include "gateway/outgoing.h"

#include <unistd.h>

#include "base/mem.h"

static void
close_file(struct outgoing *o)
{
    if (o->fd >= 0)
        (void)close(o->fd);
    o->fd = -1;
    o->left = 0;
}

static ssize_t
push_memory(struct outgoing *o, struct stream *s)
{
    ssize_t sent;
    size_t of_head;

    if (o->head.n > 0 && o->body.n > 0)
        sent = stream_write2(s, o->head.p, o->head.n, o->body.p, o->body.n);
    else if (o->head.n > 0)
        sent = stream_write(s, o->head.p, o->head.n, o->left > 0);
    else
        sent = stream_write(s, o->body.p, o->body.n, false);
    if (sent < 0)
        return sent;
    of_head = (size_t)sent < o->head.n ? (size_t)sent : o->head.n;
    o->head = text_after(o->head, of_head);
    o->body = text_after(o->body, (size_t)sent - of_head);
    return sent;
}

int
outgoing_push(struct outgoing *o, struct stream *s)
{
    while (o->head.n > 0 || o->body.n > 0 || o->left > 0) {
        bool memory = o->head.n > 0 || o->body.n > 0;
        ssize_t sent = memory ? push_memory(o, s)
                              : stream_send_file(s, o->fd, &o->offset, o->left, &o->scratch);

        if (sent == STREAM_AGAIN)
            return 0;
        if (sent <= 0) {
            s->broken = true; /* also a file that was cut short: the length was promised */
            return -1;
        }
        if (!memory)
            o->left -= (uint64_t)sent;
        o->sent += (uint64_t)sent;
    }
    close_file(o);
    return 1;
}

bool
outgoing_keep(struct outgoing *o)
{
    struct buf fresh = { .max = SIZE_MAX / 2 };

    buf_text(&fresh, o->head);
    buf_text(&fresh, o->body);
    if (buf_failed(&fresh)) {
        buf_done(&fresh);
        return false;
    }
    buf_done(&o->kept);
    o->kept = fresh;
    o->head = buf_view(&o->kept);
    o->body = (struct text){ NULL, 0 };
    return true;
}

void
outgoing_done(struct outgoing *o)
{
    close_file(o);
    buf_done(&o->kept);
    mem_free(o->scratch);
    *o = (struct outgoing){ .fd = -1 };
}
