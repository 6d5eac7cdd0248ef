#include "store/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/own.h"
#include "store/claim.h"
#include "store/disk.h"

static DIR *
open_uploads(int root, struct err *err)
{
    OWN_FD fd = openat(root, "uploads", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL)
        (void)err_sys(err, errno, "cannot read the folder of uploads");
    else
        (void)give_fd(&fd);
    return dir;
}

/* "<uuid>.<suffix>"?  Then the UUID goes to ${id}. */
static bool
is_named(const char *name, const char *suffix, char id[static ID_LEN + 1])
{
    struct text all = text_of(name);

    return all.n > ID_LEN && id_is(text_first(all, ID_LEN)) &&
           text_is(text_after(all, ID_LEN), suffix) &&
           text_copy(text_first(all, ID_LEN), id, ID_LEN + 1);
}

int
sweep_count(int root, struct err *err)
{
    DIR *dir = open_uploads(root, err);
    char id[ID_LEN + 1];
    int n = 0;

    if (dir == NULL)
        return -1;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        n += is_named(e->d_name, ".data", id);
    (void)closedir(dir);
    return n;
}

static bool
is_old(int dirfd, const char *name, int64_t seconds)
{
    struct stat st;

    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           clock_now_us() / 1000000 - st.st_mtim.tv_sec >= seconds;
}

/* 1 a session was removed, 0 not, or -errno.  Data before state, as in upload_cancel(). */
static int
sweep_session(const struct disk_ops *disk, int dirfd, struct claims *claims, const char *id,
              int64_t seconds)
{
    struct claim claim;
    char name[ID_LEN + 7];
    int r;

    if (!claim_take(claims, &claim, id))
        return 0;
    (void)snprintf(name, sizeof(name), "%s.data", id);
    /* Judged with the claim in hand: a moment ago it may have been in use. */
    r = is_old(dirfd, name, seconds) ? disk->unlink(dirfd, name) : -ENOENT;
    (void)snprintf(name, sizeof(name), "%s.state", id);
    if (r == 0)
        (void)disk->unlink(dirfd, name);
    claim_give(claims, &claim);
    return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

/* A state file whose data became a blob just before a crash, or a put that a crash cut short. */
static int
sweep_remains(const struct disk_ops *disk, int dirfd, struct claims *claims, const char *id,
              const char *file)
{
    struct claim claim;
    char data[ID_LEN + 6];
    struct stat st;
    int r = 0;

    if (!claim_take(claims, &claim, id))
        return 0;
    (void)snprintf(data, sizeof(data), "%s.data", id);
    if (fstatat(dirfd, data, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        r = disk->unlink(dirfd, file);
    claim_give(claims, &claim);
    return r == -ENOENT ? 0 : r;
}

static int
sweep_entry(const struct disk_ops *disk, int dirfd, struct claims *claims, const char *name,
            int64_t seconds)
{
    char id[ID_LEN + 1];

    if (is_named(name, ".data", id))
        return sweep_session(disk, dirfd, claims, id, seconds);
    if ((is_named(name, ".state", id) || is_named(name, ".part", id)) &&
        is_old(dirfd, name, seconds))
        return sweep_remains(disk, dirfd, claims, id, name);
    return 0;
}

int
sweep_old(const struct disk_ops *disk, int root, struct claims *claims, int64_t seconds,
          struct err *err)
{
    DIR *dir = open_uploads(root, err);
    int n = 0, r = 0;

    if (dir == NULL)
        return -1;
    for (const struct dirent *e; r >= 0 && (e = readdir(dir)) != NULL; n += r > 0 ? r : 0)
        r = sweep_entry(disk, dirfd(dir), claims, e->d_name, seconds);
    (void)closedir(dir);
    return r < 0 ? err_sys(err, -r, "cannot remove an old upload") : n;
}
