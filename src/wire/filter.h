/*
 * filter.h - the simple forms of OData's $filter that clients of ARM send.
 *
 *   clause [and clause]...
 *   clause:  FIELD eq|ne|gt|ge|lt|le VALUE
 *            startswith(FIELD, VALUE)   substringof(VALUE, FIELD)
 *            NAME()   NAME(VALUE)       atScope(), assignedTo('id')
 *   VALUE:   'text' with '' for a quote, or a word such as a number, true, or a time
 *
 * Invariants:
 *   F1  what is not of these forms is refused, never read as something weaker;
 *   F2  every text points into what was given; values still hold '' where a quote was doubled.
 */
#ifndef WIRE_FILTER_H
#define WIRE_FILTER_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

#define FILTER_CLAUSES_MAX 12
#define FILTER_MAX         4096 /* bytes */

enum filter_op {
    FILTER_EQ,
    FILTER_NE,
    FILTER_GT,
    FILTER_GE,
    FILTER_LT,
    FILTER_LE,
    FILTER_STARTS,
    FILTER_CONTAINS,
    FILTER_CALL, /* field is the function's name; value may be empty */
};

struct filter_clause {
    struct text field; /* may hold dots and slashes: "properties/roleName" */
    enum filter_op op;
    struct text value; /* p NULL only for NAME() */
};

struct filter {
    struct filter_clause clauses[FILTER_CLAUSES_MAX];
    size_t n;
};

/* filter_parse(t, out, err): an empty ${t} has no clauses. */
MUST_CHECK int filter_parse(struct text t, struct filter *out, struct err *err);

/* filter_value(c, arena, out, err): its value as it was meant: doubled quotes are one (F2). */
MUST_CHECK int filter_value(const struct filter_clause *c, struct arena *arena, struct text *out,
                            struct err *err);

#endif /* WIRE_FILTER_H */
