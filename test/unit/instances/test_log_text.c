/* instances/log_text.h: logs read back, from the end. */
#include "instances/log_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define T "2026-11-22T16:43:18.000000000Z"

static void
prints(const char *records, uint64_t tail, bool timestamps, const char *expected)
{
    OWN_BUF(out, LOG_TEXT_MAX);

    log_text_print(text_of(records), &(struct log_wish){ tail, timestamps }, &out);
    assert_string_equal(out.p != NULL ? out.p : "", expected);
}

static void
joins_parts_and_counts_lines(void **state)
{
    static const char records[] =
        T " stdout F one\n" T " stderr P tw\n" T " stderr F o\n" T " stdout F three\n";

    (void)state;
    prints(records, 0, false, "one\ntwo\nthree\n");
    prints(records, 2, false, "two\nthree\n");
    prints(records, 1, false, "three\n");
    prints(records, 9, false, "one\ntwo\nthree\n");
    prints(records, 2, true, T " two\n" T " three\n");
    prints("", 3, true, "");
    prints(T " stdout F \n", 0, false, "\n");
}

static void
l2_other_bytes_become_replacements(void **state)
{
    (void)state;
    prints(T " stdout F a\xff"
             "b\xc3\xa4\xed\xa0\x80\n",
           0, false,
           "a\xef\xbf\xbd"
           "b\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n");
}

static void
l1_begins_at_a_whole_record(void **state)
{
    OWN_BUF(out, LOG_TEXT_MAX + 1);
    struct err err = { 0 };
    OWN_FD fd = memfd_create("log", MFD_CLOEXEC);
    char line[1024];

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line, T " stdout F ", sizeof(T " stdout F ") - 1);
    line[sizeof(line) - 1] = '\n';
    for (size_t n = 0; n < LOG_TEXT_MAX + 2 * sizeof(line); n += sizeof(line))
        assert_int_equal(write(fd, line, sizeof(line)), sizeof(line));
    assert_int_equal(write(fd, T " stdout F end\n", sizeof(T) + 13), sizeof(T) + 13);
    assert_int_equal(log_text_read(&fd, 1, &out, &err), 0);
    assert_true(out.n <= LOG_TEXT_MAX && out.n > LOG_TEXT_MAX - 2 * sizeof(line));
    assert_memory_equal(out.p, T, sizeof(T) - 1);
    assert_true(text_ends(buf_view(&out), " stdout F end\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_parts_and_counts_lines),
        cmocka_unit_test(l2_other_bytes_become_replacements),
        cmocka_unit_test(l1_begins_at_a_whole_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
