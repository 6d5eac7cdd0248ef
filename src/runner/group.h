/*
 * group.h - container groups as runnerd knows them: made, found again, removed.
 *
 * Making one: folder, plan, slot, cgroups, run folder, namespaces, supervisor, packet rules,
 * network, "ready", go.  Removing one: "deleting", supervisor, cgroups, network, rules, run folder,
 * slot, folder.  So at any moment the folder alone tells what a next runnerd has to do: not ready
 * or deleting: remove it; ready without a supervisor: bring it up again.
 *
 * Invariants:
 *   U1  everything a group has outside its folder is found by its id or its slot;
 *   U2  group_remove() may be repeated from any point and leaves nothing;
 *   U3  no two groups of a runner share a slot: uid range, address, interface name.
 */
#ifndef RUNNER_GROUP_H
#define RUNNER_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/cgroup.h"
#include "runner/link.h"
#include "runner/message.h"
#include "runner/namespace.h"
#include "runner/packet.h"
#include "runner/place.h"
#include "runner/plan.h"
#include "runner/runtime.h"

struct group {
    struct group *next;
    char id[ID_LEN + 1];
    uint32_t slot;
    struct plan_port ports[PLAN_PORTS_MAX];
    size_t port_count;
    pid_t pid;                        /* of the supervisor, if it is our child */
    int pidfd;                        /* of the supervisor; -1: there is none */
    int control;                      /* to the supervisor; -1: there is none */
    int64_t up_us;                    /* when it was brought up last; monotonic */
    int64_t revive_us;                /* when to bring it up again; 0: not to */
    struct runner_group_state *state; /* last heard, as long as its containers need */
};

/* Everything this process works with. */
struct host {
    struct place place;
    struct cgroup cgroup;
    struct packet packet;
    char bridge[LINK_NAME_MAX];
    const struct runtime *runtime; /* NULL: none works */
    char runtime_path[128];
    char runtime_version[32];
    uint32_t next_slot;
    struct group *groups;
    struct runner_packet scratch; /* large: one for all that receive states */
};

struct group *group_find(struct host *h, const char *id);

/* group_start(h, bytes, err): ${bytes} is an encoded plan.  On failure nothing is left. */
MUST_CHECK int group_start(struct host *h, struct text bytes, struct err *err);

/* group_up(h, g, err): all that ends with a supervisor; group_down(h, g): all that is left of one.
 */
MUST_CHECK int group_up(struct host *h, struct group *g, const struct plan *plan, bool fresh,
                        struct err *err);

/* group_connect(h, g): to the supervisor's control socket; 0, or -1: nobody listens. */
int group_connect(struct host *h, struct group *g);

/* group_remove(h, id, rest, err): U2; ${rest}: a child that removes what takes long, or 0. */
MUST_CHECK int group_remove(struct host *h, const char *id, pid_t *rest, struct err *err);
MUST_CHECK int group_remove_whole(struct host *h, const char *id, struct err *err); /* and wait */

/* group_forget(h, id): drop what this process knows, leave the group as it is. */
void group_forget(struct host *h, const char *id);

/* group_load(h, id, slot, err): a ready group found at start; 1: it must be removed. */
MUST_CHECK int group_load(struct host *h, const char *id, uint32_t slot, struct err *err);

/* group_heard(h, g): its control socket is readable.  True: the state changed. */
bool group_heard(struct host *h, struct group *g);

/* group_lost(h, g): its supervisor is gone: clean up and bring it up again, later if it is often.
 */
void group_lost(struct host *h, struct group *g);
void group_revive(struct host *h, struct group *g);

void group_link_name(const struct host *h, uint32_t slot, char out[static LINK_NAME_MAX]);
void group_rules(const struct host *h, const struct group *g, struct packet_group *out,
                 char link[static LINK_NAME_MAX]);

/* slots */
MUST_CHECK int slot_take(struct host *h, const char *id, uint32_t *slot, struct err *err);
void slot_give(struct host *h, uint32_t slot);
uint32_t slot_of(struct host *h, const char *id);

#endif /* RUNNER_GROUP_H */
