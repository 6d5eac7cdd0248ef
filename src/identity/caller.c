#include "identity/caller.h"

static const struct {
    const char *word;
    unsigned bit;
} words[] = {
    { "pull", GRANT_PULL },
    { "push", GRANT_PUSH },
    { "delete", GRANT_DELETE },
    { "metadata_read", GRANT_METADATA_READ },
    { "metadata_write", GRANT_METADATA_WRITE },
    { "*", GRANT_CATALOG },
};

const char *
caller_kind_name(enum caller_kind kind)
{
    switch (kind) {
    case CALLER_ANONYMOUS: return "Anonymous";
    case CALLER_USER: return "User";
    case CALLER_SERVICE_PRINCIPAL: return "ServicePrincipal";
    case CALLER_SYSTEM: return "System";
    }
    return "Anonymous";
}

unsigned
grant_bit(struct text word)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (text_is(word, words[i].word))
            return words[i].bit;
    return 0;
}

const char *
grant_word(unsigned bit)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i].bit == bit)
            return words[i].word;
    return NULL;
}

bool
caller_holds(const struct caller *c, struct text type, struct text name, unsigned bits)
{
    if (!c->limited)
        return true;
    for (size_t i = 0; i < c->n_grants; i++) {
        const struct grant *g = &c->grants[i];

        if (text_equal(g->type, type) && text_equal(g->name, name))
            bits &= ~g->actions;
    }
    return bits == 0;
}
