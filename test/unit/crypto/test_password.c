/* crypto/password.h: one password fits, nobody's record fits none, and memory goes back. */
#include "crypto/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static void
one_password_fits(void **state)
{
    char record[PASSWORD_RECORD_MAX + 1], other[PASSWORD_RECORD_MAX + 1];
    struct err err = { 0 };
    bool match = false;

    (void)state;
    assert_int_equal(password_record(TEXT("correct horse"), record, &err), 0);
    assert_int_equal(password_record(TEXT("correct horse"), other, &err), 0);
    assert_string_not_equal(record, other);
    assert_true(text_starts(text_of(record), "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_int_equal(password_verify(TEXT("correct horse"), text_of(record), &match, &err), 0);
    assert_true(match);
    assert_int_equal(password_verify(TEXT("correct horsf"), text_of(record), &match, &err), 0);
    assert_false(match);
    assert_int_equal(password_verify(TEXT(""), text_of(record), &match, &err), 0);
    assert_false(match);
}

/* Made by another implementation: printf pw | argon2 somesaltsomesalt -id -t 2 -k 19456 -p 1 -l 32
 * -e */
static void
reads_the_records_of_others(void **state)
{
    struct err err = { 0 };
    bool match = false;

    (void)state;
    assert_int_equal(password_verify(TEXT("pw"),
                                     TEXT("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
                                          "5SSBDjLd3916YDkcPSzYCsih2J6SoFbpycqM2wT0p1s"),
                                     &match, &err),
                     0);
    assert_true(match);
}

static void
p1_nobody_costs_the_same(void **state)
{
    char record[PASSWORD_RECORD_MAX + 1];
    struct err err = { 0 };
    bool match = true;
    int64_t begin, real = INT64_MAX, nobody = INT64_MAX;

    (void)state;
    assert_int_equal(password_record(TEXT("x"), record, &err), 0);
    for (int i = 0; i < 3; i++) {
        begin = clock_mono_us();
        assert_int_equal(password_verify(TEXT("y"), text_of(record), &match, &err), 0);
        if (clock_mono_us() - begin < real)
            real = clock_mono_us() - begin;
        begin = clock_mono_us();
        assert_int_equal(password_verify(TEXT("y"), password_nobody(), &match, &err), 0);
        assert_false(match);
        if (clock_mono_us() - begin < nobody)
            nobody = clock_mono_us() - begin;
    }
    assert_true(nobody * 2 > real && real * 2 > nobody);
}

static long
resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long total = 0, resident = 0;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &total, &resident), 2);
    (void)fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
p2_the_memory_is_given_back(void **state)
{
    struct err err = { 0 };
    long before = resident_kib();
    bool match;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(password_verify(TEXT("y"), password_nobody(), &match, &err), 0);
    assert_true(resident_kib() - before < PASSWORD_KIB / 4);
}

static void
p3_odd_records_are_corrupt(void **state)
{
    static const char *const records[] = {
        "",
        "$argon2i$v=19$m=19456,t=2,p=1$bm9ib2R5IGF0IGFsbC4uLg$",
        "$argon2id$v=19$m=99999999,t=2,p=1$bm9ib2R5IGF0IGFsbC4uLg$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=19456,t=17,p=1$bm9ib2R5IGF0IGFsbC4uLg$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGF0IGFsbC4uLg$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGF0IGFsbC4uLg$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA$x",
        "$argon2id$v=19$m=0,t=2,p=1$bm9ib2R5IGF0IGFsbC4uLg$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        struct err err = { 0 };
        bool match = true;

        assert_int_equal(password_verify(TEXT("x"), text_of(records[i]), &match, &err), -1);
        assert_int_equal(err.kind, ERR_CORRUPT);
        assert_true(match); /* untouched */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_password_fits),          cmocka_unit_test(reads_the_records_of_others),
        cmocka_unit_test(p1_nobody_costs_the_same),   cmocka_unit_test(p2_the_memory_is_given_back),
        cmocka_unit_test(p3_odd_records_are_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
