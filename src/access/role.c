#include "access/role.h"

#include <string.h>

#include "access/roles.h"

#define CACHE_SLOTS  16
#define CACHE_ACTION 112 /* longer actions are not remembered */

static char
fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Greedy with one point to come back to: linear in practice, never exponential. */
bool
role_matches(const char *pattern, struct text action)
{
    const char *star = NULL;
    size_t at = 0, back = 0;

    while (at < action.n) {
        if (*pattern == '*') {
            star = ++pattern;
            back = at;
        } else if (*pattern != '\0' && fold(*pattern) == fold(action.p[at])) {
            pattern++;
            at++;
        } else if (star != NULL) {
            pattern = star;
            at = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool
any_matches(const char *const *patterns, struct text action)
{
    for (; patterns != NULL && *patterns != NULL; patterns++)
        if (role_matches(*patterns, action))
            return true;
    return false;
}

bool
role_allows(const struct role *role, struct text action)
{
    return any_matches(role->actions, action) && !any_matches(role->not_actions, action);
}

bool
role_reads(const struct role *role)
{
    for (const char *const *p = role->actions; *p != NULL; p++)
        if (text_ends(text_of(*p), "/read") || text_ends(text_of(*p), "*"))
            return true;
    return false;
}

const struct role *
access_roles(size_t *n)
{
    *n = ROLES_COUNT;
    return roles_built_in;
}

const struct role *
access_role_find(struct text id_or_name)
{
    struct text last = id_or_name;

    for (size_t i = 0; i < id_or_name.n; i++)
        if (id_or_name.p[i] == '/')
            last = text_after(id_or_name, i + 1);
    for (size_t i = 0; i < ROLES_COUNT; i++)
        if (text_equal_nocase(last, text_of(roles_built_in[i].id)) ||
            text_equal_nocase(id_or_name, text_of(roles_built_in[i].name)))
            return &roles_built_in[i];
    return NULL;
}

/* ---- the nearest role ---- */

/* How much a role gives: exact actions count little, wildcards by how far they reach. */
static unsigned
breadth(const struct role *role)
{
    unsigned sum = 0;

    for (const char *const *p = role->actions; *p != NULL; p++) {
        if (strcmp(*p, "*") == 0)
            sum += 100000;
        else if (**p == '*')
            sum += 10000;
        else
            sum += strchr(*p, '*') != NULL ? 100 : 1;
    }
    return role->not_actions != NULL ? sum - 1 : sum;
}

static const struct role *
search(struct text action)
{
    const struct role *best = NULL;

    for (size_t i = 0; i < ROLES_COUNT; i++) {
        const struct role *r = &roles_built_in[i];

        if (role_allows(r, action) && (best == NULL || breadth(r) < breadth(best)))
            best = r;
    }
    return best;
}

/* Refusals come in rows (a list that is filtered, a client that insists): remember the last few. */
const struct role *
role_nearest(struct text action)
{
    static _Thread_local struct {
        char action[CACHE_ACTION];
        size_t n; /* 0: free */
        const struct role *role;
    } cache[CACHE_SLOTS];
    size_t slot = (size_t)text_hash(action, 0) % CACHE_SLOTS;

    if (action.n == 0 || action.n > CACHE_ACTION)
        return search(action);
    if (!text_equal(text_from(cache[slot].action, cache[slot].n), action)) {
        cache[slot].role = search(action);
        memcpy(cache[slot].action, action.p, action.n);
        cache[slot].n = action.n;
    }
    return cache[slot].role;
}
