#include "daemon/user.h"

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

static void
find_user(const char *name, unsigned fixed, uid_t *uid, gid_t *gid)
{
    const struct passwd *entry = getpwnam(name);

    *uid = entry != NULL ? entry->pw_uid : (uid_t)fixed;
    *gid = entry != NULL ? entry->pw_gid : (gid_t)fixed;
}

void
users_find(struct users *out)
{
    *out = (struct users){ .root = geteuid() == 0 };
    if (out->root) {
        find_user("holdfast", USER_HOLDFAST_ID, &out->uid, &out->gid);
        find_user("holdfast-vault", USER_VAULT_ID, &out->vault_uid, &out->vault_gid);
        return;
    }
    out->uid = out->vault_uid = geteuid();
    out->gid = out->vault_gid = getegid();
}

/* Make every folder on the way; those above are as open as usual. */
static int
make_parents(const char *path, struct err *err)
{
    char part[4096];
    size_t n = strlen(path);

    if (n >= sizeof(part))
        return err_set(err, ERR_INVALID, "the path of the data folder is too long");
    for (size_t i = 1; i < n; i++) {
        if (path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return err_sys(err, errno, "cannot make the folder %.200s", part);
    }
    return 0;
}

/* Who a folder is given to, and how. */
struct ownership {
    bool give;
    uid_t uid;
    gid_t gid;
    mode_t mode;
};

static int
own_folder(int at, const char *path, int flags, struct ownership to, struct err *err)
{
    OWN_FD fd = -1;

    if (mkdirat(at, path, 0700) < 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make the folder %.200s", path);
    if ((fd = openat(at, path, flags | O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return err_sys(err, errno, "cannot open the folder %.200s", path);
    if (to.give && fchown(fd, to.uid, to.gid) < 0)
        return err_sys(err, errno, "cannot give the folder %.200s to its user", path);
    if (fchmod(fd, to.mode) < 0)
        return err_sys(err, errno, "cannot close the folder %.200s to others", path);
    return 0;
}

int
users_own_data(const struct users *u, const char *path, struct err *err)
{
    struct ownership data = { u->root, 0, u->gid, u->root ? 01770 : 0700 };
    struct ownership vault = { u->root, u->vault_uid, u->vault_gid, 0700 };
    OWN_FD fd = -1;

    if (make_parents(path, err) < 0 || own_folder(AT_FDCWD, path, 0, data, err) < 0)
        return -1;
    if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return err_sys(err, errno, "cannot open the folder %.200s", path);
    /* What lies in DIR is the daemon's word: a link it left there must not be given away by root.
     */
    return own_folder(fd, "vault", O_NOFOLLOW, vault, err);
}

int
users_drop(const struct users *u, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_sys(err, errno, "cannot close the way to new privileges");
    if (!u->root)
        return 0;
    if (setgroups(0, NULL) < 0)
        return err_sys(err, errno, "cannot leave the groups of root");
    capng_clear(CAPNG_SELECT_BOTH);
    if (setresgid(u->gid, u->gid, u->gid) < 0 || setresuid(u->uid, u->uid, u->uid) < 0)
        return err_sys(err, errno, "cannot become user %u", (unsigned)u->uid);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0)
        return err_set(err, ERR_IO, "cannot give up capabilities");
    return setuid(0) == 0 ? err_set(err, ERR_IO, "root was given up and came back") : 0;
}
