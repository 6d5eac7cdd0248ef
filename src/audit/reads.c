#include "audit/reads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

#define MERGED (READS_STRIPES * READS_PER_STRIPE)

struct entry {
    uint64_t hash;
    struct audit_record r; /* its texts are in the pool */
    struct digest digest;
};

/* A set of different reads: open addressing over entries that never move. */
struct table {
    struct entry *entries;
    uint16_t *slots; /* index + 1; 0: free */
    char *pool;
    size_t cap; /* entries; slots has twice as many, a power of two */
    size_t pool_cap;
    size_t n;
    size_t pool_n;
};

struct stripe {
    pthread_mutex_t lock; /* guards the two below */
    struct table *noting;
    uint64_t dropped;
} __attribute__((aligned(128)));

struct reads {
    uint64_t seed;
    struct stripe stripes[READS_STRIPES];
    struct table *spare;  /* changes places with a stripe's */
    struct table *merged; /* of all stripes */
    uint64_t dropped;     /* not recorded yet */
};

static void
table_free(struct table *t)
{
    if (t == NULL)
        return;
    mem_free(t->entries);
    mem_free(t->slots);
    mem_free(t->pool);
    mem_free(t);
}

static struct table *
table_new(size_t cap, size_t pool_cap)
{
    struct table *t = mem_zalloc(sizeof(*t));

    if (t == NULL)
        return NULL;
    t->cap = cap;
    t->pool_cap = pool_cap;
    t->entries = mem_zalloc(cap * sizeof(*t->entries));
    t->slots = mem_zalloc(2 * cap * sizeof(*t->slots));
    t->pool = mem_zalloc(pool_cap);
    if (t->entries == NULL || t->slots == NULL || t->pool == NULL) {
        table_free(t);
        return NULL;
    }
    return t;
}

static void
table_clear(struct table *t)
{
    if (t->n > 0)
        memset(t->slots, 0, 2 * t->cap * sizeof(*t->slots));
    t->n = t->pool_n = 0;
}

/* Eight bytes at a step: names are long, and this runs for every request. */
static uint64_t
mix(uint64_t h, struct text t)
{
    uint64_t word = 0;

    h = (h ^ t.n) * 0x9e3779b97f4a7c15U;
    for (; t.n >= sizeof(word); t = text_after(t, sizeof(word))) {
        memcpy(&word, t.p, sizeof(word));
        h = (h ^ word) * 0x9fb21c651e98df25U;
        h ^= h >> 32;
    }
    word = 0;
    if (t.n > 0)
        memcpy(&word, t.p, t.n);
    h = (h ^ word) * 0x9fb21c651e98df25U;
    return h ^ (h >> 29);
}

static uint64_t
hash_of(const struct audit_record *r, uint64_t seed)
{
    uint64_t h = mix(seed ^ (uint64_t)r->verdict ^ (uint64_t)r->status << 8, text_of(r->caller_id));

    h = mix(h, r->address);
    h = mix(h, r->action);
    h = mix(h, r->scope);
    h = mix(h, r->rule);
    h = mix(h, r->target);
    h = mix(h, r->result);
    if (r->digest != NULL)
        h = mix(h, text_from(r->digest->bytes, 32));
    return h;
}

static bool
same_digest(const struct digest *a, const struct digest *b)
{
    return a == b || (a != NULL && b != NULL && digest_equal(a, b));
}

/* U3, and what would be lost by merging more: target, result and status. */
static bool
same(const struct audit_record *a, const struct audit_record *b)
{
    return a->verdict == b->verdict && a->status == b->status && text_equal(a->scope, b->scope) &&
           text_equal(a->action, b->action) && text_equal(a->target, b->target) &&
           text_equal(a->address, b->address) && text_equal(a->rule, b->rule) &&
           text_equal(a->result, b->result) && same_digest(a->digest, b->digest) &&
           text_equal(text_of(a->caller_id), text_of(b->caller_id)) &&
           text_equal(text_of(a->caller_kind), text_of(b->caller_kind));
}

static struct text
keep(struct table *t, struct text given)
{
    char *p = t->pool + t->pool_n;

    if (given.n > 0)
        memcpy(p, given.p, given.n);
    p[given.n] = '\0';
    t->pool_n += given.n + 1;
    return text_from(p, given.n);
}

static bool
fits(const struct table *t, const struct audit_record *r)
{
    struct text cstrings[] = { text_of(r->request_id), text_of(r->caller_kind),
                               text_of(r->caller_id) };
    size_t need = r->caller_name.n + r->address.n + r->action.n + r->scope.n + r->rule.n +
                  r->role.n + r->result.n + r->target.n + r->detail.n + 16;

    for (size_t i = 0; i < sizeof(cstrings) / sizeof(cstrings[0]); i++)
        need += cstrings[i].n;
    return t->n < t->cap && need <= t->pool_cap - t->pool_n;
}

static void
insert(struct table *t, size_t slot, uint64_t hash, const struct audit_record *r)
{
    struct entry *e = &t->entries[t->n];

    e->hash = hash;
    e->r = *r;
    e->r.request_id = keep(t, text_of(r->request_id)).p;
    e->r.caller_kind = keep(t, text_of(r->caller_kind)).p;
    e->r.caller_id = keep(t, text_of(r->caller_id)).p;
    e->r.caller_name = keep(t, r->caller_name);
    e->r.address = keep(t, r->address);
    e->r.action = keep(t, r->action);
    e->r.scope = keep(t, r->scope);
    e->r.rule = keep(t, r->rule);
    e->r.role = keep(t, r->role);
    e->r.result = keep(t, r->result);
    e->r.target = keep(t, r->target);
    e->r.detail = keep(t, r->detail);
    if (r->digest != NULL) {
        e->digest = *r->digest;
        e->r.digest = &e->digest;
    }
    t->slots[slot] = (uint16_t)++t->n;
}

static bool
add(struct table *t, uint64_t hash, const struct audit_record *r)
{
    size_t slot = hash & (2 * t->cap - 1);

    for (; t->slots[slot] != 0; slot = (slot + 1) & (2 * t->cap - 1)) {
        struct entry *e = &t->entries[t->slots[slot] - 1];

        if (e->hash != hash || !same(&e->r, r))
            continue;
        e->r.count += r->count;
        if (r->duration_us > e->r.duration_us)
            e->r.duration_us = r->duration_us;
        return true;
    }
    if (!fits(t, r))
        return false;
    insert(t, slot, hash, r);
    return true;
}

/* Threads take stripes in turn: two share one only when there are more than READS_STRIPES. */
static size_t
stripe_of_thread(void)
{
    static atomic_uint next;
    static _Thread_local unsigned mine;

    if (mine == 0)
        mine = 1 + atomic_fetch_add(&next, 1) % READS_STRIPES;
    return mine - 1;
}

bool
reads_note(struct reads *rs, const struct audit_record *r)
{
    struct stripe *s = &rs->stripes[stripe_of_thread()];
    uint64_t hash = hash_of(r, rs->seed);
    bool nearly_full;

    (void)pthread_mutex_lock(&s->lock);
    if (!add(s->noting, hash, r))
        s->dropped += r->count;
    nearly_full =
        s->noting->n > READS_PER_STRIPE * 3 / 4 || s->noting->pool_n > READS_STRIPE_POOL * 3 / 4;
    (void)pthread_mutex_unlock(&s->lock);
    return nearly_full;
}

static void
drain_stripe(struct reads *rs, struct stripe *s)
{
    struct table *full;

    (void)pthread_mutex_lock(&s->lock);
    full = s->noting;
    s->noting = rs->spare;
    rs->dropped += s->dropped;
    s->dropped = 0;
    (void)pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < full->n; i++)
        if (!add(rs->merged, full->entries[i].hash, &full->entries[i].r))
            rs->dropped += full->entries[i].r.count;
    table_clear(full);
    rs->spare = full;
}

void
reads_drain(struct reads *rs)
{
    for (size_t i = 0; i < READS_STRIPES; i++)
        drain_stripe(rs, &rs->stripes[i]);
}

size_t
reads_count(const struct reads *rs)
{
    return rs->merged->n;
}

const struct audit_record *
reads_at(const struct reads *rs, size_t i)
{
    return &rs->merged->entries[i].r;
}

uint64_t
reads_dropped(const struct reads *rs)
{
    return rs->dropped;
}

void
reads_written(struct reads *rs)
{
    table_clear(rs->merged);
    rs->dropped = 0;
}

struct reads *
reads_new(void)
{
    struct reads *rs = NULL;
    bool whole;

    if ((rs = mem_zalloc(sizeof(*rs))) == NULL)
        return NULL;
    id_random(&rs->seed, sizeof(rs->seed));
    rs->spare = table_new(READS_PER_STRIPE, READS_STRIPE_POOL);
    rs->merged = table_new(MERGED, READS_STRIPES * READS_STRIPE_POOL);
    whole = rs->spare != NULL && rs->merged != NULL;
    for (size_t i = 0; i < READS_STRIPES; i++) {
        (void)pthread_mutex_init(&rs->stripes[i].lock, NULL);
        rs->stripes[i].noting = table_new(READS_PER_STRIPE, READS_STRIPE_POOL);
        whole = whole && rs->stripes[i].noting != NULL;
    }
    if (!whole) {
        reads_free(rs);
        return NULL;
    }
    return rs;
}

void
reads_free(struct reads *rs)
{
    if (rs == NULL)
        return;
    for (size_t i = 0; i < READS_STRIPES; i++) {
        table_free(rs->stripes[i].noting);
        (void)pthread_mutex_destroy(&rs->stripes[i].lock);
    }
    table_free(rs->spare);
    table_free(rs->merged);
    mem_free(rs);
}
