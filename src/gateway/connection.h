/*
 * connection.h - a connection as its loop sees it: an automaton over enum connection_state.
 *
 * Invariants:
 *   C1  only the loop creates and destroys connections; a worker gives back what it was handed;
 *   C2  a connection always has exactly one deadline, or a worker.
 */
#ifndef GATEWAY_CONNECTION_H
#define GATEWAY_CONNECTION_H

#include <sys/socket.h>

#include "gateway/engine.h"

/* connection_open(l, fd, from, tls): serve ${fd} (taken over) from now on, or refuse it. */
void connection_open(struct engine_loop *l, int fd, const struct sockaddr *from, bool tls);

/* connection_give_back(c): by a worker, which has set the state; the loop goes on. */
void connection_give_back(struct connection *c);

/* connection_drain(l): close what is idle; the rest closes after its answer. */
void connection_drain(struct engine_loop *l);

/* connection_cut(l): end everything now. */
void connection_cut(struct engine_loop *l);

#endif /* GATEWAY_CONNECTION_H */
