#include "wire/filter.h"

#include <stdbool.h>

static void
skip_spaces(struct text *rest)
{
    while (rest->n > 0 && rest->p[0] == ' ')
        *rest = text_after(*rest, 1);
}

static int
refuse(struct text rest, const char *wanted, struct err *err)
{
    return err_code(err, ERR_INVALID, "InvalidFilterInQueryString",
                    "$filter: %s is expected at \"%.*s\"", wanted, TEXT_ARG(text_first(rest, 60)));
}

static bool
in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '/' || c == '-' || c == ':' || c == '$' || c == '+';
}

static bool
take_word(struct text *rest, struct text *out)
{
    size_t n = 0;

    skip_spaces(rest);
    while (n < rest->n && in_word(rest->p[n]))
        n++;
    *out = text_first(*rest, n);
    *rest = text_after(*rest, n);
    return n > 0;
}

static bool
take_char(struct text *rest, char c)
{
    skip_spaces(rest);
    if (rest->n == 0 || rest->p[0] != c)
        return false;
    *rest = text_after(*rest, 1);
    return true;
}

static int
take_quoted(struct text *rest, struct text *out, struct err *err)
{
    struct text from = *rest;

    for (size_t i = 0; i < from.n; i++) {
        if (from.p[i] != '\'')
            continue;
        if (i + 1 < from.n && from.p[i + 1] == '\'') {
            i++;
            continue;
        }
        *out = text_first(from, i);
        *rest = text_after(from, i + 1);
        return 0;
    }
    return refuse(from, "a closing quote", err);
}

static int
take_value(struct text *rest, struct text *out, struct err *err)
{
    if (take_char(rest, '\''))
        return take_quoted(rest, out, err);
    return take_word(rest, out) ? 0 : refuse(*rest, "a value", err);
}

static int
take_comparison(struct text *rest, struct filter_clause *c, struct err *err)
{
    static const char *const words[] = {
        [FILTER_EQ] = "eq", [FILTER_NE] = "ne", [FILTER_GT] = "gt",
        [FILTER_GE] = "ge", [FILTER_LT] = "lt", [FILTER_LE] = "le",
    };
    struct text word;

    if (!take_word(rest, &word))
        return refuse(*rest, "eq, ne, gt, ge, lt or le", err);
    for (int i = FILTER_EQ; i <= FILTER_LE; i++)
        if (text_is_nocase(word, words[i])) {
            c->op = (enum filter_op)i;
            return take_value(rest, &c->value, err);
        }
    return refuse(word, "eq, ne, gt, ge, lt or le", err);
}

/* Behind "name(". */
static int
take_call(struct text *rest, struct filter_clause *c, struct err *err)
{
    bool starts = text_is_nocase(c->field, "startswith");
    bool contains = text_is_nocase(c->field, "substringof");
    struct text field;

    c->op = FILTER_CALL;
    c->value = (struct text){ NULL, 0 };
    if (!starts && !contains) {
        if (take_char(rest, ')'))
            return 0;
        if (take_value(rest, &c->value, err) < 0)
            return -1;
        return take_char(rest, ')') ? 0 : refuse(*rest, "\")\"", err);
    }
    c->op = starts ? FILTER_STARTS : FILTER_CONTAINS;
    if (contains && (take_value(rest, &c->value, err) < 0 || !take_char(rest, ',')))
        return err->kind != ERR_OK ? -1 : refuse(*rest, "\",\"", err);
    if (!take_word(rest, &field))
        return refuse(*rest, "a field", err);
    c->field = field;
    if (starts && !take_char(rest, ','))
        return refuse(*rest, "\",\"", err);
    if (starts && take_value(rest, &c->value, err) < 0)
        return -1;
    return take_char(rest, ')') ? 0 : refuse(*rest, "\")\"", err);
}

static int
take_clause(struct text *rest, struct filter_clause *c, struct err *err)
{
    if (!take_word(rest, &c->field))
        return refuse(*rest, "a field or a function", err);
    if (take_char(rest, '('))
        return take_call(rest, c, err);
    return take_comparison(rest, c, err);
}

int
filter_parse(struct text t, struct filter *out, struct err *err)
{
    struct filter f = { .n = 0 };
    struct text word;

    if (t.n > FILTER_MAX)
        return err_code(err, ERR_INVALID, "InvalidFilterInQueryString",
                        "$filter is longer than %d bytes", FILTER_MAX);
    skip_spaces(&t);
    while (t.n > 0) {
        if (f.n == FILTER_CLAUSES_MAX)
            return err_code(err, ERR_INVALID, "InvalidFilterInQueryString",
                            "$filter has more than %d clauses", FILTER_CLAUSES_MAX);
        if (take_clause(&t, &f.clauses[f.n++], err) < 0)
            return -1;
        skip_spaces(&t);
        if (t.n == 0)
            break;
        if (!take_word(&t, &word) || !text_is_nocase(word, "and"))
            return refuse(t, "\"and\"", err);
        skip_spaces(&t);
        if (t.n == 0)
            return refuse(t, "a clause", err);
    }
    *out = f;
    return 0;
}

int
filter_value(const struct filter_clause *c, struct arena *arena, struct text *out, struct err *err)
{
    char *p;
    size_t n = 0;

    if (text_find(c->value, '\'') < 0) {
        *out = c->value;
        return 0;
    }
    if ((p = arena_take(arena, c->value.n)) == NULL)
        return err_memory(err);
    for (size_t i = 0; i < c->value.n; i++) {
        p[n++] = c->value.p[i];
        i += c->value.p[i] == '\''; /* the second of two */
    }
    *out = text_from(p, n);
    return 0;
}
