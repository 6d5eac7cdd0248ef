/* The invariants of wire/yaml.h. */
#include "wire/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sweep.h"

static void
reads_as(const char *yaml, const char *json)
{
    struct err err = { 0 };
    OWN_JSON tree = yaml_read(text_of(yaml), &err);
    OWN_BUF(b, 10000);

    if (tree == NULL)
        fail_msg("%s: %s", yaml, err.msg);
    assert_int_equal(json_print(tree, &b, &err), 0);
    assert_string_equal(b.p, json);
}

static void
y1_collections(void **state)
{
    (void)state;
    reads_as("apiVersion: 2019-12-01\nproperties:\n  containers:\n  - name: web\n    ports:\n"
             "    - port: 80\n  osType: Linux\n",
             "{\"apiVersion\":\"2019-12-01\",\"properties\":{\"containers\":[{\"name\":\"web\","
             "\"ports\":[{\"port\":80}]}],\"osType\":\"Linux\"}}");
    reads_as("\xef\xbb\xbf{a: [1, {}], 'b': []} # comment", "{\"a\":[1,{}],\"b\":[]}");
    reads_as("---\n- a\n- &anchor b\n...\n", "[\"a\",\"b\"]");
    reads_as("1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}");
}

static void
y2_plain_scalars_follow_the_core_schema(void **state)
{
    (void)state;
    reads_as("[null, ~, Null, true, FALSE]", "[null,null,null,true,false]");
    reads_as(
        "[no, yes, on, y, nUll, 1:30, 2001-01-01, 0b1, 1_000, 0x, 0o8, ., +, -., e5, 1e]",
        "[\"no\",\"yes\",\"on\",\"y\",\"nUll\",\"1:30\",\"2001-01-01\",\"0b1\",\"1_000\",\"0x\","
        "\"0o8\",\".\",\"+\",\"-.\",\"e5\",\"1e\"]");
    reads_as("[0, -7, +8, 010, 0x1F, 0o17, 9223372036854775807, -9223372036854775808]",
             "[0,-7,8,10,31,15,9223372036854775807,-9223372036854775808]");
    reads_as("[1.5, .5, 5., 1e3, -1.5E-1]", "[1.5,0.5,5.0,1000.0,-0.14999999999999999]");
    reads_as("['1', \"true\", 'null', !!str 2, ! 3]", "[\"1\",\"true\",\"null\",\"2\",\"3\"]");
    reads_as("a: |\n  1\nb: >-\n  2\n", "{\"a\":\"1\\n\",\"b\":\"2\"}");
}

static void
y1_y3_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "# only a comment",
        "text",
        "a: 1\na: 2",
        "{a: 1, 'a': 2}",
        "a: &x 1\nb: *x",
        "--- {}\n--- {}",
        "{[a]: 1}",
        "{{a: 1}: 1}",
        "? [a]\n: 1",
        "a: \"\\0\"",
        "\"\\0\": a",
        "a: !!int 1",
        "a: !local b",
        "a: !!set {}",
        "a: 9223372036854775808",
        "a: 0x10000000000000000",
        "a: .inf",
        "a: -.Inf",
        "a: .NaN",
        "a: 1e999",
        "a: [",
        "a: }",
        "\ta: b",
        "a: \xff",
        "a: b: c",
        "%YAML 3.0\n--- {}",
    };
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err = (struct err){ 0 };
        if (yaml_read(text_of(bad[i]), &err) != NULL)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.kind, ERR_INVALID);
    }
    err = (struct err){ 0 };
    assert_null(yaml_read(TEXT("a: b\0c"), &err));
    err = (struct err){ 0 };
    assert_null(yaml_read(TEXT("a: 1\nb: *x\n"), &err));
    assert_non_null(strstr(err.msg, "line 2, column 4"));
}

static void
y1_depth_and_nodes_are_limited(void **state)
{
    OWN_BUF(b, 1000000);

    (void)state;
    for (int depth = YAML_DEPTH_MAX; depth <= YAML_DEPTH_MAX + 1; depth++) {
        struct err err = { 0 };
        OWN_JSON tree = NULL;

        buf_clear(&b);
        for (int i = 0; i < depth; i++)
            buf_char(&b, '[');
        for (int i = 0; i < depth; i++)
            buf_char(&b, ']');
        tree = yaml_read(buf_view(&b), &err);
        assert_int_equal(tree != NULL, depth == YAML_DEPTH_MAX);
    }
    for (int nodes = YAML_NODES_MAX; nodes <= YAML_NODES_MAX + 1; nodes++) {
        struct err err = { 0 };
        OWN_JSON tree = NULL;

        buf_clear(&b);
        for (int i = 0; i < nodes - 1; i++)
            buf_str(&b, "- 1\n");
        tree = yaml_read(buf_view(&b), &err);
        assert_int_equal(tree != NULL, nodes == YAML_NODES_MAX);
        assert_int_equal(err.kind, tree != NULL ? ERR_OK : ERR_TOO_LARGE);
    }
}

static int
read_once(void)
{
    struct err err = { 0 };
    OWN_JSON tree = yaml_read(TEXT("a: [1, 2.5, text, {b: null}]\nc: {d: 'e'}"), &err);

    if (tree == NULL)
        assert_int_equal(err.kind, ERR_NO_SPACE);
    return tree != NULL ? 0 : -1;
}

static void
every_allocation_may_fail(void **state)
{
    long live = mem_live();

    (void)state;
    SWEEP(read_once(), live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(y1_collections),
        cmocka_unit_test(y2_plain_scalars_follow_the_core_schema),
        cmocka_unit_test(y1_y3_refuses),
        cmocka_unit_test(y1_depth_and_nodes_are_limited),
        cmocka_unit_test(every_allocation_may_fail),
    };

    json_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
