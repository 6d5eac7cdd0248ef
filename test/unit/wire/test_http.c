/* The invariants of wire/http.h that concern heads. */
#include "wire/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REQUEST "PUT /up HTTP/1.1\r\nHost: x\r\n"

static int
parse(struct http_head *head, struct text bytes, size_t *used, int *status)
{
    struct err err = { 0 };
    int got = http_head_parse(head, bytes, used, status, &err);

    assert_int_equal(got < 0, err.kind != ERR_OK);
    return got;
}

static int
status_of(struct text bytes)
{
    struct http_head head;
    size_t used = 0;
    int status = 0;

    return parse(&head, bytes, &used, &status) < 0 ? status : 0;
}

static bool
inside(struct text part, struct text whole)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void
h1_texts_point_into_the_bytes(void **state)
{
    struct text bytes = TEXT("\r\nGET /v2/?n=1 HTTP/1.1\r\nHost: localhost:8443\r\nX-Empty:\r\n"
                             "Accept:\t a, b \t\r\n\r\nnext");
    struct http_head head;
    size_t used = 0;
    int status = 0;

    (void)state;
    assert_int_equal(parse(&head, bytes, &used, &status), 1);
    assert_int_equal(used, bytes.n - 4);
    assert_true(text_is(head.target, "/v2/?n=1") && inside(head.target, bytes));
    assert_true(text_is(head.host, "localhost:8443") && inside(head.host, bytes));
    assert_true(text_is(http_field(&head, "ACCEPT"), "a, b"));
    assert_true(inside(http_field(&head, "accept"), bytes));
    assert_non_null(http_field(&head, "x-empty").p);
    assert_int_equal(http_field(&head, "x-empty").n, 0);
    assert_null(http_field(&head, "x-absent").p);
    assert_int_equal(head.n_fields, 3);
    assert_int_equal(head.minor, 1);
    assert_true(head.keep_alive && !head.has_length && !head.chunked && !head.expect_continue);
}

/* The twenty shapes that servers in the field let through, in one way or another. */
static void
h2_h3_h4_the_twenty_malformed_requests(void **state)
{
    const struct {
        const char *name;
        struct text bytes;
        int status;
    } cases[] = {
        { "length and chunked",
          TEXT(REQUEST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
        { "xchunked", TEXT(REQUEST "Transfer-Encoding: xchunked\r\n\r\n"), 501 },
        { "chunked, identity", TEXT(REQUEST "Transfer-Encoding: chunked, identity\r\n\r\n"), 501 },
        { "two lengths", TEXT(REQUEST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400 },
        { "length +5", TEXT(REQUEST "Content-Length: +5\r\n\r\n"), 400 },
        { "length 5, 5", TEXT(REQUEST "Content-Length: 5, 5\r\n\r\n"), 400 },
        { "length 2^64+5", TEXT(REQUEST "Content-Length: 18446744073709551621\r\n\r\n"), 413 },
        { "bare LF in head", TEXT("PUT /up HTTP/1.1\nHost: x\n\n"), 400 },
        { "length with space before colon", TEXT(REQUEST "Content-Length : 5\r\n\r\n"), 400 },
        { "obs-fold", TEXT(REQUEST "X-A: one\r\n two\r\n\r\n"), 400 },
        { "NUL in value", TEXT(REQUEST "X-A: o\0e\r\n\r\n"), 400 },
        { "bare CR in value", TEXT(REQUEST "X-A: one\rtwo\r\n\r\n"), 400 },
        { "no Host", TEXT("PUT /up HTTP/1.1\r\nX-A: b\r\n\r\n"), 400 },
        { "two Hosts", TEXT(REQUEST "Host: x\r\n\r\n"), 400 },
        { "chunked in 1.0", TEXT("PUT /up HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
        { "NUL in target", TEXT("PUT /u\0p HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (status_of(cases[i].bytes) != cases[i].status)
            fail_msg("%s: %d", cases[i].name, status_of(cases[i].bytes));
    /* "100 KB header" is h5 below; the three that sit in chunked framing are in test_http_body.c.
     */
}

static void
h2_more_shapes_outside_the_grammar(void **state)
{
    const struct {
        const char *name;
        struct text bytes;
        int status;
    } cases[] = {
        { "LF ends one field", TEXT(REQUEST "X-A: b\n\r\n"), 400 },
        { "CR LF, then LF", TEXT(REQUEST "\n"), 400 },
        { "empty field name", TEXT(REQUEST ": b\r\n\r\n"), 400 },
        { "field without colon", TEXT(REQUEST "X-A\r\n\r\n"), 400 },
        { "DEL in value", TEXT(REQUEST "X-A: abcdefgh\x7f\r\n\r\n"), 400 },
        { "NUL in name", TEXT(REQUEST "X\0A: b\r\n\r\n"), 400 },
        { "two spaces", TEXT("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "space at the end", TEXT("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"), 400 },
        { "HTTP/0.9", TEXT("GET /\r\n"), 400 },
        { "HTTP/2.0", TEXT("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505 },
        { "http/1.1", TEXT("GET / http/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "HTTP/1.10", TEXT("GET / HTTP/1.10\r\nHost: x\r\n\r\n"), 400 },
        { "lower-case method", TEXT("get / HTTP/1.1\r\nHost: x\r\n\r\n"), 501 },
        { "CONNECT", TEXT("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), 501 },
        { "bad method", TEXT("G@T / HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "fragment", TEXT("GET /#a HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "target not ASCII", TEXT("GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "target without slash", TEXT("GET x HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "star of GET", TEXT("GET * HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "user in URL", TEXT("GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n"), 400 },
        { "other scheme", TEXT("GET ftp://b/ HTTP/1.1\r\nHost: b\r\n\r\n"), 400 },
        { "empty Host", TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400 },
        { "list in Host", TEXT("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400 },
        { "path in Host", TEXT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400 },
        { "port in letters", TEXT("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), 400 },
        { "no port behind colon", TEXT("GET / HTTP/1.1\r\nHost: a:\r\n\r\n"), 400 },
        { "open bracket", TEXT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400 },
        { "junk behind bracket", TEXT("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"), 400 },
        { "empty length", TEXT(REQUEST "Content-Length:\r\n\r\n"), 400 },
        { "length 0x5", TEXT(REQUEST "Content-Length: 0x5\r\n\r\n"), 400 },
        { "same length twice", TEXT(REQUEST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
          400 },
        { "chunked twice",
          TEXT(REQUEST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
        { "empty encoding", TEXT(REQUEST "Transfer-Encoding:\r\n\r\n"), 501 },
        { "expects more", TEXT(REQUEST "Expect: 200-ok\r\n\r\n"), 417 },
        { "TLS hello", TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (status_of(cases[i].bytes) != cases[i].status)
            fail_msg("%s: %d", cases[i].name, status_of(cases[i].bytes));
}

static void
h3_length_or_chunked_is_read(void **state)
{
    struct http_head head;
    size_t used;
    int status;

    (void)state;
    assert_int_equal(parse(&head,
                           TEXT(REQUEST "Content-Length: 9223372036854775807\r\n"
                                        "Expect: 100-Continue\r\n\r\n"),
                           &used, &status),
                     1);
    assert_true(head.has_length && head.length == INT64_MAX && head.expect_continue);
    assert_int_equal(
        parse(&head, TEXT(REQUEST "transfer-encoding: Chunked\r\n\r\n"), &used, &status), 1);
    assert_true(head.chunked && !head.has_length && head.length == 0 && !head.expect_continue);
}

static void
h4_the_absolute_target_names_the_host(void **state)
{
    const struct {
        struct text bytes;
        const char *host, *target;
    } cases[] = {
        { TEXT("GET http://a:80/p?q HTTP/1.1\r\nHost: b\r\n\r\n"), "a:80", "/p?q" },
        { TEXT("GET HTTPS://[::1]:8443 HTTP/1.1\r\nHost: b\r\n\r\n"), "[::1]:8443", "/" },
        { TEXT("OPTIONS * HTTP/1.1\r\nHost: b.example\r\n\r\n"), "b.example", "*" },
        { TEXT("GET / HTTP/1.0\r\n\r\n"), "", "/" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_head head;
        size_t used;
        int status;

        assert_int_equal(parse(&head, cases[i].bytes, &used, &status), 1);
        assert_true(text_is(head.host, cases[i].host));
        assert_true(text_is(head.target, cases[i].target));
        assert_true(head.host.n == 0 || inside(head.host, cases[i].bytes));
        assert_true(inside(head.target, cases[i].bytes));
    }
}

/* A good head needs more at every earlier byte; a bad one may be refused early, never accepted. */
static void
h5_incomplete_until_the_last_byte(void **state)
{
    static const char good[] = "\r\nPATCH /u HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
    static const char bad[] = "PUT /up HTTP/1.1\nHost: x\n\n";
    struct http_head head;
    size_t used;
    int status;

    (void)state;
    for (size_t n = 0; n < sizeof(good) - 1; n++)
        assert_int_equal(parse(&head, text_from(good, n), &used, &status), 0);
    assert_int_equal(parse(&head, TEXT(good), &used, &status), 1);
    assert_int_equal(parse(&head, text_from(bad, 17), &used, &status), -1);
}

static void
h5_limits_of_line_fields_and_head(void **state)
{
    static char big[HTTP_HEAD_MAX * 2];
    const char *start = "GET /";
    size_t n;

    (void)state;
    memset(big, 'a', sizeof(big));
    memcpy(big, start, strlen(start));
    assert_int_equal(status_of(text_from(big, HTTP_LINE_MAX)), 0);
    assert_int_equal(status_of(text_from(big, HTTP_LINE_MAX + 1)), 414);

    memcpy(big, REQUEST "X: ", strlen(REQUEST "X: "));
    assert_int_equal(status_of(text_from(big, HTTP_HEAD_MAX - 1)), 0);
    assert_int_equal(status_of(text_from(big, sizeof(big))), 431); /* the 100 KB header */
    memcpy(big + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(status_of(text_from(big, HTTP_HEAD_MAX)), 0);
    memset(big + HTTP_HEAD_MAX - 4, 'a', 4);
    memcpy(big + HTTP_HEAD_MAX - 3, "\r\n\r\n", 4);
    assert_int_equal(status_of(text_from(big, sizeof(big))), 431);

    n = (size_t)snprintf(big, sizeof(big), "%s", REQUEST);
    for (int i = 0; i < HTTP_FIELDS_MAX - 1; i++)
        n += (size_t)snprintf(big + n, sizeof(big) - n, "X-%d: y\r\n", i);
    memcpy(big + n, "\r\nX-:\r\n\r\n", 9);
    assert_int_equal(status_of(text_from(big, n + 2)), 0);
    memcpy(big + n, "X-:\r\n\r\n", 7);
    assert_int_equal(status_of(text_from(big, n + 7)), 431);
}

static void
keep_alive_follows_version_and_connection(void **state)
{
    const struct {
        struct text bytes;
        bool keeps;
    } cases[] = {
        { TEXT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), true },
        { TEXT("GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n"), false },
        { TEXT("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, close\r\n\r\n"), false },
        { TEXT("GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n"), true },
        { TEXT("GET / HTTP/1.0\r\n\r\n"), false },
        { TEXT("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_head head;
        size_t used;
        int status;

        assert_int_equal(parse(&head, cases[i].bytes, &used, &status), 1);
        assert_int_equal(head.keep_alive, cases[i].keeps);
    }
}

static void
methods_have_names(void **state)
{
    (void)state;
    for (int i = HTTP_GET; i <= HTTP_OPTIONS; i++) {
        enum http_method method;

        assert_true(http_method_parse(text_of(http_method_name((enum http_method)i)), &method));
        assert_int_equal(method, i);
    }
    assert_string_equal(http_reason(404), "Not Found");
    assert_string_equal(http_reason(799), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_texts_point_into_the_bytes),
        cmocka_unit_test(h2_h3_h4_the_twenty_malformed_requests),
        cmocka_unit_test(h2_more_shapes_outside_the_grammar),
        cmocka_unit_test(h3_length_or_chunked_is_read),
        cmocka_unit_test(h4_the_absolute_target_names_the_host),
        cmocka_unit_test(h5_incomplete_until_the_last_byte),
        cmocka_unit_test(h5_limits_of_line_fields_and_head),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(methods_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
