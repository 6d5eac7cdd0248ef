/*
 * user.h - who the processes run as.
 *
 * The package makes the users; from a build tree the same fixed numbers serve without entries in
 * passwd.  A plain user keeps its own numbers and cannot run containers.
 *
 * Invariants:
 *   N1  after users_drop() the process has no capability, no supplementary group, and cannot get
 *       either back (no_new_privs);
 *   N2  a plain user's data folder is 0700.  Started by root it is root's, its group the user that
 *       serves, 01770: that user keeps files in it but cannot move DIR/vault away and put another
 *       in its place, and no link there is followed by root.
 */
#ifndef DAEMON_USER_H
#define DAEMON_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define USER_HOLDFAST_ID 64100
#define USER_VAULT_ID    64101

struct users {
    bool root; /* started by root: containers can be run, privileges are dropped */
    uid_t uid;
    gid_t gid;
    uid_t vault_uid;
    gid_t vault_gid;
};

void users_find(struct users *out);

/* users_own_data(u, path, err): make DIR and DIR/vault, with their owners and modes (N2). */
MUST_CHECK int users_own_data(const struct users *u, const char *path, struct err *err);
MUST_CHECK int users_drop(const struct users *u, struct err *err); /* nothing for a plain user */

#endif /* DAEMON_USER_H */
