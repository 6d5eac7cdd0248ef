/* However a chunked body is cut into pieces, it yields the same payload and ends at the same byte.
 */
#include "../property.h"
#include "base/buf.h"
#include "wire/http.h"

static int
feed(struct text in, size_t step, struct buf *payload, size_t *taken)
{
    struct http_chunked c;
    struct err err = { 0 };
    int got = 0;

    http_chunked_start(&c);
    *taken = 0;
    while (got == 0 && *taken < in.n) {
        struct text piece = text_first(text_after(in, *taken), step);
        struct text run;
        size_t used;

        got = http_chunked_feed(&c, piece, &used, &run, &err);
        PROPERTY(used <= piece.n && (got < 0 || used > 0));
        PROPERTY(run.n == 0 || (run.p >= piece.p && run.p + run.n <= piece.p + piece.n));
        PROPERTY((got < 0) == (err.kind != ERR_OK));
        if (got >= 0)
            buf_text(payload, run);
        *taken += used;
    }
    return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN_BUF(whole, SIZE_MAX / 2);
    OWN_BUF(pieces, SIZE_MAX / 2);
    struct text in = n > 0 ? text_from(data + 1, n - 1) : text_from(data, 0);
    size_t step = n > 0 ? (size_t)data[0] % 16 + 1 : 1;
    size_t taken, taken_again;
    int got = feed(in, in.n, &whole, &taken);

    PROPERTY(feed(in, step, &pieces, &taken_again) == got);
    PROPERTY(text_equal(buf_view(&whole), buf_view(&pieces)));
    PROPERTY(got < 0 || taken == taken_again);
    PROPERTY(whole.n <= in.n);
    return 0;
}
