/*
 * deployment.h - one admitted version of a container group, as it is stored.
 *
 * A container group (the resource) has one deployment that counts: what runnerd knows by its id.
 * Putting a changed group makes a new one and supersedes the old.  The state says which work is
 * left, so that a restart at any moment goes on with it:
 *
 *   creating    unpack what is missing, start it           -> running, failed
 *   running     nothing                                    -> stopped, restarting, failed
 *   stopped     nothing; its containers were told to end   -> restarting
 *   restarting  remove what ran, then as creating          -> creating, failed
 *   failed      nothing; the reason is kept                -> restarting
 *   superseded  remove what ran, then the rows             -> gone
 *   removing    the same, and the resource with it         -> gone
 * and every one of them -> superseded, removing.
 *
 * Invariants:
 *   D1  deployment_move() goes only along an arrow above, else ERR_CONFLICT and nothing changes;
 *   D2  a host port belongs to one deployment; a second one is ERR_CONFLICT.
 */
#ifndef INSTANCES_DEPLOYMENT_H
#define INSTANCES_DEPLOYMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "base/text.h"
#include "runner/message.h"
#include "store/database.h"

enum deployment_state {
    DEPLOYMENT_CREATING,
    DEPLOYMENT_RUNNING,
    DEPLOYMENT_STOPPED,
    DEPLOYMENT_RESTARTING,
    DEPLOYMENT_FAILED,
    DEPLOYMENT_SUPERSEDED,
    DEPLOYMENT_REMOVING,
};

const char *deployment_state_name(enum deployment_state state);

/* A layer to unpack and where its blob may be read. */
struct deployment_layer {
    struct digest diff_id;
    struct digest blob;
    enum runner_media media;
    struct text registry; /* NAME */
    struct text repository;
};

struct deployment {
    char id[ID_LEN + 1];
    struct text resource_id;
    struct text plan; /* as plan_encode() printed it */
    const struct deployment_layer *layers;
    size_t layer_count;
    const uint16_t *ports; /* of the host */
    size_t port_count;
    enum deployment_state state;
    struct text reason; /* why it failed; safe for the client */
    int64_t changed_at_us;
};

/* deployment_insert(db, d, err): inside a change; supersedes all others of the same resource. */
MUST_CHECK int deployment_insert(struct db *db, const struct deployment *d, struct err *err);

/* deployment_load(db, id, arena, out, err): with its layers, without ports; 1 when there is none.
 */
MUST_CHECK int deployment_load(struct db *db, struct text id, struct arena *arena,
                               struct deployment *out, struct err *err);

/* deployment_move(db, id, to, reason, err): D1; inside a change; 1 when there is none. */
MUST_CHECK int deployment_move(struct db *db, struct text id, enum deployment_state to,
                               struct text reason, struct err *err);

/* deployment_drop(db, id, err): the rows; inside a change. */
MUST_CHECK int deployment_drop(struct db *db, struct text id, struct err *err);

/* deployment_free_ports(db, id, err): others may publish them from now on; inside a change. */
MUST_CHECK int deployment_free_ports(struct db *db, struct text id, struct err *err);

/* deployment_port_owner(db, port, arena, out, err): id of the resource that has it; 1 when free. */
MUST_CHECK int deployment_port_owner(struct db *db, uint16_t port, struct arena *arena,
                                     struct text *out, struct err *err);

/* One line of an overview. */
struct deployment_row {
    char id[ID_LEN + 1];
    enum deployment_state state;
};

/* deployment_list(db, resource_id, arena, out, n, err): all, or those of one resource (p not NULL).
 */
MUST_CHECK int deployment_list(struct db *db, struct text resource_id, struct arena *arena,
                               struct deployment_row **out, size_t *n, struct err *err);

#endif /* INSTANCES_DEPLOYMENT_H */
