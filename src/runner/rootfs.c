#include "runner/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"

#define OPTIONS_MAX 4095 /* mount(2) takes one page */

void
rootfs_layer_name(const struct digest *d, char out[static DIGEST_TEXT_MAX + 1])
{
    (void)digest_text(d, out);
    *strchr(out, ':') = '-';
}

static size_t
find_layer(const struct rootfs *r, const struct digest *d)
{
    size_t i = 0;

    while (i < r->count && !digest_equal(&r->seen[i], d))
        i++;
    return i;
}

/* One layer, its ids shifted into the group's range, attached at l/INDEX. */
static int
attach_layer(const struct rootfs *r, const struct digest *d, int layers_fd, int userns_fd,
             struct err *err)
{
    struct mount_attr attr = { .attr_set = (uint64_t)MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY |
                                           MOUNT_ATTR_NODEV,
                               .userns_fd = (unsigned)userns_fd };
    char name[DIGEST_TEXT_MAX + 1], at[32];
    OWN_FD tree = -1;

    rootfs_layer_name(d, name);
    (void)snprintf(at, sizeof(at), "l/%zu", r->count);
    tree = (int)syscall(SYS_open_tree, layers_fd, name,
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    if (tree < 0)
        return err_sys(err, errno, "cannot open the layer %s", name);
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) != 0)
        return err_sys(err, errno, "this kernel cannot idmap the layers' filesystem");
    if (mkdirat(r->run_fd, at, 0711) != 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make a mount point");
    if (syscall(SYS_move_mount, tree, "", r->run_fd, at, MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return err_sys(err, errno, "cannot attach the layer %s", name);
    return 0;
}

int
rootfs_layers(struct rootfs *r, const struct plan *plan, int layers_fd, int userns_fd,
              struct err *err)
{
    size_t most = 0;

    for (size_t c = 0; c < plan->container_count; c++)
        most += plan->containers[c].layer_count;
    r->seen = mem_zalloc(most * sizeof(*r->seen));
    if (r->seen == NULL)
        return err_memory(err);
    for (size_t c = 0; c < plan->container_count; c++)
        for (size_t l = 0; l < plan->containers[c].layer_count; l++) {
            const struct digest *d = &plan->containers[c].layers[l];

            if (find_layer(r, d) < r->count)
                continue;
            if (attach_layer(r, d, layers_fd, userns_fd, err) != 0)
                return -1;
            r->seen[r->count++] = *d;
        }
    return 0;
}

void
rootfs_done(struct rootfs *r)
{
    mem_free(r->seen);
    r->seen = NULL;
    r->count = 0;
}

static int
fresh_folder(const struct rootfs *r, int scratch_fd, const char *name, mode_t mode, struct err *err)
{
    if (mkdirat(scratch_fd, name, mode) != 0 || fchmodat(scratch_fd, name, mode, 0) != 0 ||
        fchownat(scratch_fd, name, r->uid, r->uid, AT_SYMLINK_NOFOLLOW) != 0)
        return err_sys(err, errno, "cannot make the folder %s of a root filesystem", name);
    return 0;
}

/* The merged root shows the mode of the topmost folder: the image's own, not the umask's. */
static mode_t
root_mode(const struct rootfs *r, const struct plan_container *c)
{
    struct stat st;
    char at[32];

    (void)snprintf(at, sizeof(at), "l/%zu", find_layer(r, &c->layers[c->layer_count - 1]));
    return fstatat(r->run_fd, at, &st, 0) == 0 ? st.st_mode & 07777 : 0755;
}

int
rootfs_mount(const struct rootfs *r, const struct plan_container *c, int scratch_fd,
             const char *scratch, const char *target, struct err *err)
{
    OWN_BUF(options, OPTIONS_MAX);
    OWN_FD home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char to[64];
    int rc;

    if (fresh_folder(r, scratch_fd, "upper", root_mode(r, c), err) != 0 ||
        fresh_folder(r, scratch_fd, "work", 0700, err) != 0)
        return -1;
    /* Relative names keep 127 layers within mount(2)'s page; the topmost comes first. */
    buf_str(&options, "userxattr,volatile,lowerdir=");
    for (size_t i = c->layer_count; i > 0; i--)
        buf_printf(&options, "%s%zu", i < c->layer_count ? ":" : "",
                   find_layer(r, &c->layers[i - 1]));
    buf_printf(&options, ",upperdir=%s/upper,workdir=%s/work", scratch, scratch);
    if (buf_check(&options, err) != 0)
        return -1;
    (void)snprintf(to, sizeof(to), "../%s", target);
    if (home < 0 || fchdir(r->run_fd) != 0 || chdir("l") != 0)
        return err_sys(err, errno, "cannot enter the group's folder");
    rc = mount("holdfast", to, "overlay", MS_NODEV, options.p);
    if (rc != 0)
        (void)err_sys(err, errno, "cannot mount a root filesystem");
    if (fchdir(home) != 0)
        return err_sys(err, errno, "cannot return from the group's folder");
    return rc;
}

void
rootfs_unmount(const struct rootfs *r, const char *target)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", r->run_fd, target);
    (void)umount2(path, MNT_DETACH);
}
