/*
 * token_scope.h - the scopes of Docker's token specification: "repository:app/web:push,pull".
 *
 * Invariants:
 *   S1  scopes of one thing are one grant, whatever their order and number;
 *   S2  "*" is every action a thing has; what is no scope, no valid repository name, or an unknown
 *       action is dropped silently;
 *   S3  at most TOKEN_SCOPES_MAX grants; more is ERR_TOO_LARGE.
 */
#ifndef TOKEN_TOKEN_SCOPE_H
#define TOKEN_TOKEN_SCOPE_H

#include "base/err.h"
#include "base/text.h"
#include "identity/caller.h"

#define TOKEN_SCOPES_MAX 64

struct token_scopes {
    struct grant grants[TOKEN_SCOPES_MAX]; /* texts point into what was added */
    size_t n;
};

/* token_scopes_add(s, text, err): ${text} is one scope, or several separated by spaces. */
MUST_CHECK int token_scopes_add(struct token_scopes *s, struct text text, struct err *err);

/* token_scope_action(bit): the Azure action that a grant stands for. */
const char *token_scope_action(unsigned bit);

#endif /* TOKEN_TOKEN_SCOPE_H */
