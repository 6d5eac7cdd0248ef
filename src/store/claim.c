#include "store/claim.h"

#include <string.h>

#include "base/text.h"

void
claims_init(struct claims *claims)
{
    *claims = (struct claims){ 0 };
    (void)pthread_mutex_init(&claims->lock, NULL);
}

void
claims_end(struct claims *claims)
{
    (void)pthread_mutex_destroy(&claims->lock);
}

static struct claim **
set_of(struct claims *claims, const char *id)
{
    return &claims->sets[text_hash(text_of(id), 0) % CLAIM_SETS];
}

bool
claim_take(struct claims *claims, struct claim *claim, const char *id)
{
    struct claim **set = set_of(claims, id);
    bool free = id_is(text_of(id)) && text_copy(text_of(id), claim->id, sizeof(claim->id));

    (void)pthread_mutex_lock(&claims->lock);
    for (const struct claim *c = *set; c != NULL && free; c = c->next)
        free = strcmp(c->id, id) != 0;
    if (free) {
        claim->next = *set;
        *set = claim;
    }
    (void)pthread_mutex_unlock(&claims->lock);
    return free;
}

void
claim_give(struct claims *claims, struct claim *claim)
{
    struct claim **at = set_of(claims, claim->id);

    (void)pthread_mutex_lock(&claims->lock);
    while (*at != NULL && *at != claim)
        at = &(*at)->next;
    if (*at != NULL)
        *at = claim->next;
    (void)pthread_mutex_unlock(&claims->lock);
}
