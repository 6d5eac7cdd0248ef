/* identity/verified.h */
#include "identity/verified.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct grant grants[2];
static struct caller someone;

static int
make_someone(void **state)
{
    (void)state;
    grants[0] = (struct grant){ TEXT("repository"), TEXT("app/web"), GRANT_PULL };
    grants[1] = (struct grant){ TEXT("registry"), TEXT("catalog"), GRANT_CATALOG };
    someone = (struct caller){ .kind = CALLER_USER,
                               .id = "aaaaaaaa-0000-4000-8000-000000000001",
                               .name = TEXT("someone"),
                               .limited = true,
                               .grants = grants,
                               .n_grants = 2,
                               .expires_at_us = 99 };
    return 0;
}

static void
key_of(uint64_t n, uint8_t out[static HMAC_LEN])
{
    memset(out, 0, HMAC_LEN);
    memcpy(out, &n, sizeof(n));
}

static void
f1_what_was_put_is_found_whole(void **state)
{
    OWN(verified) v = verified_new();
    OWN(arena) arena = arena_new(4096);
    uint8_t key[HMAC_LEN], other[HMAC_LEN];
    struct caller c;

    (void)state;
    key_of(1, key);
    key_of(1, other);
    other[HMAC_LEN - 1] = 1;
    verified_put(v, key, 3, 1000, &someone);
    assert_true(verified_get(v, key, 3, 999, arena, &c));
    assert_int_equal(c.kind, CALLER_USER);
    assert_string_equal(c.id, someone.id);
    assert_true(text_is(c.name, "someone") && c.name.p != someone.name.p);
    assert_true(c.limited && c.expires_at_us == 99 && c.n_grants == 2);
    assert_true(text_is(c.grants[0].name, "app/web") && text_is(c.grants[1].type, "registry"));
    assert_int_equal(c.grants[1].actions, GRANT_CATALOG);
    assert_false(verified_get(v, key, 3, 1000, arena, &c));  /* expired */
    assert_false(verified_get(v, key, 4, 999, arena, &c));   /* another generation */
    assert_false(verified_get(v, other, 3, 999, arena, &c)); /* another key */
}

static void
f2_bounded_and_the_oldest_gives_way(void **state)
{
    OWN(verified) v = verified_new();
    OWN(arena) arena = arena_new(1 << 20);
    long live = mem_live();
    uint8_t key[HMAC_LEN];
    struct caller c;

    (void)state;
    for (uint64_t i = 0; i < 3 * VERIFIED_MAX; i++) {
        key_of(i, key);
        verified_put(v, key, 1, (int64_t)i + 1, &someone);
    }
    assert_true(mem_live() - live <= VERIFIED_MAX);
    key_of(3 * VERIFIED_MAX - 1, key);
    assert_true(verified_get(v, key, 1, 0, arena, &c));
    key_of(0, key);
    assert_false(verified_get(v, key, 1, 0, arena, &c));
}

static void
a_full_arena_finds_nothing(void **state)
{
    OWN(verified) v = verified_new();
    OWN(arena) arena = arena_new(16);
    uint8_t key[HMAC_LEN];
    struct caller c;

    (void)state;
    key_of(1, key);
    verified_put(v, key, 1, 1000, &someone);
    assert_false(verified_get(v, key, 1, 0, arena, &c));
}

static void
no_memory_only_means_forgetting(void **state)
{
    OWN(verified) v = verified_new();
    OWN(arena) arena = arena_new(4096);
    uint8_t key[HMAC_LEN];
    struct caller c;

    (void)state;
    key_of(1, key);
    mem_fail_after(0);
    verified_put(v, key, 1, 1000, &someone);
    mem_fail_after(-1);
    assert_false(verified_get(v, key, 1, 0, arena, &c));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_what_was_put_is_found_whole),
        cmocka_unit_test(f2_bounded_and_the_oldest_gives_way),
        cmocka_unit_test(a_full_arena_finds_nothing),
        cmocka_unit_test(no_memory_only_means_forgetting),
    };

    return cmocka_run_group_tests(tests, make_someone, NULL);
}
