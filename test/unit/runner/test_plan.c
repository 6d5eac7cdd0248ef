/* The invariants of runner/plan.h and runner/bundle.h. */
#include "runner/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/bundle.h"

#define ID "0af5b7c2-0000-4000-8000-000000000001"

static const struct digest layer = { .algorithm = DIGEST_SHA256, .bytes = { 1, 2, 3 } };
static const struct text args[] = { { "sh", 2 }, { "-c", 2 }, { "echo \"x\"\n\\", 10 } };
static const struct text env[] = { { "A=\xc3\xa4", 4 } };

static struct plan_container
good_container(void)
{
    return (struct plan_container){ .name = TEXT("main"),
                                    .layers = &layer,
                                    .layer_count = 1,
                                    .args = args,
                                    .arg_count = 3,
                                    .env = env,
                                    .env_count = 1,
                                    .memory_bytes = 64u * 1024 * 1024,
                                    .cpu_millis = 1500 };
}

static void
p1_prints_what_it_parsed(void **state)
{
    struct plan_container c[2] = { good_container(), good_container() };
    struct plan_port port = { { 127, 0, 0, 1 }, 8080, 80 };
    struct plan plan = { .id = ID,
                         .restart = PLAN_RESTART_NEVER,
                         .hostname = TEXT("h"),
                         .ports = &port,
                         .port_count = 1,
                         .containers = c,
                         .container_count = 2 };
    OWN(arena) arena = arena_new(1 << 20);
    OWN_BUF(bytes, PLAN_BYTES_MAX);
    OWN_BUF(again, PLAN_BYTES_MAX);
    struct plan back = { 0 };
    struct err err = { 0 };

    (void)state;
    c[1].name = TEXT("other");
    assert_int_equal(plan_encode(&plan, &bytes, &err), 0);
    assert_int_equal(plan_decode(&back, arena, buf_view(&bytes), &err), 0);
    assert_int_equal(plan_encode(&back, &again, &err), 0);
    assert_true(text_equal(buf_view(&bytes), buf_view(&again)));
    assert_true(text_is(back.containers[1].name, "other"));
    assert_int_equal(back.ports[0].host_port, 8080);
}

static void
p2_limits(void **state)
{
    static const struct text nul[] = { { "a\0b", 3 } }, latin[] = { { "\xe4", 1 } };
    struct plan_container good = good_container();
    struct plan_container bad[9];

    (void)state;
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].name = TEXT("Upper");
    bad[1].name = TEXT("-x");
    bad[2].layer_count = 0;
    bad[3].arg_count = 0;
    bad[4].args = nul;
    bad[5].args = latin;
    bad[4].arg_count = bad[5].arg_count = 1;
    bad[6].env = args;
    bad[7].cwd = TEXT("relative");
    bad[8].memory_bytes = 4096;
    for (size_t i = 0; i < 9; i++) {
        struct plan plan = { .id = ID, .containers = &bad[i], .container_count = 1 };
        struct err err = { 0 };

        assert_int_equal(plan_check(&plan, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void
p3_no_prefix_is_a_plan(void **state)
{
    struct plan_container c = good_container();
    struct plan plan = { .id = ID, .containers = &c, .container_count = 1 };
    OWN_BUF(bytes, PLAN_BYTES_MAX);
    struct err err = { 0 };

    (void)state;
    assert_int_equal(plan_encode(&plan, &bytes, &err), 0);
    for (size_t n = 0; n < bytes.n; n++) {
        OWN(arena) arena = arena_new(1 << 20);
        struct plan back = { 0 };
        struct err e = { 0 };

        assert_int_equal(plan_decode(&back, arena, text_from(bytes.p, n), &e), -1);
        assert_int_equal(e.kind, ERR_INVALID);
    }
}

static const char *
config(struct buf *out, uint32_t uid, uint64_t nofile)
{
    static struct plan_container c;
    struct passwd user = { .uid = uid };

    c = good_container();
    bundle_print(&(struct bundle){ .container = &c,
                                   .user = &user,
                                   .hostname = "h",
                                   .rootfs = "/r",
                                   .etc = "/e",
                                   .namespace_at = "/proc/1/fd/",
                                   .namespace_fd = 7,
                                   .cgroups_path = "holdfast",
                                   .uid = 70000,
                                   .nofile_hard = nofile },
                 out);
    return out->p;
}

static void
j1_texts_are_escaped(void **state)
{
    OWN_BUF(out, BUNDLE_MAX);
    OWN_BUF(one, 100);

    (void)state;
    assert_non_null(strstr(config(&out, 0, 1024), "\"echo \\\"x\\\"\\u000a\\\\\""));
    bundle_string(&one, TEXT("\"\\\t\x7f/"));
    assert_string_equal(one.p, "\"\\\"\\\\\\u0009\\u007f/\"");
}

static void
j2_always_confined(void **state)
{
    OWN_BUF(root, BUNDLE_MAX);
    OWN_BUF(user, BUNDLE_MAX);

    (void)state;
    assert_non_null(strstr(config(&root, 0, 1024), "\"noNewPrivileges\":true"));
    assert_non_null(strstr(root.p, "SCMP_ACT_ERRNO"));
    assert_non_null(strstr(root.p, "maskedPaths"));
    assert_null(strstr(root.p, "CAP_SYS_ADMIN"));
    assert_null(strstr(root.p, "CAP_NET_RAW"));
    assert_non_null(strstr(config(&user, 1000, 1024), "\"effective\":[]"));
}

static void
j3_no_limit_above_ours(void **state)
{
    OWN_BUF(out, BUNDLE_MAX);

    (void)state;
    assert_non_null(strstr(config(&out, 0, 500), "\"hard\":500,\"soft\":500"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_prints_what_it_parsed), cmocka_unit_test(p2_limits),
        cmocka_unit_test(p3_no_prefix_is_a_plan),   cmocka_unit_test(j1_texts_are_escaped),
        cmocka_unit_test(j2_always_confined),       cmocka_unit_test(j3_no_limit_above_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
