/*
 * Whatever a client asks for: grants name valid things once, and hold only what words say (S1, S2
 * of token/token_scope.h); asking twice changes nothing.
 */
#include "../property.h"
#include "token/token_scope.h"
#include "wire/reference.h"

static void
check(const struct token_scopes *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct grant *g = &s->grants[i];

        if (text_is(g->type, "registry"))
            PROPERTY(text_is(g->name, "catalog") && (g->actions & ~GRANT_CATALOG) == 0);
        else
            PROPERTY(text_is(g->type, "repository") && reference_name_ok(g->name) &&
                     (g->actions & GRANT_CATALOG) == 0);
        for (size_t j = 0; j < i; j++)
            PROPERTY(!text_equal(g->type, s->grants[j].type) ||
                     !text_equal(g->name, s->grants[j].name));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct token_scopes once = { .n = 0 }, twice;
    struct err err = { 0 };

    if (token_scopes_add(&once, text_from(bytes, n), &err) < 0) {
        PROPERTY(err.kind == ERR_TOO_LARGE && once.n == TOKEN_SCOPES_MAX);
        check(&once);
        return 0;
    }
    check(&once);
    twice = once;
    PROPERTY(token_scopes_add(&twice, text_from(bytes, n), &err) == 0 && twice.n == once.n);
    for (size_t i = 0; i < once.n; i++)
        PROPERTY(once.grants[i].actions == twice.grants[i].actions);
    return 0;
}
