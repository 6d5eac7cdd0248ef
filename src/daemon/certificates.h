/* certificates.h - DIR/tls: our own authority and server certificate, until the owner brings one.
 */
#ifndef DAEMON_CERTIFICATES_H
#define DAEMON_CERTIFICATES_H

#include "base/err.h"
#include "daemon/options.h"

#define CERTIFICATES_SERVER "tls/server.pem" /* key and chain, relative to the data folder */

/* certificates_keep(dirfd, o, err): made at the first start, renewed 30 days before they end. */
MUST_CHECK int certificates_keep(int dirfd, const struct options *o, struct err *err);

#endif /* DAEMON_CERTIFICATES_H */
