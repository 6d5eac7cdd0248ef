/* holdfast-runnerd - the privileged half of container groups.  See README.md. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "runner/crash_steps.h"
#include "runner/network.h"
#include "runner/probe.h"
#include "runner/reconcile.h"
#include "runner/serve.h"

#define CHANNEL_FD   3
#define RANGES_BYTES 16384

struct options {
    const char *state, *run, *libexec, *subnet, *runtime, *uid_base, *crash_at;
};

static const char usage[] =
    "usage: holdfast-runnerd [--state DIR] [--run DIR] [--subnet A.B.0.0/16] [--uid-base N]\n"
    "                        [--runtime NAME] [--libexec DIR] [--crash-at STEP:COUNT|FILE]\n"
    "       holdfast-runnerd --crash-steps\n"
    "Started by holdfastd, with its channel as descriptor 3.  Needs root.\n";

static bool
parse_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {
        { "--state", &o->state },       { "--run", &o->run },
        { "--subnet", &o->subnet },     { "--libexec", &o->libexec },
        { "--runtime", &o->runtime },   { "--uid-base", &o->uid_base },
        { "--crash-at", &o->crash_at },
    };

    for (int i = 1; i < argc; i += 2) {
        bool found = false;

        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
            if (strcmp(argv[i], known[k].name) == 0 && i + 1 < argc) {
                *known[k].value = argv[i + 1];
                found = true;
            }
        if (!found)
            return false;
    }
    return true;
}

static int
print_steps(void)
{
    for (size_t i = 0; crash_steps[i] != NULL; i++)
        (void)printf("%s\n", crash_steps[i]);
    return 0;
}

/* Our other programs lie beside us, in a build tree as in an installation. */
static int
find_libexec(struct place *p, const char *given, struct err *err)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n < 0)
        return err_sys(err, errno, "cannot find my own program");
    self[n] = '\0';
    slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!text_copy(text_of(given != NULL ? given : self), p->libexec, sizeof(p->libexec)))
        return err_set(err, ERR_TOO_LARGE, "the path of my programs is too long");
    return 0;
}

/* name:first:count lines of subuid(5): ranges that podman and its kin hand to users. */
static int
check_range(const struct place *p, const char *path, struct err *err)
{
    char bytes[RANGES_BYTES];
    ssize_t n = place_file_read(AT_FDCWD, path, bytes, sizeof(bytes), err);
    struct text rest = text_from(bytes, n > 0 ? (size_t)n : 0), line, field;
    uint64_t first = 0, count = 0;

    if (n < 0)
        return -1;
    while (text_cut(&rest, '\n', &line)) {
        if (!text_cut(&line, ':', &field) || !text_cut(&line, ':', &field) ||
            !text_to_u64(field, UINT32_MAX, &first) || !text_to_u64(line, UINT32_MAX, &count))
            continue;
        if (first < (uint64_t)p->uid_base + PLACE_UIDS * PLACE_SLOTS_MAX &&
            p->uid_base < first + count)
            return err_set(err, ERR_CONFLICT,
                           "our ids from %u on overlap a range of %s: give others with --uid-base",
                           p->uid_base, path);
    }
    return 0;
}

static int
set_places(struct place *p, const struct options *o, struct err *err)
{
    const char *paths[] = { o->state, o->run };
    uint64_t base = PLACE_UID_BASE;

    for (size_t i = 0; i < 2; i++)
        if (paths[i][0] != '/' || strpbrk(paths[i], ",:\\\"") != NULL)
            return err_set(err, ERR_INVALID, "%s is not an absolute path free of , : \\ and \"",
                           paths[i]);
    if (!text_copy(text_of(o->state), p->state, sizeof(p->state)) ||
        !text_copy(text_of(o->run), p->run, sizeof(p->run)))
        return err_set(err, ERR_TOO_LARGE, "a folder's path has at most %d bytes", PLACE_PATH_MAX);
    if (o->uid_base != NULL &&
        (!text_to_u64(text_of(o->uid_base), UINT32_MAX - PLACE_UIDS * PLACE_SLOTS_MAX, &base) ||
         base < PLACE_UIDS))
        return err_set(err, ERR_INVALID, "--uid-base is out of range");
    p->uid_base = (uint32_t)base;
    if (check_range(p, "/etc/subuid", err) != 0 || check_range(p, "/etc/subgid", err) != 0)
        return -1;
    return find_libexec(p, o->libexec, err);
}

static int
get_ready(struct host *h, const struct options *o, struct err *err)
{
    if (geteuid() != 0)
        return err_set(err, ERR_DENIED, "running containers needs root");
    if (set_places(&h->place, o, err) != 0 || place_open(&h->place, err) != 0 ||
        cgroup_find(&h->cgroup, err) != 0 || network_up(h, o->subnet, err) != 0 ||
        reconcile(h, err) != 0 || probe_runtime(h, o->runtime, err) != 0)
        return -1;
    return 0;
}

static int
run(struct host *h, const struct options *o)
{
    struct err err = { 0 }, missing = { 0 };
    int rc;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(022);
    (void)fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC);
    if (get_ready(h, o, &missing) != 0)
        log_err(LOG_LEVEL_ERROR, "containers cannot be run", NULL, &missing);
    rc = serve(h, CHANNEL_FD, missing.msg, &err);
    if (rc != 0)
        log_err(LOG_LEVEL_ERROR, "the channel is closed", NULL, &err);
    if (missing.kind == ERR_OK)
        reconcile_leave(h);
    while (h->groups != NULL)
        group_forget(h, h->groups->id);
    return rc == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct options o = { .state = "/var/lib/holdfast-runner", .run = "/run/holdfast" };
    struct err err = { 0 };
    struct host *h;
    int rc;

    if (argc == 2 && strcmp(argv[1], "--crash-steps") == 0)
        return print_steps();
    if (!parse_options(argc, argv, &o) || fcntl(CHANNEL_FD, F_GETFD) < 0) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (o.crash_at != NULL && crash_arm(o.crash_at, crash_steps, &err) != 0) {
        (void)fprintf(stderr, "holdfast-runnerd: %s\n", err.msg);
        return 2;
    }
    log_start("runnerd", LOG_LEVEL_INFO);
    h = mem_zalloc(sizeof(*h));
    if (h == NULL)
        return 1;
    rc = run(h, &o);
    mem_free(h);
    return rc;
}
