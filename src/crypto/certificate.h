/*
 * certificate.h - a certificate authority of our own and the server certificate it issues.
 *
 * In the folder: ca.pem (to hand out: clients trust it), ca-key.pem (0600), and server.pem (0600):
 * the server's private key, its certificate and the CA's in one file, so that no crash can part
 * them; OpenSSL reads key and chain from it alike.
 *
 * Invariants:
 *   C1  what is in server.pem is a key with its own certificate, issued by the CA in ca.pem;
 *   C2  private keys are 0600 from their first byte on;
 *   C3  certificate_keep() changes nothing while the certificate has every name it needs and more
 *       than CERTIFICATE_RENEW_DAYS left;
 *   C4  a server certificate that an authority of its owner's has issued is never replaced.
 * Keys are EC P-256 (RFC 5280 profile; browsers refuse servers of more than 398 days).
 */
#ifndef CRYPTO_CERTIFICATE_H
#define CRYPTO_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CERTIFICATE_CA_DAYS     3650
#define CERTIFICATE_SERVER_DAYS 397
#define CERTIFICATE_RENEW_DAYS  30
#define CERTIFICATE_NAMES_MAX   64
#define CERTIFICATE_NAME_MAX    253

/* Subject alternative names; an IP address in its text form becomes an address entry. */
struct certificate_names {
    char name[CERTIFICATE_NAMES_MAX][CERTIFICATE_NAME_MAX + 1];
    size_t n;
};

/*
 * certificate_names_of(domain, extra, out, err): what DESIGN section 5 serves under ${domain}, the
 * loopback addresses, and ${extra} (NULL-terminated, or NULL).
 */
MUST_CHECK int certificate_names_of(const char *domain, const char *const *extra,
                                    struct certificate_names *out, struct err *err);

MUST_CHECK int certificate_make_ca(int dirfd, int64_t now_us, struct err *err);
MUST_CHECK int certificate_make_server(int dirfd, const struct certificate_names *names,
                                       int64_t now_us, struct err *err);

/* certificate_keep(dirfd, names, now, err): make what is missing or due; 0 nothing, 1 changed. */
MUST_CHECK int certificate_keep(int dirfd, const struct certificate_names *names, int64_t now_us,
                                struct err *err);

#endif /* CRYPTO_CERTIFICATE_H */
