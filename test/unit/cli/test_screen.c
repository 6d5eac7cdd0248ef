/* cli/screen.h, cli/output.h, cli/arguments.h: words in, clean words out. */
#include "cli/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/arguments.h"
#include "cli/output.h"
#include "wire/json.h"
#include "wire/yaml.h"

static void
s1_nothing_controls_the_terminal(void **state)
{
    OWN_BUF(out, 1024);

    (void)state;
    screen_clean(&out,
                 TEXT("a\x1b[31m\r\n\x7f\xc2\x9b"
                      "0m\xe2\x80\xae"
                      "b\xc3\xa4\xff"),
                 false);
    assert_string_equal(out.p,
                        "a\\x1b[31m\\x0d\\x0a\\x7f\\xc2\\x9b0m\\xe2\\x80\\xaeb\xc3\xa4\\xff");
}

static void
yaml_reads_back(void **state)
{
    OWN_BUF(out, 4096);
    OWN_JSON tree = NULL;
    OWN_JSON back = NULL;
    struct err err = { 0 };

    (void)state;
    tree = json_read(TEXT("{\"a\":[1,\"1\",{\"b\":\"no: x\",\"c\":[]}],\"d\":{},\"e\":null,"
                          "\"f\":\"- x\\n\",\"g\":true,\"h\":\"1e3\",\"i\":\"x\\\"y\",\"j\":\"\"}"),
                     &err);
    assert_non_null(tree);
    output_yaml(tree, &out);
    back = yaml_read(buf_view(&out), &err);
    if (back == NULL)
        fail_msg("%s\n%s", err.msg, out.p);
    assert_true(json_equal(tree, back));
}

static const struct argument table[] = {
    { "name", 'n', ARGUMENT_VALUE, "NAME", "" },
    { "ports", 0, ARGUMENT_LIST, "PORT", "" },
    { "yes", 'y', ARGUMENT_FLAG, NULL, "" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};

/* getopt_long() wants words it may move. */
static char **
words_of(const char *const *words)
{
    static char *moved[16];

    for (size_t i = 0; i < 16; i++) {
        moved[i] = (char *)(uintptr_t)words[i];
        if (words[i] == NULL)
            break;
    }
    return moved;
}

static void
lists_go_on_until_the_next_option(void **state)
{
    const char *const argv[] = {
        "x", "--ports", "80", "443", "-n", "app", "-y", "-o", "json", NULL
    };
    const char *const wrong[] = { "x", "--prots", "80", NULL };
    const char *const stray[] = { "x", "app", NULL };
    struct arguments a = { 0 };
    struct err err = { 0 };

    (void)state;
    assert_int_equal(arguments_read(&a, table, 9, words_of(argv), &err), 0);
    assert_string_equal(arguments_nth(&a, "ports", 1), "443");
    assert_null(arguments_nth(&a, "ports", 2));
    assert_string_equal(arguments_get(&a, "name"), "app");
    assert_true(arguments_has(&a, "yes"));
    assert_string_equal(arguments_get(&a, "output"), "json");
    assert_int_equal(arguments_read(&a, table, 3, words_of(wrong), &err), -1);
    assert_non_null(strstr(err.msg, "--prots"));
    err_clear(&err);
    assert_int_equal(arguments_read(&a, table, 2, words_of(stray), &err), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_nothing_controls_the_terminal),
        cmocka_unit_test(yaml_reads_back),
        cmocka_unit_test(lists_go_on_until_the_next_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
