/*
 * claim.h - who is using which upload session: one at a time (U3).
 *
 * Threads: a struct claims is shared by all; a claim lies in its user's memory until given back.
 */
#ifndef STORE_CLAIM_H
#define STORE_CLAIM_H

#include <pthread.h>
#include <stdbool.h>

#include "base/id.h"

#define CLAIM_SETS 64

struct claim {
    struct claim *next;
    char id[ID_LEN + 1];
};

struct claims {
    pthread_mutex_t lock;
    struct claim *sets[CLAIM_SETS];
};

void claims_init(struct claims *claims);
void claims_end(struct claims *claims);

/* claim_take(claims, claim, id): false when it is taken, or no UUID. */
bool claim_take(struct claims *claims, struct claim *claim, const char *id);

/* claim_give(claims, claim): harmless when it was not taken. */
void claim_give(struct claims *claims, struct claim *claim);

#endif /* STORE_CLAIM_H */
