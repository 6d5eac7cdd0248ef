/*
 * packet.h - the packet rules of a runner: two nft tables of its own, judging its own bridge only.
 *
 * Promises:
 *   N1  a group reaches the outside by masquerade, never another group, never 169.254.0.0/16 and of
 *       the host only DNS and echo; no group reaches the host's loopback services;
 *   N2  a packet leaves a group's port only with that group's own addresses;
 *   N3  a published port is reached from the host, its loopback, other machines and other groups.
 * A host firewall that drops forwarded packets in a chain of its own still drops them: nft has no
 * verdict that overrules other tables.
 */
#ifndef RUNNER_PACKET_H
#define RUNNER_PACKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "runner/plan.h"

/* What one group needs. */
struct packet_group {
    const char *link; /* its port of the bridge */
    uint32_t address; /* host order */
    uint8_t mac[6];
    const struct plan_port *ports;
    size_t port_count;
};

struct packet {
    char nft[64]; /* path of the program */
    const char *tag;
    const char *bridge;
};

/* packet_find(p, err): is there an nft. */
MUST_CHECK int packet_find(struct packet *p, struct err *err);

/* packet_load(p, groups, n, err): both tables anew, with all groups, in one transaction. */
MUST_CHECK int packet_load(const struct packet *p, const struct packet_group *groups, size_t n,
                           struct err *err);

/* packet_unload(p, err): take both tables away. */
MUST_CHECK int packet_unload(const struct packet *p, struct err *err);

/* packet_begin(p, group, add, err): start nft on one group's elements; its pid.  packet_end()
 * waits. */
MUST_CHECK pid_t packet_begin(const struct packet *p, const struct packet_group *group, int add,
                              int *output_fd, struct err *err);
MUST_CHECK int packet_end(pid_t pid, int output_fd, struct err *err);

#endif /* RUNNER_PACKET_H */
