#include "runner/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/own.h"
#include "runner/place.h"
#include "runner/remove.h"
#include "runner/unpack.h"

#define WHITEOUT  ".wh."
#define OPAQUE    ".wh..wh..opq"
#define TIMES_MAX (64u * 1024 * 1024)
#define NAME_LEN  255

/* Where an entry goes: an open parent and a last component without '/'. */
struct spot {
    int parent; /* borrowed from the tree */
    char name[NAME_LEN + 1];
};

void
tree_begin(struct tree *t, int root)
{
    *t = (struct tree){ .root = root, .file = -1, .parent = -1, .times = { .max = TIMES_MAX } };
}

static void
forget_parent(struct tree *t)
{
    if (t->parent >= 0)
        (void)close(t->parent);
    t->parent = -1;
}

void
tree_done(struct tree *t)
{
    forget_parent(t);
    if (t->file >= 0)
        (void)close(t->file);
    buf_done(&t->times);
}

/* ---- where ---- */

static int
open_inside(const struct tree *t, const char *path, int flags)
{
    struct open_how how = { .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
                            .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };

    return (int)syscall(SYS_openat2, t->root, path, &how, sizeof(how));
}

static int
count_entry(struct tree *t, struct err *err)
{
    if (++t->entries > UNPACK_ENTRIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the layer has more than %u entries",
                       UNPACK_ENTRIES_MAX);
    return 0;
}

/* Layers often leave out the folders above a file: they are made, one by one, and count (T4). */
static int
make_parents(struct tree *t, const char *path, struct err *err)
{
    char part[TAR_PATH_MAX + 1];
    int at = open_inside(t, ".", O_PATH | O_DIRECTORY);

    for (size_t i = 0; at >= 0; i++) {
        const char *name;
        int next;

        part[i] = path[i];
        if (path[i] != '/' && path[i] != '\0')
            continue;
        part[i] = '\0';
        name = strrchr(part, '/') != NULL ? strrchr(part, '/') + 1 : part;
        next = open_inside(t, part, O_PATH | O_DIRECTORY);
        if (next < 0 && errno == ENOENT && mkdirat(at, name, 0755) == 0) {
            next = open_inside(t, part, O_PATH | O_DIRECTORY);
            if (next >= 0 && count_entry(t, err) != 0) {
                (void)close(next);
                (void)close(at);
                return -1;
            }
        }
        (void)close(at);
        at = next;
        part[i] = path[i];
        if (path[i] == '\0')
            break;
    }
    if (at >= 0)
        return at;
    if (errno == ENOSPC || errno == EIO || errno == EDQUOT)
        return err_sys(err, errno, "cannot write the layer");
    return err_set(err, ERR_INVALID, "the layer puts files below %.100s, which is no folder", path);
}

static int
find_parent(struct tree *t, const char *path, struct err *err)
{
    if (t->parent >= 0 && strcmp(path, t->parent_path) == 0)
        return 0;
    forget_parent(t);
    t->parent = open_inside(t, path, O_PATH | O_DIRECTORY);
    if (t->parent < 0)
        t->parent = make_parents(t, path, err);
    if (t->parent < 0)
        return -1;
    (void)snprintf(t->parent_path, sizeof(t->parent_path), "%s", path);
    return 0;
}

static int
find_spot(struct tree *t, struct text raw, struct spot *out, struct err *err)
{
    char path[TAR_PATH_MAX + 1];
    char *slash;

    if (tar_path_clean(raw, path, err) != 0)
        return -1;
    slash = strrchr(path, '/');
    (void)snprintf(out->name, sizeof(out->name), "%.*s", NAME_LEN,
                   slash != NULL ? slash + 1 : path);
    if (slash != NULL)
        *slash = '\0';
    if (find_parent(t, slash != NULL ? path : ".", err) != 0)
        return -1;
    out->parent = t->parent;
    return 0;
}

/* ---- what was there before, in this layer ---- */

static int
make_room(const struct spot *s, bool folder, struct err *err)
{
    struct stat st;

    if (fstatat(s->parent, s->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : err_sys(err, errno, "cannot look at a file of the layer");
    if (folder && S_ISDIR(st.st_mode))
        return 0;
    if (strcmp(s->name, ".") == 0)
        return err_set(err, ERR_INVALID, "the layer replaces its own root");
    if (!S_ISDIR(st.st_mode)) {
        if (unlinkat(s->parent, s->name, 0) != 0)
            return err_sys(err, errno, "cannot replace a file of the layer");
        return 0;
    }
    return remove_tree(s->parent, s->name, err);
}

/* A folder that was a parent may be gone now, or a link in its place. */
static int
make_room_and_find(struct tree *t, struct text raw, struct spot *s, bool folder, struct err *err)
{
    struct stat st;

    if (fstatat(s->parent, s->name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
        return 0;
    if (make_room(s, folder, err) != 0)
        return -1;
    forget_parent(t);
    return find_spot(t, raw, s, err);
}

/* ---- attributes ---- */

static bool
is_kept(struct text name)
{
    if (text_starts(name, "user.overlay."))
        return false;
    return text_starts(name, "user.") || text_is(name, "security.capability");
}

static int
set_attributes(int fd, const struct tar_entry *e, struct err *err)
{
    char name[256];

    for (size_t i = 0; i < e->n_xattrs; i++) {
        const struct tar_xattr *x = &e->xattrs[i];

        if (!is_kept(x->name) || !text_copy(x->name, name, sizeof(name)))
            continue;
        if (fsetxattr(fd, name, x->value.p, x->value.n, 0) != 0 && errno != ENOTSUP)
            return err_sys(err, errno, "cannot set the attribute %s", name);
    }
    return 0;
}

static struct timespec
time_of(int64_t ns)
{
    struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

    if (ts.tv_nsec < 0) {
        ts.tv_nsec += 1000000000;
        ts.tv_sec--;
    }
    return ts;
}

/* Owner first: changing it clears setuid and capabilities. */
static int
finish_open(int fd, const struct tar_entry *e, struct err *err)
{
    struct timespec times[2] = { time_of(e->mtime_ns), time_of(e->mtime_ns) };

    if (fchown(fd, e->uid, e->gid) != 0 || fchmod(fd, e->mode & 07777) != 0)
        return err_sys(err, errno, "cannot set owner and mode");
    if (set_attributes(fd, e, err) != 0)
        return -1;
    return futimens(fd, times) == 0 ? 0 : err_sys(err, errno, "cannot set a time");
}

static int
finish_unopened(const struct spot *s, const struct tar_entry *e, struct err *err)
{
    struct timespec times[2] = { time_of(e->mtime_ns), time_of(e->mtime_ns) };

    if (fchownat(s->parent, s->name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return err_sys(err, errno, "cannot set an owner");
    if (e->type == TAR_FIFO && fchmodat(s->parent, s->name, e->mode & 07777, 0) != 0)
        return err_sys(err, errno, "cannot set a mode");
    if (utimensat(s->parent, s->name, times, AT_SYMLINK_NOFOLLOW) != 0)
        return err_sys(err, errno, "cannot set a time");
    return 0;
}

/* ---- one kind each ---- */

static int
put_whiteout(const struct spot *s, struct err *err)
{
    const char *hidden = s->name + sizeof(WHITEOUT) - 1;
    OWN_FD folder = -1;

    if (strcmp(s->name, OPAQUE) == 0) {
        folder = openat(s->parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0 || fsetxattr(folder, "user.overlay.opaque", "y", 1, 0) != 0)
            return err_sys(err, errno, "cannot mark a folder as opaque");
        return 0;
    }
    if (strncmp(hidden, WHITEOUT, sizeof(WHITEOUT) - 1) == 0)
        return 0; /* bookkeeping of aufs */
    if (hidden[0] == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
        return err_set(err, ERR_INVALID, "the layer hides a name that is none");
    /* What the layer itself brings under that name stays: whiteouts are for the layers below. */
    if (mknodat(s->parent, hidden, S_IFCHR, makedev(0, 0)) != 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make a whiteout");
    return 0;
}

static int
put_file(struct tree *t, const struct spot *s, struct err *err)
{
    t->file =
        openat(s->parent, s->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return t->file >= 0 ? 0 : err_sys(err, errno, "cannot make the file %.100s", s->name);
}

static int
put_folder(struct tree *t, const struct spot *s, const struct tar_entry *e, struct err *err)
{
    char path[TAR_PATH_MAX + 1];
    OWN_FD fd = -1;

    if (strcmp(s->name, ".") != 0 && mkdirat(s->parent, s->name, 0700) != 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make the folder %.100s", s->name);
    fd = openat(s->parent, s->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno, "cannot open the folder %.100s", s->name);
    if (finish_open(fd, e, err) != 0 || tar_path_clean(e->path, path, err) != 0)
        return -1;
    buf_add(&t->times, &e->mtime_ns, sizeof(e->mtime_ns));
    buf_add(&t->times, path, strlen(path) + 1);
    return 0;
}

static int
put_symlink(const struct spot *s, const struct tar_entry *e, struct err *err)
{
    char target[TAR_PATH_MAX + 1];

    if (!text_copy(e->link, target, sizeof(target)))
        return err_set(err, ERR_INVALID, "a symbolic link of the layer is too long");
    if (symlinkat(target, s->parent, s->name) != 0)
        return err_sys(err, errno, "cannot make the link %.100s", s->name);
    return finish_unopened(s, e, err);
}

/* The target's parent is kept open on its own: finding it may move the tree's idea of a parent. */
static int
put_hardlink(struct tree *t, const struct tar_entry *e, struct err *err)
{
    struct spot from, to;
    OWN_FD parent = -1;

    if (find_spot(t, e->link, &from, err) != 0)
        return -1;
    parent = fcntl(from.parent, F_DUPFD_CLOEXEC, 3);
    if (parent < 0)
        return err_sys(err, errno, "cannot keep a folder open");
    if (find_spot(t, e->path, &to, err) != 0)
        return -1;
    if (linkat(parent, from.name, to.parent, to.name, 0) == 0)
        return 0;
    if (errno == ENOENT || errno == EPERM)
        return err_set(err, ERR_INVALID, "the layer links %.100s to %.100s, which is no file of it",
                       to.name, from.name);
    return err_sys(err, errno, "cannot link %.100s", to.name);
}

static int
put_entry(struct tree *t, const struct tar_entry *e, struct err *err)
{
    struct spot s;

    if (count_entry(t, err) != 0)
        return -1;
    if (e->uid >= PLACE_UIDS || e->gid >= PLACE_UIDS)
        return err_set(err, ERR_INVALID, "the layer has a file of owner %u:%u, above %u", e->uid,
                       e->gid, PLACE_UIDS - 1);
    if (find_spot(t, e->path, &s, err) != 0)
        return -1;
    if (strncmp(s.name, WHITEOUT, sizeof(WHITEOUT) - 1) == 0)
        return put_whiteout(&s, err);
    if (e->type == TAR_CHAR || e->type == TAR_BLOCKDEV) {
        t->skipped++; /* useless in a user namespace, and /dev is mounted over anyway */
        return 0;
    }
    if (strcmp(s.name, ".") == 0 && e->type != TAR_DIR)
        return err_set(err, ERR_INVALID, "the layer replaces its own root");
    if (make_room_and_find(t, e->path, &s, e->type == TAR_DIR, err) != 0)
        return -1;
    switch (e->type) {
    case TAR_FILE: return put_file(t, &s, err);
    case TAR_DIR: return put_folder(t, &s, e, err);
    case TAR_SYMLINK: return put_symlink(&s, e, err);
    case TAR_HARDLINK: return put_hardlink(t, e, err);
    case TAR_FIFO:
        if (mknodat(s.parent, s.name, S_IFIFO | 0600, 0) != 0)
            return err_sys(err, errno, "cannot make a pipe");
        return finish_unopened(&s, e, err);
    case TAR_CHAR:
    case TAR_BLOCKDEV: break;
    }
    return 0;
}

static int
write_data(struct tree *t, struct text data, struct err *err)
{
    while (t->file >= 0 && data.n > 0) {
        ssize_t n = write(t->file, data.p, data.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, errno,
                           errno == ENOSPC ? "the disk is full" : "cannot write a file");
        data = text_after(data, (size_t)n);
    }
    return 0;
}

int
tree_event(struct tree *t, const struct tar_event *event, struct err *err)
{
    int rc = 0;

    switch (event->kind) {
    case TAR_MORE:
    case TAR_END: return 0;
    case TAR_ENTRY: return put_entry(t, event->entry, err);
    case TAR_DATA: return write_data(t, event->data, err);
    case TAR_END_ENTRY:
        if (t->file >= 0) {
            rc = finish_open(t->file, event->entry, err);
            (void)close(t->file);
            t->file = -1;
        }
        return rc;
    }
    return 0;
}

/* Times of folders last, as writing into one changes it; those replaced meanwhile do not matter. */
int
tree_end(struct tree *t, struct err *err)
{
    struct text rest = buf_view(&t->times);

    while (rest.n > sizeof(int64_t)) {
        struct timespec times[2];
        struct stat st;
        int64_t ns;
        OWN_FD fd = -1;

        memcpy(&ns, rest.p, sizeof(ns));
        times[0] = times[1] = time_of(ns);
        rest = text_after(rest, sizeof(ns));
        fd = open_inside(t, rest.p, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd >= 0 && fstat(fd, &st) == 0)
            (void)futimens(fd, times);
        rest = text_after(rest, strlen(rest.p) + 1);
    }
    if (syncfs(t->root) != 0)
        return err_sys(err, errno, "cannot bring the layer to disk");
    return 0;
}
