/*
 * peer.h - what one client address holds: connections, and workers at once.
 *
 * Invariants:
 *   P1  an address never has more than its connections, nor more than its jobs under way: a job
 *       over the share waits for one of the same address to end, in the order they came;
 *   P2  an IPv6 client is its /64: it has all the addresses in there.
 * Threads: all functions from any thread.
 */
#ifndef GATEWAY_PEER_H
#define GATEWAY_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/own.h"

struct peers;
struct peer;

/* A job that may have to wait; a member of the caller's object. */
struct peer_job {
    struct peer_job *next;
};

MUST_CHECK struct peers *peers_new(unsigned connections, unsigned jobs, struct err *err);
void peers_free(struct peers *peers);
DEFINE_OWN(peers);

/* peer_join(peers, address): count one connection; NULL when it is one too many. */
struct peer *peer_join(struct peers *peers, const struct sockaddr *address);
void peer_part(struct peers *peers, struct peer *peer);

/* peer_begin(peers, peer, job): true: go on; false: it waits, and comes back from peer_end(). */
bool peer_begin(struct peers *peers, struct peer *peer, struct peer_job *job);

/* peer_end(peers, peer): a job has ended; the one to go on in its place, or NULL. */
struct peer_job *peer_end(struct peers *peers, struct peer *peer);

#endif /* GATEWAY_PEER_H */
