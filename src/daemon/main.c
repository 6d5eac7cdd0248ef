/* main.c - holdfastd: read what it is told, give up privileges, serve, end cleanly. */
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/bootstrap.h"
#include "daemon/options.h"
#include "daemon/programs.h"
#include "daemon/rooms.h"
#include "daemon/user.h"
#include "gateway/gateway.h"
#include "rt/signals.h"
#include "wire/json.h"

#define OPTIONS_ARENA ((size_t)1024 * 1024)
#define TICK_MS       1000
#define EXIT_USAGE    2

/* Tell a service manager, in systemd's datagram protocol (sd_notify(3)); nobody there is fine. */
static void
notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    OWN_FD fd = -1;
    size_t n;

    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
        return;
    n = strlen(path);
    memcpy(to.sun_path, path, n);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) >= 0)
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

static void
say_ready(struct gateway *gateway)
{
    struct gateway_address at[GATEWAY_LISTENERS_MAX];
    size_t n = gateway_addresses(gateway, at);

    for (size_t i = 0; i < n; i++) {
        bool six = strchr(at[i].host, ':') != NULL;

        (void)printf("ready %s://%s%s%s:%u\n", at[i].tls ? "https" : "http", six ? "[" : "",
                     at[i].host, six ? "]" : "", at[i].port);
    }
    (void)fflush(stdout);
    notify("READY=1");
}

/* What the process was told, first at its start and again at each HUP.  Requests may be looking at
 * the names of an earlier reading, so all are kept to the end. */
struct reading {
    struct reading *before;
    struct arena *arena;
    struct options options;
};

static void
reading_free(struct reading *r)
{
    while (r != NULL) {
        struct reading *before = r->before;

        arena_free(r->arena);
        mem_free(r);
        r = before;
    }
}

static int
read_again(struct reading **last, int argc, char **argv, struct err *err)
{
    struct reading *r = mem_zalloc(sizeof(*r));

    if (r == NULL)
        return err_memory(err);
    r->before = *last;
    *last = r;
    if ((r->arena = arena_new(OPTIONS_ARENA)) == NULL)
        return err_memory(err);
    return options_read(&r->options, argc, argv, r->arena, err);
}

/* How main() was called, to read it again. */
struct call {
    int argc;
    char **argv;
    struct reading *last;
};

static void
reload(struct rooms *rooms, struct call *call)
{
    struct err err = { 0 };

    if (read_again(&call->last, call->argc, call->argv, &err) < 0 ||
        rooms_reload(rooms, &call->last->options, &err) < 0)
        log_err(LOG_LEVEL_ERROR, "nothing was reloaded", NULL, &err);
    else
        LOG(LOG_LEVEL_INFO, "certificates, names and log level reloaded", NULL,
            LOG_NUMBER("pid", getpid()));
}

/* Until TERM or INT. */
static void
serve(struct rooms *rooms, int signals, struct call *call)
{
    for (;;) {
        struct pollfd wait = { .fd = signals, .events = POLLIN };

        rooms_tick(rooms);
        if (poll(&wait, 1, TICK_MS) <= 0)
            continue;
        if (signals_next(signals) != SIGHUP)
            return;
        reload(rooms, call);
    }
}

/* As many connections as the limits of the gateway allow need as many descriptors; and threads
 * share two heaps, so that what one frees another can use. */
static void
use_resources_well(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)mallopt(M_ARENA_MAX, 2);
}

static int
run(struct call *call, struct err *err)
{
    const struct options *o = &call->last->options;
    struct arena *arena = call->last->arena;
    struct keeper_program programs[PROGRAM_COUNT];
    struct users users;
    int signals = -1;

    use_resources_well();
    users_find(&users);
    if (users_own_data(&users, o->data, err) < 0 || bootstrap_recover(o->data, err) < 0 ||
        programs_describe(o, &users, arena, programs, err) < 0)
        return -1;

    OWN(keeper) keeper = keeper_start(programs, PROGRAM_COUNT, err);

    if (keeper == NULL || users_drop(&users, err) < 0 || signals_open(&signals, err) < 0)
        return -1;
    if (o->crash_at != NULL && crash_arm(o->crash_at, NULL, err) < 0)
        return -1;

    OWN(rooms) rooms = rooms_open(o, keeper, users.root, err);

    if (rooms == NULL)
        return -1;
    if (!users.root)
        LOG(LOG_LEVEL_WARNING, "not started by root: everything is served but containers", NULL,
            LOG_NUMBER("uid", getuid()));
    say_ready(rooms_gateway(rooms));
    serve(rooms, signals, call);
    notify("STOPPING=1");
    return 0;
}

int
main(int argc, char **argv)
{
    struct call call = { argc, argv, NULL };
    struct err err = { 0 };
    int status = EXIT_SUCCESS;

    (void)umask(0077);
    json_start();
    if (read_again(&call.last, argc, argv, &err) < 0) {
        (void)fprintf(stderr, "holdfastd: %s\n", err.msg);
        status = EXIT_USAGE;
    } else if (call.last->options.help || call.last->options.version) {
        (void)fputs(call.last->options.help ? options_usage(call.last->arena)
                                            : "holdfastd " HOLDFAST_VERSION "\n",
                    stdout);
    } else {
        log_start("holdfastd", call.last->options.log_level);
        if (run(&call, &err) < 0) {
            log_err(LOG_LEVEL_ERROR, "cannot serve", NULL, &err);
            status = EXIT_FAILURE;
        }
    }
    reading_free(call.last);
    return status;
}
