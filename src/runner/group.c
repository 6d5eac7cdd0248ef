#include "runner/group.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "runner/crash_steps.h"
#include "runner/journal.h"
#include "runner/launch.h"
#include "runner/remove.h"
#include "runner/rootfs.h"

#define ARENA_MAX        (4u * 1024 * 1024)
#define DEATH_TIMEOUT_MS 10000
#define STATE_TIMEOUT_MS 1000
#define REVIVE_PAUSE_US  10000000 /* a supervisor that dies again and again does so slowly */

struct group *
group_find(struct host *h, const char *id)
{
    struct group *g = h->groups;

    while (g != NULL && strcmp(g->id, id) != 0)
        g = g->next;
    return g;
}

void
group_link_name(const struct host *h, uint32_t slot, char out[static LINK_NAME_MAX])
{
    (void)snprintf(out, LINK_NAME_MAX, "hv%s.%x", h->place.tag, slot & 0xfff);
}

void
group_rules(const struct host *h, const struct group *g, struct packet_group *out,
            char link[static LINK_NAME_MAX])
{
    uint32_t address = place_slot_address(&h->place, g->slot);

    group_link_name(h, g->slot, link);
    *out = (struct packet_group){ .link = link,
                                  .address = address,
                                  .mac = { 0x02, 0x68, (uint8_t)(address >> 24),
                                           (uint8_t)(address >> 16), (uint8_t)(address >> 8),
                                           (uint8_t)address },
                                  .ports = g->ports,
                                  .port_count = g->port_count };
}

/* ---- what this process knows of a group ---- */

static struct group *
add_group(struct host *h, const char *id, uint32_t slot, const struct plan *plan, struct err *err)
{
    struct group *g = mem_zalloc(sizeof(*g));

    if (g != NULL)
        g->state = mem_zalloc(offsetof(struct runner_group_state, containers) +
                              plan->container_count * sizeof(struct runner_container_state));
    if (g == NULL || g->state == NULL) {
        mem_free(g);
        (void)err_memory(err);
        return NULL;
    }
    memcpy(g->id, id, ID_LEN);
    memcpy(g->state->id, id, ID_LEN);
    g->slot = slot;
    g->pidfd = g->control = -1;
    g->port_count = plan->port_count;
    for (size_t i = 0; i < plan->port_count; i++)
        g->ports[i] = plan->ports[i];
    place_address_text(place_slot_address(&h->place, slot), g->state->address);
    g->state->container_count = (uint32_t)plan->container_count;
    for (size_t i = 0; i < plan->container_count; i++) {
        (void)text_copy(plan->containers[i].name, g->state->containers[i].name, PLAN_NAME_MAX + 1);
        g->state->containers[i].current.reason = RUNNER_REASON_CREATING;
    }
    g->next = h->groups;
    h->groups = g;
    return g;
}

static void
close_supervisor(struct group *g)
{
    if (g->control >= 0)
        (void)close(g->control);
    if (g->pidfd >= 0)
        (void)close(g->pidfd);
    g->control = g->pidfd = -1;
    if (g->pid > 0)
        (void)waitpid(g->pid, NULL, WNOHANG);
    g->pid = 0;
}

void
group_forget(struct host *h, const char *id)
{
    for (struct group **at = &h->groups; *at != NULL; at = &(*at)->next) {
        struct group *g = *at;

        if (strcmp(g->id, id) != 0)
            continue;
        *at = g->next;
        close_supervisor(g);
        mem_free(g->state);
        mem_free(g);
        return;
    }
}

/* ---- making ---- */

static int
check_layers(const struct host *h, const struct plan *plan, struct err *err)
{
    for (size_t c = 0; c < plan->container_count; c++)
        for (size_t l = 0; l < plan->containers[c].layer_count; l++) {
            char name[DIGEST_TEXT_MAX + 1];
            struct stat st;

            rootfs_layer_name(&plan->containers[c].layers[l], name);
            if (fstatat(h->place.layers_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
                return err_set(err, ERR_NOT_FOUND, "layer %s of container %.*s is not unpacked",
                               name, TEXT_ARG(plan->containers[c].name));
        }
    return 0;
}

/* One address may have a port that another has too; 0.0.0.0 collides with all of them. */
static int
check_ports(const struct host *h, const struct plan *plan, struct err *err)
{
    for (const struct group *g = h->groups; g != NULL; g = g->next)
        for (size_t i = 0; i < g->port_count; i++)
            for (size_t k = 0; k < plan->port_count; k++)
                if (g->ports[i].host_port == plan->ports[k].host_port)
                    return err_set(err, ERR_CONFLICT, "port %u is published by group %s",
                                   plan->ports[k].host_port, g->id);
    return 0;
}

static int
make_folder(struct host *h, const char *id, struct text bytes, struct err *err)
{
    OWN_FD fd = -1;

    if (mkdirat(h->place.groups_fd, id, 0711) != 0)
        return errno == EEXIST ? err_set(err, ERR_CONFLICT, "the group %s exists", id)
                               : err_sys(err, errno, "cannot make a group's folder");
    crash_steps_point("start-folder");
    fd = place_folder(h->place.groups_fd, id, 0711, err);
    if (fd < 0 || place_file_write(fd, "plan", bytes.p, bytes.n, 0600, err) != 0)
        return -1;
    crash_steps_point("start-plan");
    return 0;
}

static int
make(struct host *h, const struct plan *plan, struct text bytes, struct err *err)
{
    uint32_t slot = PLACE_SLOT_NONE;
    struct group *g;

    if (make_folder(h, plan->id, bytes, err) != 0 || slot_take(h, plan->id, &slot, err) != 0)
        return -1;
    crash_steps_point("start-slot");
    g = add_group(h, plan->id, slot, plan, err);
    return g == NULL ? -1 : group_up(h, g, plan, true, err);
}

int
group_start(struct host *h, struct text bytes, struct err *err)
{
    OWN(arena) arena = arena_new(ARENA_MAX);
    struct plan plan = { 0 };
    struct stat st;

    if (arena == NULL)
        return err_memory(err);
    if (plan_decode(&plan, arena, bytes, err) != 0)
        return -1;
    if (fstatat(h->place.groups_fd, plan.id, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(err, ERR_CONFLICT, "the group %s exists", plan.id);
    if (check_layers(h, &plan, err) != 0 || check_ports(h, &plan, err) != 0)
        return -1;
    if (make(h, &plan, bytes, err) == 0)
        return 0;
    if (group_remove_whole(h, plan.id, &(struct err){ 0 }) != 0)
        (void)err_note(err, "what was made of group %s is removed at the next start", plan.id);
    return -1;
}

/* ---- finding again ---- */

static int
read_plan(struct host *h, const char *id, struct arena *arena, struct plan *plan, struct err *err)
{
    OWN_FD fd = openat(h->place.groups_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    char *bytes = arena_take(arena, PLAN_BYTES_MAX);
    ssize_t n;

    if (fd < 0 || bytes == NULL)
        return err_set(err, ERR_CORRUPT, "the group %s has no folder", id);
    n = place_file_read(fd, "plan", bytes, PLAN_BYTES_MAX, err);
    if (n < 0 || plan_decode(plan, arena, text_from(bytes, (size_t)n), err) != 0)
        return -1;
    return strcmp(plan->id, id) == 0 ? 0 : err_set(err, ERR_CORRUPT, "a plan of another group");
}

/* Nothing of it runs; its next supervisor says what becomes of it. */
static void
mark_lost(struct group *g)
{
    for (uint32_t i = 0; i < g->state->container_count; i++)
        if (g->state->containers[i].current.phase == RUNNER_RUNNING) {
            g->state->containers[i].current.phase = RUNNER_WAITING;
            g->state->containers[i].current.reason = RUNNER_REASON_LOST;
        }
}

bool
group_heard(struct host *h, struct group *g)
{
    const struct runner_group_state *state = &h->scratch.body.answer.state;
    int fds[RUNNER_LOG_FDS_MAX];
    struct err err = { 0 };
    size_t nfds = 0;
    int rc = message_receive(g->control, &h->scratch, fds, &nfds, &err);

    for (size_t i = 0; rc == 0 && i < nfds; i++)
        (void)close(fds[i]);
    if (rc != 0 && err.kind != ERR_BUSY) {
        (void)close(g->control);
        g->control = -1;
        (void)group_connect(h, g); /* we were too slow for it; if it died, its descriptor tells */
    }
    if (rc != 0 || h->scratch.type != RUNNER_ANSWER ||
        h->scratch.body.answer.question != RUNNER_STATE ||
        state->container_count != g->state->container_count || strcmp(state->id, g->id) != 0)
        return false;
    memcpy(g->state, state,
           offsetof(struct runner_group_state, containers) +
               state->container_count * sizeof(state->containers[0]));
    return true;
}

int
group_load(struct host *h, const char *id, uint32_t slot, struct err *err)
{
    OWN(arena) arena = arena_new(ARENA_MAX);
    struct plan plan = { 0 };
    struct group *g;
    uint64_t records;
    OWN_FD fd = -1;

    if (arena == NULL)
        return err_memory(err);
    if (read_plan(h, id, arena, &plan, err) != 0)
        return 1;
    g = add_group(h, id, slot, &plan, err);
    if (g == NULL)
        return -1;
    if (group_connect(h, g) == 0) {
        struct pollfd p = { g->control, POLLIN, 0 };

        /* It tells its state at once: nobody shall hear an older one from us. */
        (void)poll(&p, 1, STATE_TIMEOUT_MS);
        (void)group_heard(h, g);
        return 0;
    }
    fd = openat(h->place.groups_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        (void)!journal_replay(fd, g->state, &records, &(struct err){ 0 });
    mark_lost(g);
    g->revive_us = 1;
    return 0;
}

void
group_lost(struct host *h, struct group *g)
{
    int64_t now_us = clock_mono_us();

    close_supervisor(g);
    mark_lost(g);
    (void)!cgroup_remove(&h->cgroup, h->place.tag, g->id, &(struct err){ 0 });
    g->revive_us = now_us - g->up_us > REVIVE_PAUSE_US ? now_us : g->up_us + REVIVE_PAUSE_US;
}

void
group_revive(struct host *h, struct group *g)
{
    OWN(arena) arena = arena_new(ARENA_MAX);
    struct plan plan = { 0 };
    struct err err = { 0 };
    struct packet_group rules;
    char link[LINK_NAME_MAX];
    int output = -1;
    pid_t nft;

    g->revive_us = 0;
    group_rules(h, g, &rules, link);
    nft = packet_begin(&h->packet, &rules, 0, &output, &err); /* they are added again */
    if (nft > 0)
        (void)!packet_end(nft, output, &(struct err){ 0 });
    if (arena != NULL && read_plan(h, g->id, arena, &plan, &err) == 0 &&
        group_up(h, g, &plan, false, &err) == 0)
        return;
    if (g->pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, g->pidfd, SIGKILL, NULL, 0);
    close_supervisor(g);
    (void)text_copy(text_of(err.msg), g->state->containers[0].message, RUNNER_MESSAGE_MAX);
    g->revive_us = clock_mono_us() + REVIVE_PAUSE_US;
}

/* ---- removing ---- */

/* With the supervisor, first of its PID namespace, every process of the group ends; the descriptor
 * becomes readable when the last one has. */
static void
kill_supervisor(struct host *h, struct group *g)
{
    struct pollfd p;

    if (g->pidfd < 0)
        (void)group_connect(h, g);
    if (g->pidfd < 0)
        return;
    p = (struct pollfd){ g->pidfd, POLLIN, 0 };
    (void)syscall(SYS_pidfd_send_signal, g->pidfd, SIGKILL, NULL, 0);
    (void)poll(&p, 1, DEATH_TIMEOUT_MS);
    close_supervisor(g);
}

static int
mark_deleting(struct host *h, const char *id, struct err *err)
{
    OWN_FD fd = openat(h->place.groups_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, errno, "cannot open a group's folder");
    return place_file_write(fd, "deleting", "", 0, 0600, err);
}

static int
remove_rules(struct host *h, const struct group *g, struct err *err)
{
    struct packet_group rules;
    char link[LINK_NAME_MAX];
    int output = -1;
    pid_t nft;

    if (g == NULL)
        return 0; /* rules of groups we do not know are not loaded */
    group_rules(h, g, &rules, link);
    nft = packet_begin(&h->packet, &rules, 0, &output, err);
    if (nft < 0)
        return -1;
    (void)!packet_end(nft, output, &(struct err){ 0 }); /* a group half made has none */
    crash_steps_point("delete-rules");
    return 0;
}

/* What takes long: its files may be many, and the kernel takes its time over an interface.  Done by
 * a child, from names that nothing else uses any more; 0: it could not be started, the next start
 * of runnerd finds the rest. */
static pid_t
remove_rest(struct host *h, const char *id, uint32_t slot)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    char link[LINK_NAME_MAX];
    struct err err = { 0 };

    if (pid != 0)
        return pid > 0 ? pid : 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    if (slot != PLACE_SLOT_NONE) {
        group_link_name(h, slot, link);
        (void)!link_delete(link, &err);
    }
    (void)!remove_tree(h->place.trash_fd, id, &err);
    _exit(err.kind == ERR_OK ? 0 : 1);
}

int
group_remove(struct host *h, const char *id, pid_t *rest, struct err *err)
{
    struct group *g = group_find(h, id);
    struct group unknown = { .pidfd = -1, .control = -1 };
    uint32_t slot = g != NULL ? g->slot : slot_of(h, id);

    memcpy(unknown.id, id, ID_LEN);
    if (mark_deleting(h, id, err) != 0)
        return -1;
    crash_steps_point("delete-mark");
    kill_supervisor(h, g != NULL ? g : &unknown);
    crash_steps_point("delete-killed");
    if (cgroup_remove(&h->cgroup, h->place.tag, id, err) != 0)
        return -1;
    crash_steps_point("delete-cgroup");
    if (remove_rules(h, g, err) != 0 || remove_tree(h->place.run_groups_fd, id, err) != 0)
        return -1;
    crash_steps_point("delete-run-folder");
    slot_give(h, slot);
    crash_steps_point("delete-slot");
    if (renameat(h->place.groups_fd, id, h->place.trash_fd, id) != 0 && errno != ENOENT)
        return err_sys(err, errno, "cannot remove a group's folder");
    crash_steps_point("delete-trash");
    *rest = remove_rest(h, id, slot);
    group_forget(h, id); /* the last use of ${id}: it may be the group's own */
    return 0;
}

int
group_remove_whole(struct host *h, const char *id, struct err *err)
{
    pid_t rest = 0;

    if (group_remove(h, id, &rest, err) != 0)
        return -1;
    if (rest > 0 && launch_end(rest) != 0)
        return err_set(err, ERR_IO, "not every file of the group %s could be removed", id);
    return 0;
}
