/*
 * namespace.h - the namespaces that the containers of one group share: user, net, ipc and uts.
 *
 * No process is needed to keep them: descriptors do, and they end with the last descriptor and the
 * last container.
 */
#ifndef RUNNER_NAMESPACE_H
#define RUNNER_NAMESPACE_H

#include <stdint.h>

#include "base/err.h"

enum namespace_kind {
    NAMESPACE_USER,
    NAMESPACE_NET,
    NAMESPACE_IPC,
    NAMESPACE_UTS,
    NAMESPACE_KINDS,
};

struct namespaces {
    int fd[NAMESPACE_KINDS];
};

/*
 * namespaces_make(ns, uid, count, hostname, err): new ones, ids 0..count-1 inside being uid..
 * outside. In the new network, any user may bind any port and send echo requests.
 */
MUST_CHECK int namespaces_make(struct namespaces *ns, uint32_t uid, uint32_t count,
                               const char *hostname, struct err *err);
void namespaces_done(struct namespaces *ns);

#define OWN_NAMESPACES(name)                                                                       \
    __attribute__((cleanup(namespaces_done))) struct namespaces name = { { -1, -1, -1, -1 } }

#endif /* RUNNER_NAMESPACE_H */
