/* Clauses are whole, and their texts lie inside what was given (F1, F2). */
#include "../property.h"
#include "wire/filter.h"

static void
is_inside(struct text part, struct text whole)
{
    PROPERTY(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct text t = text_from(data, n);
    struct filter f;
    struct err err = { 0 };

    if (filter_parse(t, &f, &err) != 0) {
        PROPERTY(err.kind == ERR_INVALID && err.code != NULL && text_is_utf8(text_of(err.msg)));
        return 0;
    }
    PROPERTY(f.n <= FILTER_CLAUSES_MAX && n <= FILTER_MAX);
    PROPERTY(f.n > 0 || text_trim(t).n == 0);
    for (size_t i = 0; i < f.n; i++) {
        is_inside(f.clauses[i].field, t);
        is_inside(f.clauses[i].value, t);
        PROPERTY(f.clauses[i].field.n > 0);
        PROPERTY(f.clauses[i].value.p != NULL || f.clauses[i].op == FILTER_CALL);
    }
    return 0;
}
