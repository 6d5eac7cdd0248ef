/*
 * group.h - the properties of a container group as a client writes them (ARM, api-versions
 * 2022-10-01-preview and 2023-05-01), read strictly.
 *
 * Pure: a tree in, plain data out; all texts are borrowed from the tree, arrays lie in the arena.
 *
 * Invariants:
 *   G1  what is accepted is within every limit of runner/plan.h and below;
 *   G2  what is refused names the property by its path from "properties";
 *   G3  group_strip() leaves no secureValue and no password in the tree.
 */
#ifndef INSTANCES_GROUP_H
#define INSTANCES_GROUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "runner/plan.h"

#define GROUP_CONTAINERS_MAX  PLAN_CONTAINERS_MAX
#define GROUP_PORTS_MAX       5 /* published ports of one group, as ACI */
#define GROUP_CREDENTIALS_MAX 8
#define GROUP_ENV_MAX         1000
#define GROUP_ENV_NAME_MAX    256
#define GROUP_COMMAND_MAX     1000
#define GROUP_CPU_MAX         1024.0 /* cores */
#define GROUP_MEMORY_GB_MAX   65536.0
#define GROUP_MEMORY_GB_MIN   0.004 /* what runner/plan.h takes at least */

struct group_env {
    struct text name;
    struct text value;
    bool secret; /* came as secureValue */
};

struct group_container {
    struct text name;
    struct text image;
    const struct text *command; /* empty: what the image says */
    size_t command_count;
    const struct group_env *env;
    size_t env_count;
    uint32_t cpu_millis;   /* limit: limits.cpu, else requests.cpu */
    uint64_t memory_bytes; /* limit, likewise; "GB" are GiB, as in ACI */
};

struct group_credential {
    struct text server;
    struct text username;
    struct text password;
};

struct group {
    enum plan_restart restart;
    bool published; /* ipAddress.type Public */
    uint16_t ports[GROUP_PORTS_MAX];
    size_t port_count;
    const struct group_container *containers;
    size_t container_count;
    const struct group_credential *credentials;
    size_t credential_count;
};

/* group_read(out, properties, arena, err) */
MUST_CHECK int group_read(struct group *out, const json_t *properties, struct arena *arena,
                          struct err *err);

/* group_strip(properties): take secrets and what is read-only out of the tree (G3). */
void group_strip(json_t *properties);

const char *group_restart_name(enum plan_restart restart); /* "Always", "OnFailure", "Never" */

#endif /* INSTANCES_GROUP_H */
