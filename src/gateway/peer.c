#include "gateway/peer.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"

#define BUCKETS 1024

struct peer {
    struct peer *next;
    uint8_t key[8];
    unsigned connections;
    unsigned jobs;
    struct peer_job *waiting, **last;
};

struct peers {
    unsigned connections_max;
    unsigned jobs_max;
    uint64_t seed;
    pthread_mutex_t lock; /* guards the table and every peer in it */
    struct peer *buckets[BUCKETS];
};

struct peers *
peers_new(unsigned connections, unsigned jobs, struct err *err)
{
    struct peers *p = mem_zalloc(sizeof(*p));

    if (p == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    p->connections_max = connections;
    p->jobs_max = jobs > 0 ? jobs : 1;
    id_random(&p->seed, sizeof(p->seed)); /* nobody outside can fill one bucket */
    (void)pthread_mutex_init(&p->lock, NULL);
    return p;
}

void
peers_free(struct peers *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (p->buckets[i] != NULL) {
            struct peer *next = p->buckets[i]->next;

            mem_free(p->buckets[i]);
            p->buckets[i] = next;
        }
    (void)pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

/* IPv4, mapped or not, is its address; IPv6 its /64 (P2). */
static void
key_of(const struct sockaddr *address, uint8_t key[static 8])
{
    memset(key, 0, 8);
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof(in));
        memcpy(key + 4, &in.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, address, sizeof(in6));
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
            memcpy(key + 4, in6.sin6_addr.s6_addr + 12, 4);
        else
            memcpy(key, in6.sin6_addr.s6_addr, 8);
    }
}

static struct peer **
bucket_of(struct peers *p, const uint8_t key[static 8])
{
    return &p->buckets[text_hash(text_from(key, 8), p->seed) % BUCKETS];
}

static struct peer *
find_or_add(struct peers *p, const uint8_t key[static 8])
{
    struct peer **bucket = bucket_of(p, key), *peer;

    for (peer = *bucket; peer != NULL; peer = peer->next)
        if (memcmp(peer->key, key, 8) == 0)
            return peer;
    if ((peer = mem_zalloc(sizeof(*peer))) == NULL)
        return NULL;
    memcpy(peer->key, key, 8);
    peer->last = &peer->waiting;
    peer->next = *bucket;
    *bucket = peer;
    return peer;
}

struct peer *
peer_join(struct peers *p, const struct sockaddr *address)
{
    struct peer *peer;
    uint8_t key[8];

    key_of(address, key);
    (void)pthread_mutex_lock(&p->lock);
    peer = find_or_add(p, key);
    if (peer != NULL && peer->connections < p->connections_max)
        peer->connections++;
    else
        peer = NULL;
    (void)pthread_mutex_unlock(&p->lock);
    return peer;
}

void
peer_part(struct peers *p, struct peer *peer)
{
    (void)pthread_mutex_lock(&p->lock);
    if (--peer->connections == 0) {
        struct peer **at = bucket_of(p, peer->key);

        while (*at != peer)
            at = &(*at)->next;
        *at = peer->next;
        mem_free(peer);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

bool
peer_begin(struct peers *p, struct peer *peer, struct peer_job *job)
{
    bool now;

    (void)pthread_mutex_lock(&p->lock);
    now = peer->jobs < p->jobs_max;
    if (now) {
        peer->jobs++;
    } else {
        job->next = NULL;
        *peer->last = job;
        peer->last = &job->next;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return now;
}

struct peer_job *
peer_end(struct peers *p, struct peer *peer)
{
    struct peer_job *job;

    (void)pthread_mutex_lock(&p->lock);
    job = peer->waiting;
    if (job == NULL) {
        peer->jobs--;
    } else { /* it takes the place that has become free */
        peer->waiting = job->next;
        if (peer->waiting == NULL)
            peer->last = &peer->waiting;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return job;
}
