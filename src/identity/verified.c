#include "identity/verified.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"

#define SHARDS 64
#define WAYS   8
#define SETS   (VERIFIED_MAX / SHARDS / WAYS)

/* A caller in one piece: the struct, its grants, their texts; pointers point into the piece. */
struct piece {
    size_t n;
    struct caller caller;
    /* grants and bytes follow */
};

struct entry {
    uint8_t key[HMAC_LEN];
    uint64_t generation;
    int64_t expires_us;  /* 0: free */
    struct piece *piece; /* owned */
};

struct shard {
    pthread_mutex_t lock; /* guards set */
    struct entry set[SETS][WAYS];
};

struct verified {
    struct shard shard[SHARDS];
};

struct verified *
verified_new(void)
{
    struct verified *v = mem_zalloc(sizeof(*v));

    for (size_t i = 0; v != NULL && i < SHARDS; i++)
        (void)pthread_mutex_init(&v->shard[i].lock, NULL);
    return v;
}

void
verified_free(struct verified *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        for (size_t j = 0; j < SETS * WAYS; j++)
            mem_free(v->shard[i].set[j / WAYS][j % WAYS].piece);
        (void)pthread_mutex_destroy(&v->shard[i].lock);
    }
    mem_free(v);
}

static struct shard *
shard_of(struct verified *v, const uint8_t *key)
{
    return &v->shard[key[0] % SHARDS];
}

static struct entry *
set_of(struct shard *s, const uint8_t *key)
{
    return s->set[key[1] % SETS];
}

/* Move a text from one place of the piece's bytes to another piece's. */
static struct text
moved(struct text t, const struct piece *from, const struct piece *to)
{
    return text_from((const char *)to + (t.p - (const char *)from), t.n);
}

static void
copy_out(const struct piece *from, struct piece *to, struct caller *out)
{
    struct grant *grants = (struct grant *)(to + 1);

    memcpy(to, from, from->n);
    to->caller.name = moved(from->caller.name, from, to);
    to->caller.grants = grants;
    for (size_t i = 0; i < to->caller.n_grants; i++) {
        grants[i].type = moved(grants[i].type, from, to);
        grants[i].name = moved(grants[i].name, from, to);
    }
    *out = to->caller;
}

bool
verified_get(struct verified *v, const uint8_t key[static HMAC_LEN], uint64_t generation,
             int64_t now_us, struct arena *arena, struct caller *out)
{
    struct shard *s = shard_of(v, key);
    const struct entry *e = set_of(s, key);
    bool found = false;

    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < WAYS && !found; i++, e++) {
        struct piece *copy;

        if (e->expires_us <= now_us || e->generation != generation ||
            memcmp(e->key, key, HMAC_LEN) != 0)
            continue;
        if ((copy = arena_take(arena, e->piece->n)) == NULL)
            break;
        copy_out(e->piece, copy, out);
        found = true;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

/* ---- putting ---- */

static struct text
append(char **at, struct text t)
{
    char *p = *at;

    if (t.n > 0)
        memcpy(p, t.p, t.n);
    *at += t.n;
    return text_from(p, t.n);
}

static struct piece *
piece_of(const struct caller *c)
{
    size_t n = sizeof(struct piece) + c->name.n;
    struct piece *p;
    struct grant *grants;
    char *at;

    if (c->n_grants > VERIFIED_BYTES_MAX / sizeof(*grants))
        return NULL;
    n += c->n_grants * sizeof(*grants);
    for (size_t i = 0; i < c->n_grants; i++)
        n += c->grants[i].type.n + c->grants[i].name.n;
    if (n > VERIFIED_BYTES_MAX || (p = mem_zalloc(n)) == NULL)
        return NULL;
    p->n = n;
    p->caller = *c;
    grants = (struct grant *)(p + 1);
    at = (char *)(grants + c->n_grants);
    p->caller.name = append(&at, c->name);
    p->caller.grants = grants;
    for (size_t i = 0; i < c->n_grants; i++)
        grants[i] = (struct grant){ append(&at, c->grants[i].type), append(&at, c->grants[i].name),
                                    c->grants[i].actions };
    return p;
}

void
verified_put(struct verified *v, const uint8_t key[static HMAC_LEN], uint64_t generation,
             int64_t expires_us, const struct caller *caller)
{
    struct shard *s = shard_of(v, key);
    struct entry *set = set_of(s, key), *victim = set;
    struct piece *fresh = piece_of(caller), *old;

    if (fresh == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].generation != generation || memcmp(set[i].key, key, HMAC_LEN) == 0) {
            victim = &set[i];
            break;
        }
        if (set[i].expires_us < victim->expires_us)
            victim = &set[i];
    }
    old = victim->piece;
    memcpy(victim->key, key, HMAC_LEN);
    victim->generation = generation;
    victim->expires_us = expires_us;
    victim->piece = fresh;
    (void)pthread_mutex_unlock(&s->lock);
    mem_free(old);
}
