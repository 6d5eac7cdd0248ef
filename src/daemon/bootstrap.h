/*
 * bootstrap.h - the first start: ids of tenant and subscription, the first credentials, the first
 * resources.
 *
 * Invariants:
 *   T1  a first start that was interrupted leaves nothing that the next one keeps: it begins again
 *       from nothing, so that no credentials exist that nobody was given;
 *   T2  the credentials are written once, to DIR/bootstrap/admin.json (0600), and are stored
 *       nowhere else but as hashes.
 */
#ifndef DAEMON_BOOTSTRAP_H
#define DAEMON_BOOTSTRAP_H

#include "base/err.h"
#include "base/id.h"
#include "store/database.h"

struct audit;
struct exchange_world;

extern const struct migration bootstrap_migrations[];

/* bootstrap_recover(path, err): before anything is opened: undo a first start that did not end. */
MUST_CHECK int bootstrap_recover(const char *path, struct err *err);

/* Who this server is, for good. */
struct server_ids {
    char tenant[ID_LEN + 1];
    char subscription[ID_LEN + 1];
};

/* bootstrap_ids(d, out, err): made at the first start, the same ever after. */
MUST_CHECK int bootstrap_ids(struct database *d, struct server_ids *out, struct err *err);

/* bootstrap_run(dirfd, world, err): everything the first start makes; else only loginServer in
 * admin.json, as long as the file is there. */
MUST_CHECK int bootstrap_run(int dirfd, const struct exchange_world *world, struct err *err);

#endif /* DAEMON_BOOTSTRAP_H */
