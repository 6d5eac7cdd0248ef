/*
 * registry.h - the door of the registry room for the rooms above it.
 *
 * HTTP comes in through registry_routes; the rest is for those who use images: instances resolve a
 * reference to what will run.
 *
 * Invariants (those of the parts stand in their headers):
 *   G1  what was answered with 201 is there after kill -9 and power loss, whole;
 *   G2  a manifest, its tags, its references and its decision record are one transaction;
 *   G3  every refusal is {"errors":[{code, message, detail}]} with a detail that says what to do;
 *   G4  nothing about what exists depends on the answer to a caller who may not know it.
 * Threads: all functions from any thread, after registry_open().
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/own.h"
#include "base/text.h"
#include "exchange/exchange.h"

struct blobs;
struct migration;
struct registry;
struct resources;

struct registry_settings {
    uint64_t max_manifest_bytes; /* 0: 4 MiB */
    uint64_t max_blob_bytes;     /* 0: 64 GiB */
};

MUST_CHECK struct registry *registry_open(struct database *database, struct blobs *blobs,
                                          const struct exchange_world *world,
                                          const struct registry_settings *settings,
                                          struct err *err);
void registry_free(struct registry *registry);
DEFINE_OWN(registry);

extern const struct migration registry_migrations[]; /* for database_open() */

/*
 * registry_resources(r, resources, err): from now on the registries that exist are the ARM
 * resources of type Microsoft.ContainerRegistry/registries, and removing one removes its
 * repositories with it.  Before, there is the default one, "holdfast" in group "default".  Once,
 * before the first request.
 */
MUST_CHECK int registry_resources(struct registry *registry, struct resources *resources,
                                  struct err *err);

extern const struct route registry_routes[]; /* the room is struct registry */
const struct dialect *registry_dialect(struct registry *registry);

/* One stored manifest. */
struct manifest {
    struct digest digest;
    struct text media_type;
    struct text bytes; /* exactly as pushed */
};

/*
 * registry_manifest(r, registry_name, repository, reference, arena, out, err):
 * ${reference} is a tag or a digest.  0, or 1 when there is none.  No access check: the caller
 * has asked already.
 */
MUST_CHECK int registry_manifest(struct registry *registry, struct text registry_name,
                                 struct text repository, struct text reference, struct arena *arena,
                                 struct manifest *out, struct err *err);

/* registry_blob(r, ..., digest, fd, size): open a blob of that repository; 1 when there is none. */
MUST_CHECK int registry_blob(struct registry *registry, struct text registry_name,
                             struct text repository, const struct digest *digest, int *fd,
                             uint64_t *size, struct err *err);

/*
 * registry_scope(r, login_server, arena, out): resource id of the registry whose login server or
 * NAME.azurecr.DOMAIN spelling this is; false when it is not one of ours.  ${name} gets NAME.
 */
bool registry_scope(struct registry *registry, struct text login_server, struct arena *arena,
                    struct text *scope, struct text *name);

#endif /* REGISTRY_REGISTRY_H */
