/*
 * scope.h - resource ids as places in a tree.
 *
 * Invariants:
 *   C1  two spellings of one scope have one key: ASCII lower case, no empty segments, no slash at
 *       the end; the root is the empty key;
 *   C2  a scope covers another exactly when its key is a prefix that ends at a segment's end.
 */
#ifndef ACCESS_SCOPE_H
#define ACCESS_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "access/access.h"
#include "base/text.h"

struct scope_key {
    size_t n;
    char p[ACCESS_SCOPE_MAX];
};

/* scope_key_of(scope, out): false when it does not begin with "/" or is too long. */
bool scope_key_of(struct text scope, struct scope_key *out);

#endif /* ACCESS_SCOPE_H */
