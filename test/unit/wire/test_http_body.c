/* Invariant H6 of wire/http.h, and the values of single fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/http.h"

/* Feed ${in} in pieces of ${step} bytes; what http_chunked_feed() said last, and what it yielded.
 */
static int
feed(struct text in, size_t step, struct buf *payload, size_t *taken)
{
    struct http_chunked c;
    struct err err = { 0 };
    int got = 0;

    http_chunked_start(&c);
    buf_clear(payload);
    *taken = 0;
    while (got == 0 && *taken < in.n) {
        struct text run;
        size_t used = 0;

        got = http_chunked_feed(&c, text_first(text_after(in, *taken), step), &used, &run, &err);
        assert_int_equal(got < 0, err.kind != ERR_OK);
        assert_true(got < 0 || used > 0);
        buf_text(payload, run);
        *taken += used;
    }
    return got;
}

static void
h6_yields_exactly_the_payload(void **state)
{
    struct text in =
        TEXT("5\r\nhello\r\n00a;ext=\"1\";b\r\n, chunked \r\n0;x\r\nA: b\r\nC:\r\n\r\nGET ");
    OWN_BUF(payload, 1000);
    size_t taken;

    (void)state;
    for (size_t step = 1; step <= in.n; step++) {
        assert_int_equal(feed(in, step, &payload, &taken), 1);
        assert_string_equal(payload.p, "hello, chunked ");
        assert_int_equal(taken, in.n - 4);
    }
    for (size_t n = 1; n < in.n - 4; n++)
        assert_int_equal(feed(text_first(in, n), 3, &payload, &taken), 0);
}

static void
h6_refuses_what_is_not_framing(void **state)
{
    const struct {
        const char *name;
        struct text bytes;
    } cases[] = {
        { "chunk size overflow", TEXT("10000000000000005\r\nhello") },
        { "chunk size 2^63", TEXT("8000000000000000\r\nhello") },
        { "chunk size 0x5", TEXT("0x5\r\nhello\r\n0\r\n\r\n") },
        { "bare LF in chunk framing", TEXT("5\nhello\n0\n\n") },
        { "bare LF behind payload", TEXT("5\r\nhello\n0\r\n\r\n") },
        { "bare LF behind an extension", TEXT("5;a\nhello\r\n0\r\n\r\n") },
        { "bare CR", TEXT("5\rhello") },
        { "no size", TEXT("\r\nhello") },
        { "only an extension", TEXT(";a\r\n") },
        { "sign", TEXT("+5\r\nhello") },
        { "space before the size", TEXT(" 5\r\nhello") },
        { "space behind the size", TEXT("5 \r\nhello") },
        { "payload too long", TEXT("5\r\nhello!\r\n") },
        { "payload too short", TEXT("5\r\nhell\r\n0\r\n\r\n") },
        { "NUL in extension", TEXT("5;a\0b\r\n") },
        { "folded trailer", TEXT("0\r\n a: b\r\n\r\n") },
        { "trailer without colon", TEXT("0\r\nab\r\n\r\n") },
        { "space before the trailer's colon", TEXT("0\r\na : b\r\n\r\n") },
        { "bare LF in trailers", TEXT("0\r\na: b\n\r\n") },
    };
    OWN_BUF(payload, 1000);
    size_t taken;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (feed(cases[i].bytes, 1, &payload, &taken) != -1 ||
            feed(cases[i].bytes, 100, &payload, &taken) != -1)
            fail_msg("accepted: %s", cases[i].name);
}

static void
h6_limits_of_extensions_and_trailers(void **state)
{
    OWN_BUF(in, 100000);
    OWN_BUF(payload, 1000);
    size_t taken;

    (void)state;
    for (int over = 0; over < 2; over++) {
        buf_clear(&in);
        buf_str(&in, "1;");
        for (int i = 0; i < HTTP_EXTENSION_MAX + over; i++)
            buf_char(&in, 'e');
        buf_str(&in, "\r\nx\r\n0\r\n\r\n");
        assert_int_equal(feed(buf_view(&in), 1000, &payload, &taken), over ? -1 : 1);
        buf_clear(&in);
        buf_str(&in, "0\r\nt:");
        for (int i = 0; i < HTTP_TRAILERS_MAX - 1 + over; i++)
            buf_char(&in, 'v');
        buf_str(&in, "\r\n\r\n");
        assert_int_equal(feed(buf_view(&in), 1000, &payload, &taken), over ? -1 : 1);
    }
}

static void
ranges_of_ten_bytes(void **state)
{
    static const struct {
        const char *value;
        int got;
        uint64_t first, last;
    } cases[] = {
        { "bytes=0-9", 1, 0, 9 },
        { "bytes=0-0", 1, 0, 0 },
        { "bytes=5-", 1, 5, 9 },
        { "Bytes=-3", 1, 7, 9 },
        { "bytes=-99", 1, 0, 9 },
        { "bytes=9-99999999999999999999999", 1, 9, 9 },
        { "bytes=10-", -1, 0, 0 },
        { "bytes=99999999999999999999999-", -1, 0, 0 },
        { "bytes=-0", -1, 0, 0 },
        { "bytes=5-4", 0, 0, 0 },
        { "bytes=0-1,3-4", 0, 0, 0 },
        { "bytes=-", 0, 0, 0 },
        { "bytes=", 0, 0, 0 },
        { "bytes=a-b", 0, 0, 0 },
        { "bytes=1-2-3", 0, 0, 0 },
        { "bytes=+1-2", 0, 0, 0 },
        { "lines=0-1", 0, 0, 0 },
        { "0-1", 0, 0, 0 },
        { "", 0, 0, 0 },
    };
    uint64_t first, last;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        first = last = 0;
        if (http_range_parse(text_of(cases[i].value), 10, &first, &last) != cases[i].got ||
            first != cases[i].first || last != cases[i].last)
            fail_msg("%s", cases[i].value);
    }
    assert_int_equal(http_range_parse((struct text){ NULL, 0 }, 10, &first, &last), 0);
    assert_int_equal(http_range_parse(TEXT("bytes=0-"), 0, &first, &last), -1);
    assert_int_equal(http_range_parse(TEXT("bytes=-1"), 0, &first, &last), -1);
}

static void
content_ranges_of_uploads(void **state)
{
    static const char *const bad[] = { "",
                                       "0",
                                       "0-",
                                       "-9",
                                       "9-0",
                                       "0-9/10",
                                       "bytes 0-9",
                                       "bytes=0-9",
                                       "bytes 0-9/",
                                       "bytes */10",
                                       "0-9-10",
                                       "bytes 0-9/9",
                                       "0-9223372036854775808",
                                       " 0-9",
                                       "bytes 0-9/10/11" };
    uint64_t first = 7, last = 7;

    (void)state;
    assert_true(http_chunk_range_parse(TEXT("0-9"), &first, &last));
    assert_true(first == 0 && last == 9);
    assert_true(http_chunk_range_parse(TEXT("bytes 10-10/*"), &first, &last));
    assert_true(first == 10 && last == 10);
    assert_true(http_chunk_range_parse(TEXT("bytes 1-9/10"), &first, &last));
    assert_true(first == 1 && last == 9);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (http_chunk_range_parse(text_of(bad[i]), &first, &last))
            fail_msg("accepted: %s", bad[i]);
    assert_true(first == 1 && last == 9);
}

static void
dates_are_imf_fixdate(void **state)
{
    char out[HTTP_DATE_LEN + 1];

    (void)state;
    http_date_print(784111777, out);
    assert_string_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date_print(951782400, out);
    assert_string_equal(out, "Tue, 29 Feb 2000 00:00:00 GMT");
    http_date_print(INT64_MAX, out);
    assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT");
    http_date_print(-1, out);
    assert_string_equal(out, "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void
lists_hold_whole_elements(void **state)
{
    (void)state;
    assert_true(http_list_has(TEXT("a,\tClose , b"), "close"));
    assert_false(http_list_has(TEXT("closer, enclose"), "close"));
    assert_false(http_list_has((struct text){ NULL, 0 }, "close"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h6_yields_exactly_the_payload),
        cmocka_unit_test(h6_refuses_what_is_not_framing),
        cmocka_unit_test(h6_limits_of_extensions_and_trailers),
        cmocka_unit_test(ranges_of_ten_bytes),
        cmocka_unit_test(content_ranges_of_uploads),
        cmocka_unit_test(dates_are_imf_fixdate),
        cmocka_unit_test(lists_hold_whole_elements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
