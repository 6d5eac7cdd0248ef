/*
 * supervisor.h - what runnerd tells a supervisor when it starts it, and who has which descriptor.
 *
 * The order of a start: runnerd sends the brief; the supervisor listens on its control socket and
 * answers one byte; runnerd makes the network, marks the group ready and sends one byte: go.  Until
 * then the supervisor dies with runnerd; from then on it needs nobody.
 */
#ifndef RUNNER_SUPERVISOR_H
#define RUNNER_SUPERVISOR_H

#include <stdint.h>

#include "runner/cgroup.h"
#include "runner/place.h"

#define SUPERVISOR_VERSION  1
#define SUPERVISOR_PATH_MAX (PLACE_PATH_MAX + 64)

/* Descriptors, from LAUNCH_FD_BASE. */
enum supervisor_fd {
    SUPERVISOR_FD_CHANNEL = 3,
    SUPERVISOR_FD_STATE = 4,  /* folder of the group */
    SUPERVISOR_FD_RUN = 5,    /* folder of the group */
    SUPERVISOR_FD_LAYERS = 6, /* all unpacked layers */
    SUPERVISOR_FD_USER = 7,   /* namespaces, in the order of enum namespace_kind */
    SUPERVISOR_FD_NET = 8,
    SUPERVISOR_FD_IPC = 9,
    SUPERVISOR_FD_UTS = 10,
    SUPERVISOR_FD_PORTS = 11, /* bound sockets that reserve the published ports */
};

struct supervisor_brief {
    uint32_t version;
    uint32_t uid; /* first one of the group */
    char tag[8];
    char address[16];
    char runtime[32]; /* row of runtime_table */
    char runtime_path[128];
    char state[SUPERVISOR_PATH_MAX]; /* of the group */
    char run[SUPERVISOR_PATH_MAX];
    char layers[SUPERVISOR_PATH_MAX];
    struct cgroup cgroup;
};

#endif /* RUNNER_SUPERVISOR_H */
