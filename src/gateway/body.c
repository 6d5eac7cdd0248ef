#include "gateway/body.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"

#define CHUNKED_STEP ((size_t)256 * 1024) /* so much at most can come behind the body at once */

int64_t
body_patience_us(const struct gateway_limits *limits, uint64_t bytes, int64_t waited_us)
{
    int64_t stall = (int64_t)limits->stall_ms * 1000;
    int64_t earned = (int64_t)limits->rate_grace_ms * 1000 +
                     (int64_t)(bytes * 1000 / limits->min_rate) * 1000 - waited_us;

    return earned < stall ? earned : stall;
}

void
body_start(struct body *b, struct connection *c, const struct http_head *head, struct text at_hand)
{
    *b = (struct body){
        .c = c,
        .at_hand = at_hand,
        .chunked = head->chunked,
        .left = head->length,
        .ended = !head->chunked && head->length == 0,
        .expects = head->expect_continue,
    };
    b->rest.max = CHUNKED_STEP;
    if (b->chunked)
        http_chunked_start(&b->framing);
}

void
body_done(struct body *b)
{
    buf_done(&b->rest);
}

static int
wait_for_peer(struct body *b, struct err *err)
{
    const struct gateway_limits *limits = &b->c->home->gateway->limits;
    int64_t before = clock_mono_us();
    int rc = stream_wait(&b->c->stream, body_patience_us(limits, b->got, b->waited_us));

    b->waited_us += clock_mono_us() - before;
    if (rc > 0)
        return 0;
    if (rc < 0)
        return err_set(err, ERR_CLOSED, "the connection broke while the body was read");
    engine_count(&b->c->home->counters.timeouts, 1);
    return err_set(err, ERR_TIMEOUT, "the body does not arrive fast enough");
}

static int
say_continue(struct body *b, struct err *err)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct text left = { line, sizeof(line) - 1 };

    b->expects = false;
    while (left.n > 0) {
        ssize_t n = stream_write(&b->c->stream, left.p, left.n, false);

        if (n == -1)
            return err_set(err, ERR_CLOSED, "the connection broke before the body was read");
        if (n == STREAM_AGAIN && wait_for_peer(b, err) != 0)
            return -1;
        if (n > 0)
            left = text_after(left, (size_t)n);
    }
    return 0;
}

/* Raw bytes, at hand or from the peer: at least one. */
static ssize_t
raw_read(struct body *b, void *p, size_t max, struct err *err)
{
    ssize_t n;

    if (b->at_hand.n > 0) {
        struct text some = text_first(b->at_hand, max);

        memcpy(p, some.p, some.n);
        b->at_hand = text_after(b->at_hand, some.n);
        b->got += some.n;
        return (ssize_t)some.n;
    }
    if (b->expects && say_continue(b, err) != 0)
        return -1;
    while ((n = stream_read(&b->c->stream, p, max)) == STREAM_AGAIN)
        if (wait_for_peer(b, err) != 0)
            return -1;
    if (n <= 0)
        return err_set(err, ERR_CLOSED, "the body ended before its length");
    b->got += (uint64_t)n;
    engine_count(&b->c->home->counters.bytes_in, (uint64_t)n);
    return n;
}

static ssize_t
read_known(struct body *b, void *p, size_t max, struct err *err)
{
    ssize_t n = raw_read(b, p, max < b->left ? max : (size_t)b->left, err);

    if (n > 0) {
        b->left -= (uint64_t)n;
        b->ended = b->left == 0;
    }
    return n;
}

/*
 * The last ${n} bytes that were read are the next request's.  Bytes at hand go back to those that
 * follow them; only what came from the peer is behind everything else.
 */
static int
put_back(struct body *b, const char *p, size_t n, bool was_at_hand, struct err *err)
{
    if (was_at_hand) {
        b->at_hand = text_from(b->at_hand.p - n, b->at_hand.n + n);
        return 0;
    }
    buf_add(&b->rest, p, n);
    return buf_check(&b->rest, err);
}

/* Take the framing out of ${n} raw bytes at ${p}, in place.  The payload's length, or -1. */
static ssize_t
unframe(struct body *b, char *p, size_t n, bool was_at_hand, struct err *err)
{
    size_t at = 0, kept = 0;

    while (at < n) {
        struct text run = { NULL, 0 };
        size_t used = 0;
        int rc = http_chunked_feed(&b->framing, text_from(p + at, n - at), &used, &run, err);

        if (rc < 0)
            return -1;
        if (run.n > 0)
            memmove(p + kept, run.p, run.n);
        kept += run.n;
        at += used;
        if (rc > 0) {
            b->ended = true;
            return put_back(b, p + at, n - at, was_at_hand, err) == 0 ? (ssize_t)kept : -1;
        }
    }
    return (ssize_t)kept;
}

static ssize_t
read_chunked(struct body *b, void *p, size_t max, struct err *err)
{
    ssize_t n = 0;

    while (n == 0 && !b->ended) {
        bool at_hand = b->at_hand.n > 0;

        n = raw_read(b, p, max < CHUNKED_STEP ? max : CHUNKED_STEP, err);
        if (n > 0)
            n = unframe(b, p, (size_t)n, at_hand, err);
    }
    return n;
}

ssize_t
body_take(void *body, void *p, size_t max, struct err *err)
{
    struct body *b = body;
    ssize_t n;

    if (b->failed)
        return err_set(err, ERR_CLOSED, "the body could not be read");
    if (b->ended || max == 0)
        return 0;
    n = b->chunked ? read_chunked(b, p, max, err) : read_known(b, p, max, err);
    b->failed = n < 0;
    return n;
}

bool
body_skip(struct body *b)
{
    if (b->failed)
        return false;
    if (!b->ended && !b->chunked && b->left <= b->at_hand.n) {
        b->at_hand = text_after(b->at_hand, (size_t)b->left);
        b->left = 0;
        b->ended = true;
    }
    return b->ended;
}
