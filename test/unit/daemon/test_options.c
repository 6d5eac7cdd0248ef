/* daemon/options.h: the command line over the file over the defaults. */
#include "daemon/options.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define READ(o, arena, err, ...)                                                                   \
    read_words((o), (arena), (err), (const char *[]){ "holdfastd", __VA_ARGS__, NULL })

/* main() is given char **, literals are const: options_read() writes to neither. */
static int
read_words(struct options *o, struct arena *arena, struct err *err, const char **words)
{
    int n = 0;

    while (words[n] != NULL)
        n++;
    return options_read(o, n, (char **)(uintptr_t)words, arena, err);
}

static void
defaults_are_those_of_the_manual(void **state)
{
    OWN(arena) arena = arena_new(1 << 16);
    struct err err = { 0 };
    struct options o;

    (void)state;
    assert_int_equal(READ(&o, arena, &err, "--data", "/d"), 0);
    assert_string_equal(o.data, "/d");
    assert_string_equal(o.domain, "localhost");
    assert_int_equal(o.n_listen, 2);
    assert_string_equal(o.listen[0].host, "127.0.0.1");
    assert_int_equal(o.listen[0].port, 8443);
    assert_false(o.listen[0].optional);
    assert_string_equal(o.listen[1].host, "::1");
    assert_true(o.listen[1].optional);
    assert_int_equal(o.n_http, 0);
}

static void
addresses_are_host_and_port(void **state)
{
    OWN(arena) arena = arena_new(1 << 16);
    struct err err = { 0 };
    struct options o;

    (void)state;
    assert_int_equal(READ(&o, arena, &err, "--data=/d", "--listen=[::1]:0", "--listen",
                          "0.0.0.0:443", "--http", "[::1]:80"),
                     0);
    assert_int_equal(o.n_listen, 2);
    assert_string_equal(o.listen[0].host, "::1");
    assert_int_equal(o.listen[1].port, 443);
    assert_string_equal(o.http[0].host, "::1");
}

static void
nonsense_is_refused(void **state)
{
    static const char *const wrong[][2] = {
        { "--listen", "127.0.0.1" }, { "--listen", "127.0.0.1:70000" },
        { "--http", "0.0.0.0:80" },  { "--http", "[2001:db8::1]:80" },
        { "--log-level", "chatty" }, { "--nothing", "x" },
        { "--domain", "" },          { "--datas", "/d" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        OWN(arena) arena = arena_new(1 << 16);
        struct err err = { 0 };
        struct options o;

        assert_int_equal(READ(&o, arena, &err, wrong[i][0], wrong[i][1]), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static const char *
write_config(char path[static 64], const char *text)
{
    int fd;

    (void)snprintf(path, 64, "/tmp/holdfast-options-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return path;
}

static void
the_command_line_replaces_the_file(void **state)
{
    OWN(arena) arena = arena_new(1 << 16);
    struct err err = { 0 };
    struct options o;
    char path[64];

    (void)state;
    (void)write_config(path, "data: /from/file\nlisten: ['127.0.0.1:1', '127.0.0.1:2']\n"
                             "names: [registry.example.org]\nlogLevel: debug\n");
    assert_int_equal(
        READ(&o, arena, &err, "--listen", "127.0.0.1:3", "--config", path, "--data", "/d"), 0);
    assert_string_equal(o.data, "/d");
    assert_int_equal(o.n_listen, 1);
    assert_int_equal(o.listen[0].port, 3);
    assert_string_equal(o.names[0], "registry.example.org");
    assert_int_equal(o.log_level, LOG_LEVEL_DEBUG);
    (void)unlink(path);
}

static void
an_unknown_key_of_the_file_is_named(void **state)
{
    OWN(arena) arena = arena_new(1 << 16);
    struct err err = { 0 };
    struct options o;
    char path[64];

    (void)state;
    (void)write_config(path, "listne: ['127.0.0.1:1']\n");
    assert_int_equal(READ(&o, arena, &err, "--config", path), -1);
    assert_non_null(strstr(err.msg, "listne"));
    (void)unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_manual),
        cmocka_unit_test(addresses_are_host_and_port),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(the_command_line_replaces_the_file),
        cmocka_unit_test(an_unknown_key_of_the_file_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
