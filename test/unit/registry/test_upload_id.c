/* The invariants of registry/upload_id.h. */
#include "registry/upload_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct hmac_key
key_of(const char *bytes)
{
    struct hmac_key key;

    hmac_key_init(&key, text_of(bytes));
    return key;
}

static void
l1_good_in_its_repository_only(void **state)
{
    struct hmac_key key = key_of("0123456789abcdef0123456789abcdef");
    char id[ID_LEN + 1];

    (void)state;
    for (int i = 0; i < 100; i++) {
        upload_id_new(&key, TEXT("holdfast"), TEXT("app/web"), id);
        assert_true(id_is(text_of(id)));
        assert_true(upload_id_belongs(&key, TEXT("holdfast"), TEXT("app/web"), text_of(id)));
        assert_false(upload_id_belongs(&key, TEXT("holdfast"), TEXT("app/we"), text_of(id)));
        assert_false(upload_id_belongs(&key, TEXT("holdfast/app"), TEXT("web"), text_of(id)));
        assert_false(upload_id_belongs(&key, TEXT("other"), TEXT("app/web"), text_of(id)));
    }
}

static void
l1_no_byte_of_an_id_may_change(void **state)
{
    struct hmac_key key = key_of("0123456789abcdef0123456789abcdef");
    char id[ID_LEN + 1];

    (void)state;
    upload_id_new(&key, TEXT("holdfast"), TEXT("app"), id);
    for (size_t i = 0; i < ID_LEN; i++) {
        char kept = id[i];

        id[i] = kept == '1' ? '2' : '1';
        assert_false(upload_id_belongs(&key, TEXT("holdfast"), TEXT("app"), text_of(id)));
        id[i] = kept;
    }
    assert_false(upload_id_belongs(&key, TEXT("holdfast"), TEXT("app"), text_from(id, ID_LEN - 1)));
    assert_false(upload_id_belongs(&key, TEXT("holdfast"), TEXT("app"), TEXT("")));
}

static void
l2_the_key_decides(void **state)
{
    struct hmac_key key = key_of("0123456789abcdef0123456789abcdef");
    struct hmac_key same = key_of("0123456789abcdef0123456789abcdef");
    struct hmac_key other = key_of("1123456789abcdef0123456789abcdef");
    char id[ID_LEN + 1];

    (void)state;
    upload_id_new(&key, TEXT("holdfast"), TEXT("app"), id);
    assert_true(upload_id_belongs(&same, TEXT("holdfast"), TEXT("app"), text_of(id)));
    assert_false(upload_id_belongs(&other, TEXT("holdfast"), TEXT("app"), text_of(id)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l1_good_in_its_repository_only),
        cmocka_unit_test(l1_no_byte_of_an_id_may_change),
        cmocka_unit_test(l2_the_key_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
