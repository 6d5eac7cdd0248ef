/*
 * link.h - bridges, veth pairs, addresses and routes, straight over rtnetlink(7).
 *
 * Nothing here ever waits for a veth to vanish: with its namespace the kernel removes it.
 */
#ifndef RUNNER_LINK_H
#define RUNNER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LINK_NAME_MAX 16

/* link_bridge(name, address, prefix, err): make it if need be, set it up. Addresses: host order. */
MUST_CHECK int link_bridge(const char *name, uint32_t address, uint32_t prefix, struct err *err);

/*
 * link_attach(): a veth pair: ${name} here, isolated port of ${bridge}; "eth0" in ${netns_fd} with
 * ${address}/${prefix}, ${mac} and a default route by ${gateway}; its loopback is set up too.
 */
struct link_attach {
    const char *name;
    const char *bridge;
    int netns_fd;
    uint32_t address, prefix, gateway;
    uint8_t mac[6];
};
MUST_CHECK int link_attach(const struct link_attach *a, struct err *err);

/* link_delete(name, err): 0 also when there is none. */
MUST_CHECK int link_delete(const char *name, struct err *err);

/* link_each(prefix, fn, self, err): names of interfaces that begin with ${prefix}. */
MUST_CHECK int link_each(const char *prefix, void (*fn)(void *self, const char *name), void *self,
                         struct err *err);

/* link_route_overlaps(network, prefix, out, err): does a route (not a default one) touch it. */
MUST_CHECK int link_route_overlaps(uint32_t network, uint32_t prefix, bool *out, struct err *err);

#endif /* RUNNER_LINK_H */
