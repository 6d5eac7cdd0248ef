/* The invariants of gateway/peer.h. */
#include "gateway/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static union address
address_of(const char *text)
{
    union address a;

    memset(&a, 0, sizeof(a));
    if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
        a.any.sa_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
        a.any.sa_family = AF_INET6;
    }
    return a;
}

static struct peer *
join(struct peers *peers, const char *text)
{
    union address a = address_of(text);

    return peer_join(peers, &a.any);
}

static void
p1_connections_are_counted_by_address(void **state)
{
    struct err err = { 0 };
    OWN(peers) peers = peers_new(2, 2, &err);
    struct peer *a, *b;

    (void)state;
    assert_non_null(a = join(peers, "192.0.2.1"));
    assert_ptr_equal(join(peers, "192.0.2.1"), a);
    assert_null(join(peers, "192.0.2.1"));
    assert_non_null(b = join(peers, "192.0.2.2"));
    assert_ptr_not_equal(a, b);
    peer_part(peers, a);
    assert_non_null(join(peers, "192.0.2.1"));
    peer_part(peers, a);
    peer_part(peers, a); /* the last one: it is forgotten */
    peer_part(peers, b);
    assert_non_null(a = join(peers, "192.0.2.1"));
    peer_part(peers, a);
}

static void
p1_jobs_over_the_share_wait_in_order(void **state)
{
    struct err err = { 0 };
    OWN(peers) peers = peers_new(9, 2, &err);
    struct peer *p = join(peers, "192.0.2.1"), *q = join(peers, "192.0.2.2");
    struct peer_job jobs[5];

    (void)state;
    assert_true(peer_begin(peers, p, &jobs[0]));
    assert_true(peer_begin(peers, p, &jobs[1]));
    assert_false(peer_begin(peers, p, &jobs[2]));
    assert_false(peer_begin(peers, p, &jobs[3]));
    assert_true(peer_begin(peers, q, &jobs[4])); /* another address */
    assert_ptr_equal(peer_end(peers, p), &jobs[2]);
    assert_false(peer_begin(peers, p, &jobs[0]));
    assert_ptr_equal(peer_end(peers, p), &jobs[3]);
    assert_ptr_equal(peer_end(peers, p), &jobs[0]);
    assert_null(peer_end(peers, p));
    assert_null(peer_end(peers, p));
    assert_null(peer_end(peers, q));
    peer_part(peers, p);
    peer_part(peers, q);
}

static void
p2_an_ipv6_client_is_its_64(void **state)
{
    struct err err = { 0 };
    OWN(peers) peers = peers_new(9, 2, &err);
    struct peer *a = join(peers, "2001:db8:1:2::1");

    (void)state;
    assert_ptr_equal(join(peers, "2001:db8:1:2:ffff::9"), a);
    assert_ptr_not_equal(join(peers, "2001:db8:1:3::1"), a);
    a = join(peers, "192.0.2.1");
    assert_ptr_equal(join(peers, "::ffff:192.0.2.1"), a);
}

static void
every_allocation_may_fail(void **state)
{
    long before = mem_live();
    struct err err = { 0 };

    (void)state;
    mem_fail_after(0);
    assert_null(peers_new(1, 1, &err));
    mem_fail_after(-1);
    {
        OWN(peers) peers = peers_new(1, 1, &(struct err){ 0 });

        mem_fail_after(0);
        assert_null(join(peers, "192.0.2.1"));
        mem_fail_after(-1);
        assert_non_null(join(peers, "192.0.2.1"));
    }
    assert_int_equal(mem_live(), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_connections_are_counted_by_address),
        cmocka_unit_test(p1_jobs_over_the_share_wait_in_order),
        cmocka_unit_test(p2_an_ipv6_client_is_its_64),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
