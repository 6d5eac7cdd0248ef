/* Bringing a group up: everything between its folder and a working supervisor. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "runner/crash_steps.h"
#include "runner/group.h"
#include "runner/launch.h"
#include "runner/remove.h"
#include "runner/supervisor.h"

#define UP_TIMEOUT_MS 10000

/* What is in hand while a group comes up; all of it is given back at the end. */
struct rise {
    struct host *h;
    struct group *g;
    const struct plan *plan;
    int state_fd, run_fd, log_fd, input_fd;
    int channel[2];
    int ports[PLAN_PORTS_MAX];
    struct namespaces ns;
    char hostname[PLAN_NAME_MAX + 1];
    char address[16];
    pid_t nft; /* at work on the rules; 0: not */
    int nft_output;
};

static int end_rules(struct rise *r, struct err *err);

static void
rise_done(struct rise *r)
{
    struct err ignored = { 0 };

    int *fds[] = { &r->state_fd, &r->run_fd,     &r->log_fd,
                   &r->input_fd, &r->channel[0], &r->channel[1] };

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (*fds[i] >= 0)
            (void)close(*fds[i]);
    for (size_t i = 0; i < PLAN_PORTS_MAX; i++)
        if (r->ports[i] >= 0)
            (void)close(r->ports[i]);
    namespaces_done(&r->ns);
    (void)!end_rules(r, &ignored);
}

/* Bound and never listening: no other program can take the port while the group has it. */
static int
reserve_port(const struct plan_port *p, struct err *err)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(p->host_port) };
    OWN_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(&at.sin_addr, p->host_address, 4);
    if (fd < 0)
        return err_sys(err, errno, "cannot make a socket");
    if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
        return give_fd(&fd);
    if (errno == EADDRINUSE)
        return err_set(err, ERR_CONFLICT, "port %u is in use on this machine", p->host_port);
    if (errno == EADDRNOTAVAIL)
        return err_set(err, ERR_INVALID, "this machine does not have the address for port %u",
                       p->host_port);
    return err_sys(err, errno, "cannot reserve port %u", p->host_port);
}

static int
open_folders(struct rise *r, struct err *err)
{
    r->state_fd =
        openat(r->h->place.groups_fd, r->g->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (r->state_fd < 0)
        return err_sys(err, errno, "cannot open a group's folder");
    r->log_fd = openat(r->state_fd, "supervisor.log",
                       O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (r->log_fd < 0)
        return err_sys(err, errno, "cannot make a supervisor's log");
    r->input_fd = launch_empty_input(err);
    return r->input_fd < 0 ? -1 : 0;
}

static int
make_run_folder(struct rise *r, struct err *err)
{
    OWN_FD layers = -1;

    if (remove_tree(r->h->place.run_groups_fd, r->g->id, err) != 0)
        return -1;
    r->run_fd = place_folder(r->h->place.run_groups_fd, r->g->id, 0711, err);
    if (r->run_fd < 0)
        return -1;
    layers = place_folder(r->run_fd, "l", 0711, err);
    return layers < 0 ? -1 : 0;
}

static int
start_supervisor(struct rise *r, struct err *err)
{
    char path[PLACE_PATH_MAX + 32];
    const char *const argv[] = { "holdfast-supervisor", r->g->id, NULL };
    struct launch c = { .path = path,
                        .argv = argv,
                        .in = r->input_fd,
                        .out = r->log_fd,
                        .errors = r->log_fd,
                        .fds = { r->channel[1], r->state_fd, r->run_fd, r->h->place.layers_fd,
                                 r->ns.fd[NAMESPACE_USER], r->ns.fd[NAMESPACE_NET],
                                 r->ns.fd[NAMESPACE_IPC], r->ns.fd[NAMESPACE_UTS] },
                        .nfds = SUPERVISOR_FD_PORTS - LAUNCH_FD_BASE,
                        .namespaces = CLONE_NEWPID | CLONE_NEWNS,
                        .dies_with_us = true }; /* until it is told to go */

    (void)snprintf(path, sizeof(path), "%s/holdfast-supervisor", r->h->place.libexec);
    for (size_t i = 0; i < r->plan->port_count; i++)
        c.fds[c.nfds++] = r->ports[i];
    r->g->pid = launch_start(&c, err);
    if (r->g->pid < 0)
        return -1;
    r->g->pidfd = (int)syscall(SYS_pidfd_open, r->g->pid, 0);
    (void)close(r->channel[1]);
    r->channel[1] = -1;
    return 0;
}

static int
send_brief(struct rise *r, struct err *err)
{
    struct host *h = r->h;
    struct supervisor_brief brief = { .version = SUPERVISOR_VERSION,
                                      .uid = place_slot_uid(&h->place, r->g->slot),
                                      .cgroup = h->cgroup };

    memcpy(brief.tag, h->place.tag, sizeof(h->place.tag));
    memcpy(brief.address, r->address, sizeof(brief.address));
    (void)snprintf(brief.runtime, sizeof(brief.runtime), "%s", h->runtime->name);
    (void)snprintf(brief.runtime_path, sizeof(brief.runtime_path), "%s", h->runtime_path);
    (void)snprintf(brief.state, sizeof(brief.state), "%s/groups/%s", h->place.state, r->g->id);
    (void)snprintf(brief.layers, sizeof(brief.layers), "%s/layers", h->place.state);
    (void)snprintf(brief.run, sizeof(brief.run), "%s/g/%s", h->place.run, r->g->id);
    if (send(r->channel[0], &brief, sizeof(brief), MSG_NOSIGNAL) != (ssize_t)sizeof(brief))
        return err_sys(err, errno, "cannot tell a supervisor what to do");
    return 0;
}

/* Its first byte: it listens.  No byte: its log says why. */
static int
await_supervisor(struct rise *r, struct err *err)
{
    struct pollfd p = { r->channel[0], POLLIN, 0 };
    char byte, said[200];
    struct text rest, first = { 0 };
    ssize_t n;

    if (poll(&p, 1, UP_TIMEOUT_MS) == 1 && recv(r->channel[0], &byte, 1, MSG_DONTWAIT) == 1)
        return 0;
    n = place_file_read(r->state_fd, "supervisor.log", said, sizeof(said), &(struct err){ 0 });
    rest = text_from(said, n > 0 ? (size_t)n : 0);
    (void)text_cut(&rest, '\n', &first);
    return err_set(err, ERR_IO, "the group's supervisor did not come up: %.*s", TEXT_ARG(first));
}

/* nft works beside us: until it is done the group's packets are dropped, and its ports closed. */
static int
begin_rules(struct rise *r, struct err *err)
{
    struct packet_group rules;
    char link[LINK_NAME_MAX];

    group_rules(r->h, r->g, &rules, link);
    r->nft = packet_begin(&r->h->packet, &rules, 1, &r->nft_output, err);
    return r->nft < 0 ? -1 : 0;
}

static int
end_rules(struct rise *r, struct err *err)
{
    pid_t nft = r->nft;

    r->nft = 0;
    return nft > 0 ? packet_end(nft, r->nft_output, err) : 0;
}

static int
attach_network(struct rise *r, struct err *err)
{
    struct packet_group rules;
    struct link_attach a = { .bridge = r->h->bridge,
                             .netns_fd = r->ns.fd[NAMESPACE_NET],
                             .prefix = 16,
                             .gateway = r->h->place.subnet + 1 };
    char link[LINK_NAME_MAX];

    group_rules(r->h, r->g, &rules, link);
    a.name = link;
    a.address = rules.address;
    memcpy(a.mac, rules.mac, sizeof(a.mac));
    return link_attach(&a, err);
}

static int
go(struct rise *r, bool fresh, struct err *err)
{
    char byte = 1;

    if (fresh && place_file_write(r->state_fd, "ready", "", 0, 0600, err) != 0)
        return -1;
    crash_steps_point("start-ready");
    if (send(r->channel[0], &byte, 1, MSG_NOSIGNAL) != 1)
        return err_sys(err, errno, "a group's supervisor went away");
    crash_steps_point("start-go");
    return 0;
}

int
group_connect(struct host *h, struct group *g)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct ucred peer = { 0 };
    socklen_t n = sizeof(peer);
    OWN_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s/control",
                   h->place.run_groups_fd, g->id);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
        return -1;
    if (g->pidfd < 0) {
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 || peer.pid <= 0)
            return -1;
        g->pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
        if (g->pidfd < 0)
            return -1;
    }
    g->control = give_fd(&fd);
    return 0;
}

static int
rise(struct rise *r, bool fresh, struct err *err)
{
    struct place *place = &r->h->place;

    for (size_t i = 0; i < r->plan->port_count; i++) {
        r->ports[i] = reserve_port(&r->plan->ports[i], err);
        if (r->ports[i] < 0)
            return -1;
    }
    if (begin_rules(r, err) != 0)
        return -1;
    crash_steps_point("start-rules");
    if (open_folders(r, err) != 0 || cgroup_make(&r->h->cgroup, place->tag, r->g->id, err) != 0)
        return -1;
    crash_steps_point("start-cgroup");
    if (make_run_folder(r, err) != 0)
        return -1;
    crash_steps_point("start-run-folder");
    if (namespaces_make(&r->ns, place_slot_uid(place, r->g->slot), PLACE_UIDS, r->hostname, err) !=
        0)
        return -1;
    crash_steps_point("start-namespace");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->channel) != 0)
        return err_sys(err, errno, "cannot make a channel");
    if (start_supervisor(r, err) != 0 || send_brief(r, err) != 0)
        return -1;
    crash_steps_point("start-supervisor");
    if (attach_network(r, err) != 0)
        return -1;
    crash_steps_point("start-network");
    if (await_supervisor(r, err) != 0)
        return -1;
    if (group_connect(r->h, r->g) != 0)
        return err_set(err, ERR_IO, "a group's supervisor does not answer");
    return go(r, fresh, err) == 0 ? end_rules(r, err) : -1;
}

int
group_up(struct host *h, struct group *g, const struct plan *plan, bool fresh, struct err *err)
{
    __attribute__((cleanup(rise_done))) struct rise r = { .h = h,
                                                          .g = g,
                                                          .plan = plan,
                                                          .state_fd = -1,
                                                          .run_fd = -1,
                                                          .log_fd = -1,
                                                          .input_fd = -1,
                                                          .channel = { -1, -1 },
                                                          .ns = { { -1, -1, -1, -1 } } };

    for (size_t i = 0; i < PLAN_PORTS_MAX; i++)
        r.ports[i] = -1;
    if (h->runtime == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no container runtime works on this machine");
    (void)text_copy(plan->hostname.n > 0 ? plan->hostname : text_from(plan->id, 8), r.hostname,
                    sizeof(r.hostname));
    place_address_text(place_slot_address(&h->place, g->slot), r.address);
    g->up_us = clock_mono_us();
    return rise(&r, fresh, err);
}
