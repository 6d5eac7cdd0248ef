/* The invariants of wire/jws.h. */
#include "wire/jws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sweep.h"
#include "wire/base64.h"

/* A token of these parts, signed with "sig". */
static void
make(struct buf *b, const char *header, const char *claims)
{
    buf_clear(b);
    base64_print(b, BASE64_URL, header, strlen(header));
    buf_char(b, '.');
    base64_print(b, BASE64_URL, claims, strlen(claims));
    jws_print_signature(b, "sig", 3);
}

static void
w1_w2_a_good_token(void **state)
{
    OWN_BUF(b, 1000);
    OWN_JWS j = { 0 };
    struct err err = { 0 };

    (void)state;
    make(&b, "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "{\"sub\":\"me\",\"exp\":1700000000}");
    assert_int_equal(jws_parse(&j, buf_view(&b), &err), 0);
    assert_true(text_is(j.alg, "ES256") && text_is(j.kid, "k1") && j.typ.p == NULL);
    assert_memory_equal(j.signature, "sig", 3);
    assert_int_equal(j.signature_n, 3);
    assert_ptr_equal(j.signing_input.p, b.p);
    assert_int_equal(j.signing_input.n, b.n - 5);
    assert_true(text_is(jws_claim(j.claims, "sub"), "me"));
    assert_null(jws_claim(j.claims, "exp").p);
}

static void
w1_refuses_what_is_no_signed_token(void **state)
{
    static const char *const bad[][2] = {
        { "{\"alg\":\"none\"}", "{}" },
        { "{\"alg\":\"nOnE\"}", "{}" },
        { "{\"alg\":1}", "{}" },
        { "{}", "{}" },
        { "{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", "{}" },
        { "{\"alg\":\"ES256\",\"b64\":false}", "{}" },
        { "{\"alg\":\"ES256\",\"kid\":1}", "{}" },
        { "{\"alg\":\"ES256\",\"alg\":\"RS256\"}", "{}" },
        { "[\"alg\"]", "{}" },
        { "{\"alg\":\"ES256\"}", "[]" },
        { "{\"alg\":\"ES256\"}", "x" },
        { "", "{}" },
    };
    static const char *const broken[] = { "",        ".",        "..",           "a.b",
                                          "a.b.c.d", "e30.e30.", "e30=.e30.c2ln" };
    OWN_BUF(b, 1000);
    OWN_JWS j = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = { 0 };

        make(&b, bad[i][0], bad[i][1]);
        if (jws_parse(&j, buf_view(&b), &err) != -1)
            fail_msg("accepted: %s %s", bad[i][0], bad[i][1]);
    }
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct err err = { 0 };

        if (jws_parse(&j, text_of(broken[i]), &err) != -1)
            fail_msg("accepted: %s", broken[i]);
    }
}

static void
w3_limits(void **state)
{
    static char token[JWS_TOKEN_MAX + 1];
    OWN_BUF(b, 2000);
    OWN_JWS j = { 0 };
    struct err err = { 0 };
    uint8_t signature[JWS_SIGNATURE_MAX + 1] = { 0 };

    (void)state;
    memset(token, 'A', sizeof(token));
    assert_int_equal(jws_parse(&j, text_from(token, sizeof(token)), &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    err = (struct err){ 0 };
    buf_str(&b, "eyJhbGciOiJSUzI1NiJ9.e30");
    jws_print_signature(&b, signature, sizeof(signature));
    assert_int_equal(jws_parse(&j, buf_view(&b), &err), -1);
}

static void
claims_are_read_strictly(void **state)
{
    struct err err = { 0 };
    OWN_JSON c = json_read(TEXT("{\"exp\":1700000000,\"nbf\":1.5,\"iat\":\"1\",\"neg\":-1,"
                                "\"big\":253402300800,\"aud\":[\"a\",1,\"b\"]}"),
                           &err);
    OWN_JSON one = json_read(TEXT("{\"aud\":\"a\"}"), &err);
    int64_t t = 0;

    (void)state;
    assert_int_equal(jws_time(c, "exp", &t, &err), 0);
    assert_int_equal(t, 1700000000);
    assert_int_equal(jws_time(c, "nbf", &t, &err), 0);
    assert_int_equal(t, 1);
    assert_int_equal(jws_time(c, "absent", &t, &err), 1);
    assert_int_equal(jws_time(c, "iat", &t, &err), -1);
    assert_int_equal(jws_time(c, "neg", &t, &err), -1);
    assert_int_equal(jws_time(c, "big", &t, &err), -1);
    assert_int_equal(t, 1);
    assert_true(jws_audience_has(c, TEXT("b")) && !jws_audience_has(c, TEXT("c")));
    assert_true(jws_audience_has(one, TEXT("a")) && !jws_audience_has(one, TEXT("")));
    assert_false(jws_audience_has(NULL, TEXT("a")));
}

static void
what_is_printed_parses(void **state)
{
    struct err err = { 0 };
    OWN_JSON header = json_read(TEXT("{\"alg\":\"ES256\",\"typ\":\"JWT\"}"), &err);
    OWN_JSON claims = json_read(TEXT("{\"sub\":\"\xc3\xa9\",\"n\":1}"), &err);
    OWN_BUF(b, 1000);
    OWN_JWS j = { 0 };
    size_t signed_n;

    (void)state;
    assert_int_equal(jws_print(&b, header, claims, &err), 0);
    signed_n = b.n;
    jws_print_signature(&b, "0123456789", 10);
    assert_int_equal(jws_parse(&j, buf_view(&b), &err), 0);
    assert_int_equal(j.signing_input.n, signed_n);
    assert_true(json_equal(j.header, header) && json_equal(j.claims, claims));
}

static int
parse_once(struct text token)
{
    OWN_JWS j = { 0 };
    struct err err = { 0 };

    return jws_parse(&j, token, &err);
}

static void
every_allocation_may_fail(void **state)
{
    OWN_BUF(b, 1000);
    long live;

    (void)state;
    make(&b, "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "{\"sub\":\"me\",\"aud\":[\"a\"]}");
    live = mem_live();
    SWEEP(parse_once(buf_view(&b)), live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w1_w2_a_good_token),
        cmocka_unit_test(w1_refuses_what_is_no_signed_token),
        cmocka_unit_test(w3_limits),
        cmocka_unit_test(claims_are_read_strictly),
        cmocka_unit_test(what_is_printed_parses),
        cmocka_unit_test(every_allocation_may_fail),
    };

    json_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
