#include "gateway/host.h"

#include <arpa/inet.h>

/* Without ":port"; "[::1]:8443" gives "::1". */
static struct text
without_port(struct text host)
{
    ptrdiff_t end;

    if (text_starts(host, "[")) {
        end = text_find(host, ']');
        return end < 0 ? host : text_first(text_after(host, 1), (size_t)end - 1);
    }
    end = text_find(host, ':');
    return end < 0 ? host : text_first(host, (size_t)end);
}

static bool
is_address(struct text host)
{
    unsigned char bytes[16];
    char copy[64];

    return text_copy(host, copy, sizeof(copy)) &&
           (inet_pton(AF_INET, copy, bytes) == 1 || inet_pton(AF_INET6, copy, bytes) == 1);
}

static bool
is_bare(const struct host_names *names, struct text host)
{
    if (text_is_nocase(host, "localhost") || text_is_nocase(host, names->domain) ||
        is_address(host))
        return true;
    for (const char *const *extra = names->extra; extra != NULL && *extra != NULL; extra++)
        if (text_is_nocase(host, *extra))
            return true;
    return false;
}

/* ${host} without ".DOMAIN"; false when it is not below the domain. */
static bool
below_domain(struct text host, const char *domain, struct text *out)
{
    struct text d = text_of(domain);

    if (host.n <= d.n + 1 || host.p[host.n - d.n - 1] != '.' ||
        !text_equal_nocase(text_after(host, host.n - d.n), d))
        return false;
    *out = text_first(host, host.n - d.n - 1);
    return true;
}

bool
host_find(const struct host_names *names, struct text host, enum host_kind *kind,
          struct text *label)
{
    static const struct {
        const char *suffix;
        enum host_kind kind;
    } zones[] = {
        { "azurecr", HOST_REGISTRY },
        { "vault", HOST_VAULT },
        { "file.core", HOST_FILE },
    };
    struct text rest;

    host = without_port(host);
    *label = (struct text){ NULL, 0 };
    if (is_bare(names, host)) {
        *kind = HOST_BARE;
        return true;
    }
    if (!below_domain(host, names->domain, &rest))
        return false;
    if (text_is_nocase(rest, "management") || text_is_nocase(rest, "login")) {
        *kind = text_is_nocase(rest, "login") ? HOST_LOGIN : HOST_MANAGEMENT;
        return true;
    }
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        if (!below_domain(rest, zones[i].suffix, label) || text_find(*label, '.') >= 0)
            continue;
        *kind = zones[i].kind;
        return true;
    }
    return false;
}

bool
host_serves(enum host_kind kind, enum dialect_name dialect)
{
    static const bool serves[][DIALECT_COUNT] = {
        [HOST_BARE] = { true, true, true, true },
        [HOST_REGISTRY] = { [DIALECT_OCI] = true },
        [HOST_VAULT] = { false },
        [HOST_FILE] = { false },
        [HOST_MANAGEMENT] = { [DIALECT_ARM] = true },
        [HOST_LOGIN] = { [DIALECT_OAUTH] = true },
    };

    return serves[kind][dialect];
}
