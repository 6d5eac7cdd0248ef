/* yaml_plain.c - types of plain scalars (YAML 1.2.2, 10.3.2, "Tag Resolution"). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/octet.h"
#include "wire/yaml_priv.h"

static bool
is_one_of(struct text t, const char *const *words)
{
    for (; *words != NULL; words++)
        if (text_is(t, *words))
            return true;
    return false;
}

/* Take the digits at the start of ${t}; how many there were. */
static size_t
cut_digits(struct text *t)
{
    size_t n = 0;

    while (n < t->n && octet_is(t->p[n], OCTET_DIGIT))
        n++;
    *t = text_after(*t, n);
    return n;
}

static void
cut_sign(struct text *t)
{
    if (t->n > 0 && (*t->p == '-' || *t->p == '+'))
        *t = text_after(*t, 1);
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool
is_float(struct text t)
{
    size_t whole, fraction = 0;

    cut_sign(&t);
    whole = cut_digits(&t);
    if (t.n > 0 && *t.p == '.') {
        t = text_after(t, 1);
        fraction = cut_digits(&t);
    }
    if (whole + fraction == 0)
        return false;
    if (t.n > 0 && (*t.p == 'e' || *t.p == 'E')) {
        t = text_after(t, 1);
        cut_sign(&t);
        if (cut_digits(&t) == 0)
            return false;
    }
    return t.n == 0;
}

/* The base of a whole number, or 0 when ${t} is none. */
static int
base_of(struct text t)
{
    struct text digits = text_after(t, 2);

    if (text_starts(t, "0x") && digits.n > 0 && octet_all(digits, OCTET_HEX))
        return 16;
    if (text_starts(t, "0o") && digits.n > 0) {
        for (size_t i = 0; i < digits.n; i++)
            if (digits.p[i] < '0' || digits.p[i] > '7')
                return 0;
        return 8;
    }
    cut_sign(&t);
    return t.n > 0 && octet_all(t, OCTET_DIGIT) ? 10 : 0;
}

static json_t *
whole_number(struct text t, int base, const char **problem)
{
    long long v;

    errno = 0;
    v = strtoll(base == 10 ? t.p : t.p + 2, NULL, base);
    if (errno == 0)
        return json_integer(v);
    *problem = "the number has more than 64 bits (quote it, if it is a text)";
    return NULL;
}

json_t *
yaml_plain(struct text value, const char **problem)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const trues[] = { "true", "True", "TRUE", NULL };
    static const char *const falses[] = { "false", "False", "FALSE", NULL };
    static const char *const not_json[] = { ".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                            "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
                                            ".NaN",  ".NAN",  NULL };
    double number;
    int base;

    if (is_one_of(value, nulls))
        return json_null();
    if (is_one_of(value, trues))
        return json_true();
    if (is_one_of(value, falses))
        return json_false();
    if ((base = base_of(value)) != 0)
        return whole_number(value, base, problem);
    if (!is_one_of(value, not_json) && !is_float(value))
        return json_from(value);
    number = is_float(value) ? strtod(value.p, NULL) : (double)INFINITY;
    if (isfinite(number))
        return json_real(number);
    *problem = "a number without a finite value";
    return NULL;
}
