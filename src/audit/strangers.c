#include "audit/strangers.h"

#include <arpa/inet.h>
#include <stdatomic.h>

#include "base/id.h"
#include "base/mem.h"

struct strangers {
    uint64_t seed;
    /* Up to when an address has used what it got; further back than the burst it does not save. */
    _Atomic(int64_t) used_until[STRANGERS_SLOTS];
};

struct strangers *
strangers_new(void)
{
    struct strangers *s = mem_zalloc(sizeof(*s));

    if (s == NULL)
        return NULL;
    id_random(&s->seed, sizeof(s->seed));
    for (size_t i = 0; i < STRANGERS_SLOTS; i++)
        atomic_init(&s->used_until[i], INT64_MIN);
    return s;
}

void
strangers_free(struct strangers *s)
{
    mem_free(s);
}

/* S2 */
static uint64_t
hash_of(const struct strangers *s, struct text address)
{
    struct in6_addr in6;
    char copy[INET6_ADDRSTRLEN];

    if (text_copy(address, copy, sizeof(copy)) && inet_pton(AF_INET6, copy, &in6) == 1 &&
        !IN6_IS_ADDR_V4MAPPED(&in6))
        return text_hash(text_from((const char *)in6.s6_addr, 8), s->seed);
    return text_hash(address, s->seed);
}

bool
strangers_take(struct strangers *s, struct text address, int64_t now_us)
{
    _Atomic(int64_t) *slot = &s->used_until[hash_of(s, address) % STRANGERS_SLOTS];
    int64_t oldest = now_us - STRANGERS_BURST * STRANGERS_STEP_US;
    int64_t old = atomic_load(slot), used;

    do {
        used = (old > oldest ? old : oldest) + STRANGERS_STEP_US;
        if (used > now_us)
            return false;
    } while (!atomic_compare_exchange_weak(slot, &old, used));
    return true;
}
