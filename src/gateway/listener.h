/*
 * listener.h - sockets that wait for clients.
 */
#ifndef GATEWAY_LISTENER_H
#define GATEWAY_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gateway/gateway.h"

/*
 * listener_open(what, fds, n, port, err): ${n} sockets (SO_REUSEPORT, O_CLOEXEC, not blocking) on
 * one address and port.  Return 0; 1 when it is optional and the family is missing; -1, also when
 * somebody else listens there.
 */
MUST_CHECK int listener_open(const struct gateway_listener *what, int *fds, size_t n,
                             uint16_t *port, struct err *err);

#endif /* GATEWAY_LISTENER_H */
