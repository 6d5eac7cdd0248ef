/*
 * rootfs.h - the root filesystem of a container: an overlay over idmapped layers.
 *
 * All mounts are made in the supervisor's own mount namespace and end with it.  Layers on disk keep
 * their image's ids (0..65535); each is idmapped once per group and shared by its containers. Works
 * with every kernel that lets overlay stand on idmapped mounts (5.19).
 */
#ifndef RUNNER_ROOTFS_H
#define RUNNER_ROOTFS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runner/plan.h"

/* rootfs_layers(): idmap each layer of ${plan} at l/0, l/1 ... below ${run_fd}; ${index[c][l]} of
 * rootfs_index() finds them again. ${layers_fd} holds the unpacked layers. */
struct rootfs {
    int run_fd;   /* of the group; borrowed */
    uint32_t uid; /* of root inside, outside */
    size_t count; /* idmapped layers */
    struct digest *seen;
};

MUST_CHECK int rootfs_layers(struct rootfs *r, const struct plan *plan, int layers_fd,
                             int userns_fd, struct err *err);
void rootfs_done(struct rootfs *r);

/*
 * rootfs_mount(r, c, scratch_fd, target, err): a fresh overlay at ${target} ("c0/rootfs", below
 * run_fd), its upper and work folders new in ${scratch_fd} (the container's folder in the state).
 */
MUST_CHECK int rootfs_mount(const struct rootfs *r, const struct plan_container *c, int scratch_fd,
                            const char *scratch, const char *target, struct err *err);
void rootfs_unmount(const struct rootfs *r, const char *target);

/* rootfs_layer_name(d, out): the folder of a layer: "sha256-HEX". */
void rootfs_layer_name(const struct digest *d, char out[static DIGEST_TEXT_MAX + 1]);

#endif /* RUNNER_ROOTFS_H */
