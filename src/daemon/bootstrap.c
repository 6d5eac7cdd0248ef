#include "daemon/bootstrap.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "exchange/exchange.h"
#include "resource/resource.h"
#include "wire/json.h"

#define FOLDER        "bootstrap"
#define BEGUN         "begun" /* in the folder while a first start is under way (T1) */
#define ADMIN         "admin.json"
#define ADMIN_MAX     ((size_t)64 * 1024)
#define GROUP_NAME    "default"
#define REGISTRY_NAME "holdfast"

const struct migration bootstrap_migrations[] = {
    { "server", 1, "CREATE TABLE server (name TEXT PRIMARY KEY, value TEXT NOT NULL)" },
    { NULL, 0, NULL },
};

/* Remove the files of a folder that begin with ${prefix}.  Root does this in a folder that others
 * write to: links are not followed. */
static int
remove_files(int at, const char *folder, const char *prefix, struct err *err)
{
    int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    int result = 0;

    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, errno, "cannot read the folder %.100s", folder);
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_type == DT_DIR || strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) < 0)
            result = err_sys(err, errno, "cannot remove %.100s/%.100s", folder, entry->d_name);
    }
    (void)closedir(dir);
    return result;
}

int
bootstrap_recover(const char *path, struct err *err)
{
    OWN_FD dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dirfd < 0)
        return err_sys(err, errno, "cannot open the data folder %.200s", path);
    if (faccessat(dirfd, FOLDER "/" BEGUN, F_OK, 0) < 0)
        return errno == ENOENT ? 0 : err_sys(err, errno, "cannot look at the data folder");
    if (remove_files(dirfd, ".", "holdfast.db", err) < 0 ||
        remove_files(dirfd, "vault", "", err) < 0)
        return -1;
    if (unlinkat(dirfd, FOLDER "/" BEGUN, 0) < 0)
        return err_sys(err, errno, "cannot remove " FOLDER "/" BEGUN);
    return 0;
}

static int
store_ids(struct db *db, void *arg, struct err *err)
{
    const struct server_ids *ids = arg;

    return db_run(db, err, "INSERT INTO server (name, value) VALUES ($1, $2), ($3, $4)",
                  DB_STR("tenant"), DB_STR(ids->tenant), DB_STR("subscription"),
                  DB_STR(ids->subscription)) < 0
               ? -1
               : 0;
}

static int
load(struct database *d, const char *name, char out[static ID_LEN + 1], struct err *err)
{
    DB_ROWS(rows);
    int found = db_one(database_reader(d), &rows, err, "SELECT value FROM server WHERE name = $1",
                       DB_STR(name));

    if (found > 0 && !text_copy(db_text(&rows, 0), out, ID_LEN + 1))
        return err_set(err, ERR_CORRUPT, "what this server keeps as its %s is damaged", name);
    return found < 0 ? -1 : found == 0;
}

int
bootstrap_ids(struct database *d, struct server_ids *out, struct err *err)
{
    int none = load(d, "tenant", out->tenant, err);

    if (none == 0)
        none = load(d, "subscription", out->subscription, err);
    if (none <= 0)
        return none;
    id_new(out->tenant);
    id_new(out->subscription);
    return database_write(d, store_ids, out, err);
}

/* The first resources and assignments, in one transaction. */
struct first {
    const struct exchange_world *world;
    const struct bootstrap *who;
};

static int
record_first(const struct first *f, struct db *db, struct text scope, const char *detail,
             struct err *err)
{
    const struct audit_record r = {
        .time_us = clock_now_us(),
        .caller_kind = "System",
        .caller_id = "",
        .caller_name = TEXT("holdfast"),
        .action = TEXT("Holdfast/bootstrap/action"),
        .scope = scope,
        .verdict = AUDIT_ALLOWED,
        .status = 201,
        .result = TEXT("succeeded"),
        .detail = text_of(detail),
        .count = 1,
    };

    return audit_append(f->world->audit, db, &r, err);
}

static int
put_first(struct db *db, const char *id, const char *name, const char *type, json_t *properties,
          json_t *extra, struct err *err)
{
    OWN_JSON tags = json_object();
    char etag[ID_LEN + 1];
    struct resource r = {
        .id = text_of(id),
        .name = text_of(name),
        .type = text_of(type),
        .group = TEXT(GROUP_NAME),
        .location = TEXT("local"),
        .tags = tags,
        .properties = properties,
        .extra = extra,
        .provisioning_state = TEXT("Succeeded"),
        .created_at_us = clock_now_us(),
        .changed_at_us = clock_now_us(),
    };

    id_new(etag);
    r.etag = text_of(etag);
    if (tags == NULL || properties == NULL || extra == NULL)
        return err_memory(err);
    return resource_put(db, &r, err);
}

static int
assign_owner(struct db *db, const char *principal, const char *type, struct text scope,
             struct err *err)
{
    struct assignment a = {
        .scope = scope,
        .role_definition = TEXT("Owner"),
        .principal_type = text_of(type),
        .created_at_us = clock_now_us(),
        .created_by = TEXT("holdfast"),
    };

    id_new(a.id);
    (void)text_copy(text_of(principal), a.principal, sizeof(a.principal));
    return access_assign(db, &a, err);
}

static int
make_first(struct db *db, void *arg, struct err *err)
{
    const struct first *f = arg;
    OWN(arena) arena = arena_new(16384);
    OWN_JSON none = json_object();
    OWN_JSON no_extra = json_object();
    OWN_JSON sku = json_pack("{s:{s:s,s:s}}", "sku", "name", "Premium", "tier", "Premium");
    OWN_JSON registry = json_pack("{s:b,s:b}", "adminUserEnabled", 0, "anonymousPullEnabled", 0);
    const char *scope, *group, *id;

    if (arena == NULL)
        return err_memory(err);
    scope = arena_printf(arena, "/subscriptions/%s", f->world->subscription_id);
    group = arena_printf(arena, "%s/resourceGroups/%s", scope, GROUP_NAME);
    id = arena_printf(arena, "%s/providers/Microsoft.ContainerRegistry/registries/%s", group,
                      REGISTRY_NAME);
    if (id == NULL)
        return err_memory(err);
    if (put_first(db, group, GROUP_NAME, "Microsoft.Resources/resourceGroups", none, no_extra,
                  err) < 0 ||
        put_first(db, id, REGISTRY_NAME, "Microsoft.ContainerRegistry/registries", registry, sku,
                  err) < 0 ||
        assign_owner(db, f->who->user_id, "User", text_of(scope), err) < 0 ||
        assign_owner(db, f->who->principal_id, "ServicePrincipal", text_of(scope), err) < 0)
        return -1;
    if (db_run(db, err, "INSERT INTO server (name, value) VALUES ($1, $2)", DB_STR("bootstrapped"),
               DB_STR("yes")) < 0)
        return -1;
    return record_first(f, db, text_of(scope), "first start: admin and holdfast are Owner", err);
}

static int
write_admin(int folder, const json_t *document, struct err *err)
{
    OWN_BUF(out, ADMIN_MAX);
    int result;

    if (json_print(document, &out, err) < 0)
        return -1;
    buf_char(&out, '\n');
    result = file_replace(folder, ADMIN, 0600, buf_view(&out), err);
    mem_wipe(out.p, out.n);
    return result;
}

static int
write_credentials(int folder, const struct exchange_world *world, const struct bootstrap *b,
                  struct err *err)
{
    struct text password = secret_view(b->password), secret = secret_view(b->client_secret);
    OWN_JSON document =
        json_pack("{s:s, s:s%, s:s, s:s, s:s, s:s, s:s%}", "username", b->username, "password",
                  password.p, password.n, "tenantId", world->tenant_id, "subscriptionId",
                  world->subscription_id, "loginServer", world->login_server, "clientId",
                  b->client_id, "clientSecret", secret.p, secret.n);

    return document != NULL ? write_admin(folder, document, err) : err_memory(err);
}

/* A later start may listen elsewhere; the file goes on telling the truth. */
static int
refresh_login_server(int folder, const char *login_server, struct err *err)
{
    OWN_BUF(bytes, ADMIN_MAX);
    OWN_JSON document = NULL;
    int none = file_read(folder, ADMIN, &bytes, err);

    if (none != 0)
        return none < 0 ? -1 : 0;
    if ((document = json_read(buf_view(&bytes), err)) == NULL)
        return err_note(err, "%s", ADMIN);
    if (text_is(json_text(json_object_get(document, "loginServer")), login_server))
        return 0;
    if (json_object_set_new(document, "loginServer", json_string(login_server)) < 0)
        return err_memory(err);
    return write_admin(folder, document, err);
}

static int
begin(int folder, struct err *err)
{
    return file_replace(folder, BEGUN, 0600, TEXT("a first start is under way\n"), err);
}

static int
end(int folder, struct err *err)
{
    if (unlinkat(folder, BEGUN, 0) < 0)
        return err_sys(err, errno, "cannot end the first start");
    return 0;
}

static int
first_start(int folder, const struct exchange_world *world, const struct bootstrap *b,
            struct err *err)
{
    struct first f = { world, b };

    if (database_write(world->database, make_first, &f, err) < 0 ||
        access_changed(world->access, err) < 0 || write_credentials(folder, world, b, err) < 0)
        return -1;
    return end(folder, err);
}

int
bootstrap_run(int dirfd, const struct exchange_world *world, struct err *err)
{
    struct bootstrap b = { 0 };
    char ended[ID_LEN + 1];
    OWN_FD folder = -1;
    int result, none;

    if (mkdirat(dirfd, FOLDER, 0700) < 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make the folder " FOLDER);
    if ((folder = openat(dirfd, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return err_sys(err, errno, "cannot open the folder " FOLDER);
    if (faccessat(folder, ADMIN, F_OK, 0) == 0)
        return refresh_login_server(folder, world->login_server, err);
    if ((none = load(world->database, "bootstrapped", ended, err)) <= 0)
        return none;
    if (begin(folder, err) < 0 || identity_bootstrap(world->identity, &b, err) < 0)
        return -1;
    result = first_start(folder, world, &b, err);
    bootstrap_done(&b);
    return result;
}
