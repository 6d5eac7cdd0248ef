#include "registry/registry.h"

#include <string.h>

#include "base/mem.h"
#include "registry/manifest_document.h"
#include "registry/manifest_row.h"
#include "registry/registry_dialect.h"
#include "registry/registry_names.h"
#include "registry/registry_priv.h"
#include "registry/upload_id.h"
#include "resource/resource.h"
#include "store/blob.h"
#include "store/database.h"
#include "wire/reference.h"

#define BLOB_BYTES_MAX ((uint64_t)64 << 30)

/* First come, first kept: two that start at once agree on one key. */
static int
store_key(struct db *db, void *arg, struct err *err)
{
    return db_run(db, err,
                  "INSERT INTO upload_key (id, bytes) VALUES (1, $1) ON CONFLICT (id) DO NOTHING",
                  DB_BLOB(arg, UPLOAD_KEY_LEN)) < 0
               ? -1
               : 0;
}

/* 0, 1 there is none yet. */
static int
load_key(struct registry *registry, struct err *err)
{
    DB_ROWS(rows);
    int found = db_one(database_reader(registry->database), &rows, err,
                       "SELECT bytes FROM upload_key WHERE id = 1");

    if (found <= 0)
        return found < 0 ? -1 : 1;
    if (db_blob(&rows, 0).n != UPLOAD_KEY_LEN)
        return err_set(err, ERR_CORRUPT, "the key of upload ids has a wrong length");
    hmac_key_init(&registry->upload_key, db_blob(&rows, 0));
    return 0;
}

static int
have_key(struct registry *registry, struct err *err)
{
    unsigned char fresh[UPLOAD_KEY_LEN];
    int known = load_key(registry, err);

    if (known <= 0)
        return known;
    id_random(fresh, sizeof(fresh));
    if (database_write(registry->database, store_key, fresh, err) < 0)
        return -1;
    mem_wipe(fresh, sizeof(fresh));
    known = load_key(registry, err);
    return known > 0 ? err_set(err, ERR_IO, "the key of upload ids was not stored") : known;
}

struct registry *
registry_open(struct database *database, struct blobs *blobs, const struct exchange_world *world,
              const struct registry_settings *settings, struct err *err)
{
    OWN(registry) r = mem_zalloc(sizeof(*r));

    if (r == NULL || (r->names = registry_names_new(world->subscription_id)) == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    r->database = database;
    r->blobs = blobs;
    r->world = world;
    if (settings != NULL)
        r->settings = *settings;
    if (r->settings.max_manifest_bytes == 0 || r->settings.max_manifest_bytes > MANIFEST_BYTES_MAX)
        r->settings.max_manifest_bytes = MANIFEST_BYTES_MAX;
    if (r->settings.max_blob_bytes == 0)
        r->settings.max_blob_bytes = BLOB_BYTES_MAX;
    registry_dialect_init(&r->dialect, r);
    if (have_key(r, err) < 0)
        return NULL;
    return GIVE(r);
}

void
registry_free(struct registry *registry)
{
    if (registry == NULL)
        return;
    registry_names_free(registry->names);
    mem_wipe(&registry->upload_key, sizeof(registry->upload_key));
    mem_free(registry);
}

/* A registry that is made again under the same name must not find the old one's images. */
static int
registry_removed(void *room, struct db *db, const struct resource *old, struct err *err)
{
    struct registry *registry = room;
    OWN(arena) arena = arena_new(RESOURCE_ID_MAX);

    if (arena == NULL)
        return err_memory(err);
    registry_names_forget(registry->names);
    return repository_remove_all(db, registry_lower(arena, old->name), err);
}

int
registry_resources(struct registry *registry, struct resources *resources, struct err *err)
{
    registry_names_use(registry->names, resources);
    return resources_observe(resources, REGISTRY_TYPE, registry_removed, registry, err);
}

const struct dialect *
registry_dialect(struct registry *registry)
{
    return &registry->dialect;
}

int
registry_manifest(struct registry *registry, struct text registry_name, struct text repository,
                  struct text reference, struct arena *arena, struct manifest *out, struct err *err)
{
    struct place place = { registry_lower(arena, registry_name), repository };

    return manifest_row_find(database_reader(registry->database), &place, reference, true, arena,
                             out, err);
}

int
registry_blob(struct registry *registry, struct text registry_name, struct text repository,
              const struct digest *digest, int *fd, uint64_t *size, struct err *err)
{
    OWN(arena) arena = arena_new(ACCESS_SCOPE_MAX);
    struct place place;
    uint64_t known;
    int found;

    if (arena == NULL)
        return err_memory(err);
    place = (struct place){ registry_lower(arena, registry_name), repository };
    found = repository_blob_find(database_reader(registry->database), &place, digest, &known, err);
    if (found != 0)
        return found;
    if ((found = blob_open(registry->blobs, digest, fd, size, err)) > 0)
        return err_set(err, ERR_CORRUPT, "the blob's bytes are missing from the store");
    return found;
}

/* The port of "host:port", "[::1]:port"; empty when there is none. */
static struct text
port_of(struct text host, struct text *name)
{
    size_t at = host.n;

    while (at > 0 && host.p[at - 1] >= '0' && host.p[at - 1] <= '9')
        at--;
    *name = host;
    if (at == 0 || at == host.n || host.p[at - 1] != ':')
        return (struct text){ NULL, 0 };
    *name = text_first(host, at - 1);
    return text_after(host, at);
}

/* "NAME.azurecr.DOMAIN" gives NAME. */
static bool
registry_label(const struct registry *registry, struct text host, struct text *label)
{
    struct text rest = host;

    return text_cut(&rest, '.', label) && label->n > 0 && rest.p != NULL &&
           text_starts_nocase(rest, "azurecr.") &&
           text_is_nocase(text_after(rest, sizeof("azurecr.") - 1), registry->world->domain);
}

static bool
is_this_machine(struct text host)
{
    return text_is_nocase(host, "localhost") || text_is(host, "127.0.0.1") ||
           text_is(host, "[::1]");
}

bool
registry_scope(struct registry *registry, struct text login_server, struct arena *arena,
               struct text *scope, struct text *name)
{
    struct text ours = text_of(registry->world->login_server);
    struct text host, our_host, label = TEXT(REGISTRY_DEFAULT);
    struct text port = port_of(login_server, &host), our_port = port_of(ours, &our_host);
    struct err err = { 0 };

    if (port.n > 0 && !text_equal(port, our_port))
        return false;
    if (!registry_label(registry, host, &label)) {
        label = TEXT(REGISTRY_DEFAULT);
        if (!text_equal(port, our_port) ||
            !(text_equal_nocase(host, our_host) || is_this_machine(host)))
            return false;
    }
    if (registry_names_find(registry->names, label, arena, scope, &err) != 0)
        return false;
    *name = registry_lower(arena, label);
    return name->n > 0;
}
