/*
 * member.h - which members an object of a client's document may have, as a table.
 *
 * Invariants:
 *   M1  a member that is in no row is refused by its path: nothing is left out in silence;
 *   M2  a member that we do not act on yet is accepted only while it asks for nothing (null, or an
 *       empty array or object).
 */
#ifndef INSTANCES_MEMBER_H
#define INSTANCES_MEMBER_H

#include <jansson.h>

#include "base/err.h"

enum member_rule {
    MEMBER_TAKEN,     /* read by the caller */
    MEMBER_READ_ONLY, /* of answers: dropped, as clients send back what they got */
    MEMBER_NOT_YET,   /* understood and not done: see why */
};

struct member {
    const char *name; /* NULL ends the table */
    enum member_rule rule;
    const char *why; /* MEMBER_NOT_YET: what to say */
};

MUST_CHECK int member_check(const json_t *object, const struct member *table, struct err *err);

#endif /* INSTANCES_MEMBER_H */
