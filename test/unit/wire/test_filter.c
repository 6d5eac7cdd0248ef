/* The invariants of wire/filter.h. */
#include "wire/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
clause_is(const struct filter_clause *c, const char *field, enum filter_op op, const char *value)
{
    assert_true(text_is(c->field, field));
    assert_int_equal(c->op, op);
    assert_true(text_is(c->value, value));
}

static void
f2_clauses_point_into_the_text(void **state)
{
    struct text t = TEXT(" properties/roleName eq 'it''s' and startswith(name, 'a') AND "
                         "substringof('b',name) and size ge 10 and atScope() and assignedTo('x') ");
    struct filter f;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(filter_parse(t, &f, &err), 0);
    assert_int_equal(f.n, 6);
    clause_is(&f.clauses[0], "properties/roleName", FILTER_EQ, "it''s");
    assert_true(f.clauses[0].field.p == t.p + 1);
    clause_is(&f.clauses[1], "name", FILTER_STARTS, "a");
    clause_is(&f.clauses[2], "name", FILTER_CONTAINS, "b");
    clause_is(&f.clauses[3], "size", FILTER_GE, "10");
    clause_is(&f.clauses[4], "atScope", FILTER_CALL, "");
    assert_null(f.clauses[4].value.p);
    clause_is(&f.clauses[5], "assignedTo", FILTER_CALL, "x");
    assert_int_equal(filter_parse(TEXT("  "), &f, &err), 0);
    assert_int_equal(f.n, 0);
}

static void
f1_other_forms_are_refused(void **state)
{
    static const char *const bad[] = {
        "name",
        "name eq",
        "name is 'a'",
        "name eq 'a",
        "eq 'a'",
        "name eq 'a' and",
        "name eq 'a' or b eq 'c'",
        "not (a eq 1)",
        "startswith(a)",
        "startswith(a, )",
        "startswith('a', b",
        "substringof(a)",
        "f(",
        "f(1",
        "name eq 'a' b",
        "name eq 'a' 'b'",
        "name = 'a'",
        "'a' eq name",
        "(a eq 1)",
        "a eq 1 and and b eq 2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct filter f = { .n = 77 };
        struct err err = { 0 };

        if (filter_parse(text_of(bad[i]), &f, &err) != -1)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_int_equal(f.n, 77);
    }
}

static void
limits(void **state)
{
    static char text[FILTER_MAX + 2];
    struct filter f;

    (void)state;
    for (int n = FILTER_CLAUSES_MAX; n <= FILTER_CLAUSES_MAX + 1; n++) {
        struct err err = { 0 };

        text[0] = '\0';
        for (int i = 0; i < n; i++)
            (void)strncat(text, i == 0 ? "a eq 1" : " and a eq 1", 12);
        assert_int_equal(filter_parse(text_of(text), &f, &err), n > FILTER_CLAUSES_MAX ? -1 : 0);
    }
    for (size_t over = 0; over < 2; over++) {
        struct err err = { 0 };

        memset(text, ' ', sizeof(text));
        assert_int_equal(filter_parse(text_from(text, FILTER_MAX + over), &f, &err), over ? -1 : 0);
    }
}

static void
f2_doubled_quotes_are_one(void **state)
{
    OWN(arena) arena = arena_new(256);
    struct text value;
    struct filter f;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(filter_parse(TEXT("a eq 'it''s' and b eq '''' and c eq 'plain'"), &f, &err),
                     0);
    assert_int_equal(filter_value(&f.clauses[0], arena, &value, &err), 0);
    assert_true(text_is(value, "it's"));
    assert_int_equal(filter_value(&f.clauses[1], arena, &value, &err), 0);
    assert_true(text_is(value, "'"));
    assert_int_equal(filter_value(&f.clauses[2], arena, &value, &err), 0);
    assert_true(text_is(value, "plain"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f2_doubled_quotes_are_one),
        cmocka_unit_test(f2_clauses_point_into_the_text),
        cmocka_unit_test(f1_other_forms_are_refused),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
