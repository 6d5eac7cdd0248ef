/*
 * tls.h - the certificate and the rules of TLS: 1.2 and 1.3, forward secrecy, no renegotiation.
 *
 * Invariants:
 *   T1  a reload changes what later handshakes use; connections go on with what they have;
 *   T2  a reload that fails changes nothing.
 * Threads: all functions from any thread.
 */
#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include <openssl/types.h>

#include "base/err.h"
#include "base/own.h"

struct tls;

/* Both files PEM; the names are copied. */
MUST_CHECK struct tls *tls_new(const char *certificate_file, const char *key_file, struct err *err);
void tls_free(struct tls *tls);
DEFINE_OWN(tls);

MUST_CHECK int tls_reload(struct tls *tls, struct err *err);

/* tls_accept(tls, fd): the server side of a new connection, or NULL. */
SSL *tls_accept(struct tls *tls, int fd);

#endif /* GATEWAY_TLS_H */
