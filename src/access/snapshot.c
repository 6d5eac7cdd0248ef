#include "access/snapshot.h"

#include <string.h>

#include "access/role.h"
#include "access/scope.h"
#include "base/id.h"
#include "base/mem.h"

#define NONE        UINT32_MAX
#define ENTRIES_MAX 4000000u

struct entry {
    uint64_t hash;
    const struct role *role;
    char *scope; /* key; owned */
    uint32_t scope_n;
    uint32_t next; /* in its bucket */
    bool reads;
    char principal[ID_LEN]; /* lower case */
    char id[ID_LEN + 1];
};

struct snapshot {
    int64_t version;
    uint64_t seed;
    struct entry *entries;
    uint32_t n, cap;
    uint32_t *buckets;
    uint32_t mask;
};

/* FNV-1a, seeded at random: it can be carried from one ancestor to the next byte by byte. */
static uint64_t
hash_more(uint64_t h, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t
mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}

static bool
fold_principal(struct text t, char out[static ID_LEN])
{
    if (t.n != ID_LEN)
        return false;
    for (size_t i = 0; i < ID_LEN; i++)
        out[i] = t.p[i] >= 'A' && t.p[i] <= 'Z' ? (char)(t.p[i] - 'A' + 'a') : t.p[i];
    return true;
}

struct snapshot *
snapshot_new(int64_t version, struct err *err)
{
    struct snapshot *s = mem_zalloc(sizeof(*s));

    if (s == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    s->version = version;
    id_random(&s->seed, sizeof(s->seed));
    return s;
}

void
snapshot_free(struct snapshot *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->n; i++)
        mem_free(s->entries[i].scope);
    mem_free(s->entries);
    mem_free(s->buckets);
    mem_free(s);
}

static int
grow(struct snapshot *s, struct err *err)
{
    uint32_t cap = s->cap == 0 ? 16 : s->cap * 2;
    struct entry *more;

    if (s->n < s->cap)
        return 0;
    if (cap > ENTRIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "there are too many role assignments");
    if ((more = mem_grow(s->entries, cap * sizeof(*more))) == NULL)
        return err_memory(err);
    s->entries = more;
    s->cap = cap;
    return 0;
}

int
snapshot_add(struct snapshot *s, const struct assignment *a, struct err *err)
{
    const struct role *role = access_role_find(a->role_definition);
    struct entry e = { .role = role };
    struct scope_key key;

    /* A role this version does not know gives nothing; so does what should never have been stored.
     */
    if (role == NULL || !scope_key_of(a->scope, &key) ||
        !fold_principal(text_of(a->principal), e.principal))
        return 0;
    if (grow(s, err) < 0)
        return -1;
    if ((e.scope = mem_zalloc(key.n + 1)) == NULL)
        return err_memory(err);
    memcpy(e.scope, key.p, key.n);
    e.scope_n = (uint32_t)key.n;
    e.reads = role_reads(role);
    memcpy(e.id, a->id, sizeof(e.id));
    e.hash = hash_more(hash_more(s->seed, e.principal, ID_LEN), key.p, key.n);
    s->entries[s->n++] = e;
    return 0;
}

int
snapshot_seal(struct snapshot *s, struct err *err)
{
    uint32_t size = 16;

    while (size < s->n * 2)
        size *= 2;
    if ((s->buckets = mem_zalloc(size * sizeof(*s->buckets))) == NULL)
        return err_memory(err);
    memset(s->buckets, 0xff, size * sizeof(*s->buckets)); /* NONE */
    s->mask = size - 1;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t *bucket = &s->buckets[mix(s->entries[i].hash) & s->mask];

        s->entries[i].next = *bucket;
        *bucket = i;
    }
    return 0;
}

/* One question on its way through the ancestors of its scope. */
struct question {
    char principal[ID_LEN];
    struct text action;
    struct scope_key scope;
};

/* The assignments exactly at the first ${n} bytes of the scope. */
static void
ask_at(const struct snapshot *s, const struct question *q, size_t n, uint64_t hash,
       struct decision *out)
{
    for (uint32_t i = s->buckets[mix(hash) & s->mask]; i != NONE; i = s->entries[i].next) {
        const struct entry *e = &s->entries[i];

        if (e->hash != hash || e->scope_n != n || memcmp(e->scope, q->scope.p, n) != 0 ||
            memcmp(e->principal, q->principal, ID_LEN) != 0)
            continue;
        out->visible = out->visible || e->reads;
        if (!out->allowed && role_allows(e->role, q->action)) {
            out->allowed = true;
            out->role = e->role->name;
            memcpy(out->assignment, e->id, sizeof(e->id));
        }
    }
}

void
snapshot_decide(const struct snapshot *s, struct text principal, struct text action,
                struct text scope, struct decision *out)
{
    struct question q;
    uint64_t hash;

    *out = (struct decision){ .version = s->version };
    if (!fold_principal(principal, q.principal) || !scope_key_of(scope, &q.scope))
        return;
    q.action = action;
    hash = hash_more(s->seed, q.principal, ID_LEN);
    ask_at(s, &q, 0, hash, out);
    for (size_t at = 0; at < q.scope.n && !out->allowed;) {
        size_t end = at + 1; /* behind the slash */

        while (end < q.scope.n && q.scope.p[end] != '/')
            end++;
        hash = hash_more(hash, q.scope.p + at, end - at);
        ask_at(s, &q, end, hash, out);
        at = end;
    }
    out->visible = out->visible || out->allowed;
}
