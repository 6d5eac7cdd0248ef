/*
 * container.h - one container of a group: started, watched, logged, started again.
 *
 *   WAITING --due--> STARTING --runtime ended--> UP --exit--> CLEANING --runtime ended--> WAITING
 *                        `------- failed -----------------------^               `------> ENDED
 *
 * Invariants:
 *   K1  a container is UP only while its first process is a child of ours that has not been reaped;
 *   K2  every run has a fresh root filesystem and a log of its own;
 *   K3  a container that was asked to stop is never started again.
 */
#ifndef RUNNER_CONTAINER_H
#define RUNNER_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/crilog.h"
#include "runner/message.h"
#include "runner/plan.h"
#include "runner/rootfs.h"
#include "runner/runtime.h"
#include "runner/supervisor.h"

enum container_step {
    CONTAINER_WAITING,
    CONTAINER_STARTING,
    CONTAINER_UP,
    CONTAINER_CLEANING,
    CONTAINER_ENDED,
};

/* What all containers of the group share. */
struct container_group {
    const struct plan *plan;
    const struct supervisor_brief *brief;
    const struct runtime *runtime;
    struct rootfs rootfs;
    char hostname[PLAN_NAME_MAX + 1];
    int logs_fd; /* folder of the log files */
    int empty_input;
    int log_file; /* supervisor.log */
    bool stopped;
    uint64_t nofile_hard;
};

struct container {
    const struct container_group *group;
    const struct plan_container *plan;
    unsigned index;
    enum container_step step;
    bool changed; /* the state below is news */
    struct runner_container_state state;
    pid_t runtime_pid; /* STARTING, CLEANING */
    pid_t pid;         /* UP */
    int output[CRILOG_STREAMS];
    struct crilog log;
    int64_t due_us;      /* WAITING: when to start; monotonic */
    int64_t kill_due_us; /* stopping: when to SIGKILL; 0: not stopping */
    int64_t up_us;
    uint32_t wait_ms;
    uint64_t oom_kills; /* when this run began */
};

void container_begin(struct container *c, const struct container_group *group, unsigned index);

/* container_tick(c, now): do what is due; return when it is due again, INT64_MAX for never. */
int64_t container_tick(struct container *c, int64_t now_us);

/* container_reaped(c, pid, status): true when that child was this container's. */
bool container_reaped(struct container *c, pid_t pid, int status);
void container_read(struct container *c, enum crilog_stream stream);

/* container_stop(c, grace): with the group's stopped flag set already. */
void container_stop(struct container *c, int64_t now_us, uint32_t grace_ms);

#endif /* RUNNER_CONTAINER_H */
