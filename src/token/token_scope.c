#include "token/token_scope.h"

#include "wire/reference.h"

#define REGISTRIES "Microsoft.ContainerRegistry/registries/"

static const struct {
    unsigned bit;
    const char *action;
} actions[] = {
    { GRANT_PULL, REGISTRIES "pull/read" },
    { GRANT_PUSH, REGISTRIES "push/write" },
    { GRANT_DELETE, REGISTRIES "artifacts/delete" },
    { GRANT_METADATA_READ, REGISTRIES "metadata/read" },
    { GRANT_METADATA_WRITE, REGISTRIES "metadata/write" },
    { GRANT_CATALOG, REGISTRIES "catalog/read" },
};

const char *
token_scope_action(unsigned bit)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (actions[i].bit == bit)
            return actions[i].action;
    return NULL;
}

/* "type:name:actions"; a name may have colons of its own. */
static bool
split(struct text scope, struct grant *out, struct text *words)
{
    ptrdiff_t first = text_find(scope, ':');
    size_t last = scope.n;

    while (last > 0 && scope.p[last - 1] != ':')
        last--;
    if (first < 0 || last <= (size_t)first + 1)
        return false;
    out->type = text_first(scope, (size_t)first);
    out->name = text_first(text_after(scope, (size_t)first + 1), last - 1 - ((size_t)first + 1));
    *words = text_after(scope, last);
    return true;
}

#define REPOSITORY_BITS                                                                            \
    (GRANT_PULL | GRANT_PUSH | GRANT_DELETE | GRANT_METADATA_READ | GRANT_METADATA_WRITE)

/* "*" is all there is: skopeo asks so before it deletes. */
static unsigned
bits_of(struct text words, unsigned possible)
{
    struct text word;
    unsigned bits = 0;

    while (text_cut(&words, ',', &word))
        bits |= text_is(word, "*") ? possible : grant_bit(word);
    return bits & possible;
}

/* S2 */
static bool
read_scope(struct text scope, struct grant *out)
{
    struct text words;

    if (!split(scope, out, &words))
        return false;
    if (text_is(out->type, "registry") && text_is(out->name, "catalog")) {
        out->actions = bits_of(words, GRANT_CATALOG);
        return true;
    }
    if (!text_is(out->type, "repository") || !reference_name_ok(out->name))
        return false;
    out->actions = bits_of(words, REPOSITORY_BITS);
    return true;
}

static struct grant *
same_thing(struct token_scopes *s, const struct grant *g)
{
    for (size_t i = 0; i < s->n; i++)
        if (text_equal(s->grants[i].type, g->type) && text_equal(s->grants[i].name, g->name))
            return &s->grants[i];
    return NULL;
}

int
token_scopes_add(struct token_scopes *s, struct text text, struct err *err)
{
    struct text one;

    while (text_cut(&text, ' ', &one)) {
        struct grant g, *there;

        if (!read_scope(one, &g))
            continue;
        if ((there = same_thing(s, &g)) != NULL) {
            there->actions |= g.actions;
            continue;
        }
        if (s->n == TOKEN_SCOPES_MAX)
            return err_set(err, ERR_TOO_LARGE, "a token is for at most %d scopes",
                           TOKEN_SCOPES_MAX);
        s->grants[s->n++] = g;
    }
    return 0;
}
