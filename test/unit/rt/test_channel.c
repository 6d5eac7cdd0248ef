/* The invariants of rt/channel.h. */
#include "rt/channel.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

enum { ECHO = 1, FAIL = 2, OPEN = 3, SLOW = 4 };

static int
on_echo(void *self, struct channel_question *q, struct err *err)
{
    (void)err;
    ++*(int *)self;
    buf_text(q->answer, q->body);
    return 0;
}

static int
on_fail(void *self, struct channel_question *q, struct err *err)
{
    (void)self;
    (void)q;
    (void)err_set(err, ERR_CONFLICT, "it does not extend the last one");
    return err_note(err, "size %d", 7);
}

static int
on_open(void *self, struct channel_question *q, struct err *err)
{
    (void)self;
    (void)err;
    if (q->nfds == 1)
        q->answer_fds[q->answer_nfds++] = fcntl(q->fds[0], F_DUPFD_CLOEXEC, 0);
    return 0;
}

static int
on_slow(void *self, struct channel_question *q, struct err *err)
{
    (void)self;
    (void)err;
    (void)usleep(60000);
    buf_str(q->answer, "late");
    return 0;
}

static const struct channel_rule rules[] = {
    { ECHO, 16, 0, on_echo }, { FAIL, 0, 0, on_fail }, { OPEN, 0, 1, on_open },
    { SLOW, 0, 0, on_slow },  { 0, 0, 0, NULL },
};

struct server {
    struct channel *channel;
    pthread_t thread;
    int served;
    struct err err;
    int rc;
};

static void *
serve(void *arg)
{
    struct server *s = arg;

    while ((s->rc = channel_serve(s->channel, CHANNEL_FOREVER, &s->err)) == 0)
        ;
    return NULL;
}

static int
start(struct server *s)
{
    struct err err = { 0 };
    int fds[2];

    memset(s, 0, sizeof(*s));
    assert_int_equal(channel_pair(fds, &err), 0);
    s->channel = channel_new(fds[0], rules, &s->served, &err);
    assert_non_null(s->channel);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return fds[1];
}

static void
finish(struct server *s)
{
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    channel_free(s->channel);
}

static int64_t
soon(void)
{
    return clock_mono_us() + 2000000;
}

static void
answers_carry_bodies_failures_and_descriptors(void **state)
{
    struct server s;
    int fd = start(&s), here = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct err err = { 0 };
    struct channel_fds fds = { .send = &here, .send_n = 1 };
    OWN_BUF(answer, 64);

    (void)state;
    {
        OWN(channel) c = channel_new(fd, NULL, NULL, &err);

        assert_int_equal(channel_ask(c, ECHO, TEXT("hello"), soon(), &answer, &err), 0);
        assert_true(text_is(buf_view(&answer), "hello"));
        assert_int_equal(channel_ask(c, FAIL, TEXT(""), soon(), &answer, &err), -1);
        assert_int_equal(err.kind, ERR_CONFLICT);
        assert_string_equal(err.msg, "it does not extend the last one");
        assert_string_equal(err.detail, "size 7");
        err_clear(&err);
        assert_int_equal(channel_ask_fds(c, OPEN, TEXT(""), &fds, soon(), &answer, &err), 0);
        assert_int_equal(fds.got_n, 1);
        /* C2 */
        assert_int_equal(fcntl(fds.got[0], F_GETFD), FD_CLOEXEC);
        (void)close(fds.got[0]);
        assert_int_equal(channel_ask(c, ECHO, TEXT("again"), soon(), &answer, &err), 0);
    }
    finish(&s);
    assert_int_equal(s.rc, 1);
    assert_int_equal(s.served, 2);
    (void)close(here);
}

static void
refused(uint32_t type, struct text body, size_t nfds)
{
    struct server s;
    int fd = start(&s), here = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct err err = { 0 };
    struct channel_fds fds = { .send = &here, .send_n = nfds };
    OWN_BUF(answer, 64);
    OWN(channel) c = channel_new(fd, NULL, NULL, &err);

    assert_int_equal(channel_ask_fds(c, type, body, &fds, soon(), &answer, &err), -1);
    assert_int_equal(err.kind, ERR_CLOSED);
    finish(&s);
    assert_int_equal(s.rc, -1);
    assert_int_equal(s.err.kind, ERR_INVALID);
    assert_int_equal(s.served, 0);
    /* C4 */
    err_clear(&err);
    assert_int_equal(channel_ask(c, ECHO, TEXT("x"), soon(), &answer, &err), -1);
    assert_int_equal(err.kind, ERR_CLOSED);
    (void)close(here);
}

static void
c1_what_is_not_in_the_table_closes(void **state)
{
    (void)state;
    refused(99, TEXT("x"), 0);
    refused(ECHO, TEXT("seventeen bytes!!"), 0);
    refused(ECHO, TEXT("a body larger than the widest of all the rules"), 0);
    refused(ECHO, TEXT("x"), 1);
    refused(0, TEXT(""), 0);
}

static void
c3_a_late_answer_is_not_taken_for_another(void **state)
{
    struct server s;
    int fd = start(&s);
    struct err err = { 0 };
    OWN_BUF(answer, 64);

    (void)state;
    {
        OWN(channel) c = channel_new(fd, NULL, NULL, &err);
        int64_t before = clock_mono_us();

        assert_int_equal(channel_ask(c, SLOW, TEXT(""), before + 10000, &answer, &err), -1);
        assert_int_equal(err.kind, ERR_TIMEOUT);
        assert_true(clock_mono_us() - before < 50000);
        err_clear(&err);
        assert_int_equal(channel_ask(c, ECHO, TEXT("mine"), soon(), &answer, &err), 0);
        assert_true(text_is(buf_view(&answer), "mine"));
    }
    finish(&s);
}

static void
the_peer_is_told(void **state)
{
    struct err err = { 0 };
    struct channel_peer peer;
    int fds[2];

    (void)state;
    assert_int_equal(channel_pair(fds, &err), 0);
    assert_int_equal(channel_peer(fds[0], &peer, &err), 0);
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, getuid());
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void
every_allocation_may_fail(void **state)
{
    long before = mem_live();

    (void)state;
    for (long n = 0; n < 2; n++) {
        struct err err = { 0 };
        int fds[2];

        assert_int_equal(channel_pair(fds, &err), 0);
        mem_fail_after(n);
        assert_null(channel_new(fds[0], rules, NULL, &err));
        mem_fail_after(-1);
        assert_int_equal(err.kind, ERR_NO_SPACE);
        assert_int_equal(send(fds[1], "x", 1, MSG_NOSIGNAL), -1); /* taken over, so closed */
        (void)close(fds[1]);
    }
    assert_int_equal(mem_live(), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_carry_bodies_failures_and_descriptors),
        cmocka_unit_test(c1_what_is_not_in_the_table_closes),
        cmocka_unit_test(c3_a_late_answer_is_not_taken_for_another),
        cmocka_unit_test(the_peer_is_told),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
