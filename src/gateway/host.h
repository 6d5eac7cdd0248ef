/*
 * host.h - which of our hosts a request addresses (pure).
 *
 * Invariants:
 *   H1  a host that is not ours is refused: no DNS rebinding reaches ARM;
 *   H2  the port plays no part, letter case neither.
 */
#ifndef GATEWAY_HOST_H
#define GATEWAY_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "exchange/exchange.h"

struct host_names {
    const char *domain;       /* --domain, "localhost" */
    const char *const *extra; /* further bare names from the configuration; NULL-terminated */
};

/*
 * host_find(names, host, kind, label): bare are "localhost", the domain, IP addresses and the extra
 * names; then NAME.azurecr.DOMAIN, NAME.vault.DOMAIN, NAME.file.core.DOMAIN, management.DOMAIN and
 * login.DOMAIN.  ${label} gets NAME, as sent.  False: not ours.
 */
bool host_find(const struct host_names *names, struct text host, enum host_kind *kind,
               struct text *label);

/* host_serves(kind, dialect): does this host answer in that dialect? */
bool host_serves(enum host_kind kind, enum dialect_name dialect);

#endif /* GATEWAY_HOST_H */
