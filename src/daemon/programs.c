#include "daemon/programs.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Where holdfastd itself is: "/usr/bin" or "build/src/daemon". */
static const char *
own_folder(struct arena *arena, struct err *err)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;

    if (n < 0) {
        (void)err_sys(err, errno, "cannot find where holdfastd is");
        return NULL;
    }
    path[n] = '\0';
    if ((slash = strrchr(path, '/')) != NULL)
        *slash = '\0';
    return arena_cstr(arena, text_of(path));
}

static const char *
find_program(const char *room, const char *name, struct arena *arena, struct err *err)
{
    const char *folder = own_folder(arena, err);
    const char *path;

    if (folder == NULL)
        return NULL;
    path = arena_printf(arena, "%s/../%s/%s", folder, room, name);
    if (path != NULL && access(path, X_OK) == 0)
        return path;
    path = arena_printf(arena, "%s/%s", HOLDFAST_LIBEXEC, name);
    if (path != NULL && access(path, X_OK) == 0)
        return path;
    (void)err_set(err, ERR_IO, "the program %s is not installed (looked in %s)", name,
                  HOLDFAST_LIBEXEC);
    return NULL;
}

static const char *const *
words(struct arena *arena, size_t n, const char *const *list)
{
    const char **copy = arena_take(arena, (n + 1) * sizeof(*copy));

    for (size_t i = 0; copy != NULL && i < n; i++)
        copy[i] = list[i];
    return copy;
}

#define WORDS(arena, ...)                                                                          \
    words((arena), sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *),                       \
          (const char *[]){ __VA_ARGS__ })

/* runc and nft are looked for where a distribution puts them. */
static const char *const runner_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    NULL,
};

int
programs_describe(const struct options *o, const struct users *users, struct arena *arena,
                  struct keeper_program out[static PROGRAM_COUNT], struct err *err)
{
    const char *vaultd = find_program("vault", "holdfast-vaultd", arena, err);
    const char *runnerd = find_program("runner", "holdfast-runnerd", arena, err);

    if (vaultd == NULL || runnerd == NULL)
        return -1;
    out[PROGRAM_VAULTD] = (struct keeper_program){
        .path = vaultd,
        .argv = WORDS(arena, vaultd, "--data", o->data, "--uid",
                      arena_printf(arena, "%u", (unsigned)users->vault_uid), "--gid",
                      arena_printf(arena, "%u", (unsigned)users->vault_gid)),
        .new_session = true,
    };
    out[PROGRAM_RUNNERD] = (struct keeper_program){
        .path = runnerd,
        .argv = WORDS(arena, runnerd, "--state", o->runner_state, "--run", o->runner_run,
                      o->runner_crash_at != NULL ? "--crash-at" : NULL, o->runner_crash_at),
        .env = runner_env,
        .new_session = true,
    };
    return out[PROGRAM_VAULTD].argv != NULL && out[PROGRAM_RUNNERD].argv != NULL ? 0
                                                                                 : err_memory(err);
}
