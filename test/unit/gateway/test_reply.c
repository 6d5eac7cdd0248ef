/* The invariants of gateway/reply.h and gateway/outgoing.h. */
#include "gateway/reply.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway/outgoing.h"

#define NOW INT64_C(784111777000000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void
prints(struct answer a, int minor, bool keep, const char *want)
{
    struct reply_clock clock = { 0 };
    OWN_BUF(out, 4096);

    assert_true(reply_head(&out, &a, minor, keep, &clock, NOW));
    assert_string_equal(out.p, want);
}

static void
r1_the_length_is_printed_once(void **state)
{
    struct answer a = { .status = 200,
                        .fields = { { "Content-Type", TEXT("text/plain") },
                                    { "content-length", TEXT("7") } },
                        .n_fields = 2,
                        .length = 1234567890123,
                        .fd = -1 };

    (void)state;
    prints(a, 1, true,
           "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "Content-Type: text/plain\r\nContent-Length: 1234567890123\r\n\r\n");
    prints(a, 0, true,
           "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "Content-Type: text/plain\r\nContent-Length: 1234567890123\r\n"
           "Connection: keep-alive\r\n\r\n");
    a = (struct answer){ .status = 204, .fd = -1 };
    prints(a, 1, false,
           "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "Connection: close\r\n\r\n");
}

static void
r2_a_head_that_does_not_fit_is_told(void **state)
{
    struct reply_clock clock = { 0 };
    struct answer a = { .status = 200, .fields = { { "X", TEXT("0123456789") } }, .n_fields = 1 };
    OWN_BUF(out, 80);

    (void)state;
    assert_false(reply_head(&out, &a, 1, true, &clock, NOW));
    a.n_fields = 0;
    assert_true(reply_head(&out, &a, 1, true, &clock, NOW)); /* the buffer serves on */
}

static void
refusals_are_json_whatever_was_sent(void **state)
{
    struct reply_clock clock = { 0 };
    OWN_BUF(out, 4096);

    (void)state;
    reply_refusal(&out, 400, "a \"quoted\"\r\n\xff\\ word", &clock, NOW);
    assert_non_null(strstr(out.p, "\"message\":\"a \\\"quoted\\\"???\\\\ word\""));
    assert_non_null(strstr(out.p, "Connection: close\r\n"));
}

/* Read what a socket has, up to ${max}. */
static size_t
take(int fd, char *p, size_t max)
{
    ssize_t n = recv(fd, p, max, MSG_DONTWAIT);

    return n > 0 ? (size_t)n : 0;
}

#define BODY 700000

static void
o1_bytes_leave_in_order_and_once(void **state)
{
    OWN_MEM(char) sent = mem_zalloc(2 * BODY);
    OWN_MEM(char) got = mem_zalloc(5 * BODY);
    size_t n = 0, before;
    int ends[2], file = memfd_create("body", MFD_CLOEXEC), rc;
    struct outgoing o = { .head = TEXT("head"), .fd = file, .left = BODY };
    struct stream s = { 0 };

    (void)state;
    srandom(5);
    for (size_t i = 0; i < 2 * BODY; i++)
        sent[i] = (char)random();
    assert_int_equal(write(file, sent + BODY, BODY), BODY);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    s.fd = ends[0];
    o.body = text_from(sent, BODY);
    while ((rc = outgoing_push(&o, &s)) == 0) {
        if (o.kept.n == 0)
            assert_true(outgoing_keep(&o)); /* the loans end here */
        do {
            before = n;
            n += take(ends[1], got + n, 50000);
        } while (n > before);
    }
    assert_int_equal(rc, 1);
    n += take(ends[1], got + n, 2 * BODY);
    while ((before = take(ends[1], got + n, 2 * BODY)) > 0)
        n += before;
    assert_int_equal(n, 4 + 2 * BODY);
    assert_memory_equal(got, "head", 4);
    assert_memory_equal(got + 4, sent, 2 * BODY);
    assert_int_equal(o.sent, n);
    assert_int_equal(fcntl(file, F_GETFD), -1); /* O2 */
    outgoing_done(&o);
    stream_close(&s);
    (void)close(ends[1]);
}

static void
o1_a_file_that_was_cut_short_breaks_the_stream(void **state)
{
    int ends[2], file = memfd_create("body", MFD_CLOEXEC);
    struct outgoing o = { .fd = file, .left = 10 };
    struct stream s = { 0 };

    (void)state;
    assert_int_equal(write(file, "short", 5), 5);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    s.fd = ends[0];
    assert_int_equal(outgoing_push(&o, &s), -1);
    assert_true(s.broken);
    outgoing_done(&o);
    stream_close(&s);
    (void)close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_the_length_is_printed_once),
        cmocka_unit_test(r2_a_head_that_does_not_fit_is_told),
        cmocka_unit_test(refusals_are_json_whatever_was_sent),
        cmocka_unit_test(o1_bytes_leave_in_order_and_once),
        cmocka_unit_test(o1_a_file_that_was_cut_short_breaks_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
