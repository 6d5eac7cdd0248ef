#include "access/scope.h"

bool
scope_key_of(struct text scope, struct scope_key *out)
{
    size_t n = 0;

    if (scope.n == 0 || scope.p[0] != '/' || scope.n > ACCESS_SCOPE_MAX)
        return false;
    for (size_t i = 0; i < scope.n; i++) {
        char c = scope.p[i];

        if (c == '/' && (i + 1 == scope.n || scope.p[i + 1] == '/'))
            continue; /* an empty segment follows, or nothing */
        out->p[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out->n = n;
    return true;
}
