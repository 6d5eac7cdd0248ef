#include "daemon/rooms.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "access/access.h"
#include "audit/audit.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/bootstrap.h"
#include "daemon/certificates.h"
#include "daemon/health.h"
#include "daemon/programs.h"
#include "exchange/exchange.h"
#include "gateway/gateway.h"
#include "gateway/pipeline.h"
#include "identity/identity.h"
#include "instances/instances.h"
#include "registry/registry.h"
#include "resource/resource.h"
#include "runner/runner_client.h"
#include "store/blob.h"
#include "store/disk.h"
#include "token/token.h"
#include "vault/vault.h"

#define DRAIN_MS         10000
#define UPLOAD_SECONDS   (int64_t)(7 * 24 * 3600) /* an upload nobody touched for so long ends */
#define SWEEP_EVERY_US   (INT64_C(3600) * 1000000)
#define RESTART_EVERY_US INT64_C(1000000)
#define LOGIN_SERVER_MAX 300

struct rooms {
    int dirfd;
    struct keeper *keeper; /* borrowed */
    struct database *database;
    struct disk_ops disk;
    struct blobs *blobs;
    struct vault *vault;
    struct audit *audit;
    struct identity *identity;
    struct access *access;
    struct resources *resources;
    struct registry *registry;
    struct token *token;
    struct instances *instances;
    struct runner *runner;
    struct routes *routes;
    struct pipeline *pipeline;
    struct gateway *gateway;
    struct server_ids ids;
    struct exchange_world world;
    struct pipeline_settings settings;
    struct health health;
    char login_server[LOGIN_SERVER_MAX];
    int64_t swept_at_us;
    int64_t restarted_at_us;
};

static const struct migration *const migrations[] = {
    bootstrap_migrations, audit_migrations,    identity_migrations,  access_migrations,
    resource_migrations,  registry_migrations, instances_migrations, NULL,
};

/* Bind first: the port is part of the login server's name, which everything else needs. */
static int
open_gateway(struct rooms *r, const struct options *o, struct err *err)
{
    struct gateway_listener listeners[GATEWAY_LISTENERS_MAX];
    struct gateway_address addresses[GATEWAY_LISTENERS_MAX];
    char pem[4200];
    struct gateway_settings s = { .listeners = listeners,
                                  .limits = gateway_limits_default(),
                                  .certificate_file = pem,
                                  .key_file = pem };

    if (o->n_listen + o->n_http > GATEWAY_LISTENERS_MAX)
        return err_set(err, ERR_INVALID, "at most %d addresses can be served",
                       GATEWAY_LISTENERS_MAX);
    for (size_t i = 0; i < o->n_listen; i++)
        listeners[s.n_listeners++] =
            (struct gateway_listener){ o->listen[i].host, o->listen[i].port, true,
                                       o->listen[i].optional };
    for (size_t i = 0; i < o->n_http; i++)
        listeners[s.n_listeners++] = (struct gateway_listener){ o->http[i].host, o->http[i].port,
                                                                false, o->http[i].optional };
    (void)snprintf(pem, sizeof(pem), "%s/" CERTIFICATES_SERVER, o->data);
    if ((r->pipeline = pipeline_new(&r->settings, err)) == NULL ||
        (r->gateway = gateway_open(&s, r->pipeline, err)) == NULL)
        return -1;
    if (gateway_addresses(r->gateway, addresses) == 0)
        return err_set(err, ERR_INVALID, "there is no address to serve");
    (void)snprintf(r->login_server, sizeof(r->login_server), "localhost:%u", addresses[0].port);
    return 0;
}

static int
open_store(struct rooms *r, const struct options *o, struct err *err)
{
    char path[4200];

    (void)snprintf(path, sizeof(path), "%s/holdfast.db", o->data);
    r->disk = disk_real;
    r->disk.step = crash_point;
    if ((r->database = database_open(path, migrations, err)) == NULL ||
        (r->blobs = blobs_open(r->dirfd, &r->disk, NULL, err)) == NULL)
        return -1;
    database_on_step(r->database, crash_point);
    return bootstrap_ids(r->database, &r->ids, err);
}

/* A log that is not what was signed is served all the same; the operator must know. */
static void
tell_audit_health(struct audit *audit)
{
    struct err err = { 0 };

    if (audit_health(audit, &err) < 0)
        log_err(LOG_LEVEL_ERROR, "the audit log is not what was signed", NULL, &err);
}

static int
open_who(struct rooms *r, struct err *err)
{
    const struct identity_settings settings = { .tenant_id = r->ids.tenant,
                                                .issuer_host = r->login_server };

    if ((r->audit = audit_open(r->database, r->vault, err)) == NULL)
        return -1;
    tell_audit_health(r->audit);
    if ((r->identity = identity_open(r->database, r->vault, &settings, err)) == NULL ||
        (r->access = access_open(r->database, err)) == NULL)
        return -1;
    return 0;
}

static int
open_services(struct rooms *r, const struct options *o, struct err *err)
{
    static const struct registry_settings registry_settings = { 0 };

    r->world = (struct exchange_world){
        .database = r->database,
        .audit = r->audit,
        .identity = r->identity,
        .access = r->access,
        .tenant_id = r->ids.tenant,
        .subscription_id = r->ids.subscription,
        .domain = o->domain,
        .login_server = r->login_server,
    };
    if ((r->resources = resources_open(r->database, &r->world, err)) == NULL ||
        (r->registry = registry_open(r->database, r->blobs, &r->world, &registry_settings, err)) ==
            NULL ||
        registry_resources(r->registry, r->resources, err) < 0 ||
        (r->token = token_open(&r->world, err)) == NULL ||
        (r->instances = instances_open(r->database, r->resources, r->registry, &r->world, err)) ==
            NULL)
        return -1;
    return bootstrap_run(r->dirfd, &r->world, err);
}

static int
mount(struct rooms *r, const struct options *o, struct err *err)
{
    r->health = (struct health){ r->gateway, r->runner, r->database, r->ids.subscription };
    if ((r->routes = routes_new()) == NULL)
        return err_memory(err);
    if (routes_mount(r->routes, health_routes, &r->health, err) < 0 ||
        routes_mount(r->routes, registry_routes, r->registry, err) < 0 ||
        routes_mount(r->routes, token_routes, r->token, err) < 0 ||
        routes_mount(r->routes, instances_routes, r->instances, err) < 0 ||
        routes_mount(r->routes, resources_routes(r->resources), r->resources, err) < 0)
        return -1;
    r->settings = (struct pipeline_settings){
        .world = &r->world,
        .routes = r->routes,
        .dialects = { [DIALECT_OCI] = registry_dialect(r->registry),
                      [DIALECT_ARM] = resource_dialect(r->resources),
                      [DIALECT_OAUTH] = token_dialect(r->token),
                      [DIALECT_PLAIN] = &health_dialect },
        .hosts = { o->domain, o->names },
    };
    return 0;
}

static int
open_instances(struct rooms *r, bool runs_containers, struct err *err)
{
    if (!runs_containers)
        return instances_run(r->instances, NULL,
                             "containers need root: start holdfastd as root to run them", err);
    if ((r->runner = runner_new(instances_observe, r->instances, err)) == NULL)
        return -1;
    return instances_run(r->instances, r->runner, NULL, err);
}

/* holdfast-runnerd is started behind the ready line: nobody waits for it who needs no container. */
static void
start_runner(struct rooms *r)
{
    struct err err = { 0 };
    int fd = -1;

    if (r->runner == NULL || runner_attached(r->runner))
        return;
    if (keeper_spawn(r->keeper, PROGRAM_RUNNERD, &fd, &err) < 0 ||
        runner_attach(r->runner, fd, &err) < 0)
        log_err(LOG_LEVEL_ERROR, "holdfast-runnerd could not be started", NULL, &err);
}

/* Asked for a signature in vain, the key service is started again; its keys are on disk. */
static void
restart_vault(struct rooms *r)
{
    struct err err = { 0 };
    int fd = -1;

    if (vault_connected(r->vault))
        return;
    LOG(LOG_LEVEL_ERROR, "holdfast-vaultd is gone: starting it again", NULL,
        LOG_NUMBER("pid", getpid()));
    if (keeper_spawn(r->keeper, PROGRAM_VAULTD, &fd, &err) < 0 ||
        vault_reconnect(r->vault, fd, &err) < 0)
        log_err(LOG_LEVEL_ERROR, "holdfast-vaultd could not be started", NULL, &err);
}

static int
open_vault(struct rooms *r, struct err *err)
{
    int fd = -1;

    if (keeper_spawn(r->keeper, PROGRAM_VAULTD, &fd, err) < 0)
        return -1;
    return (r->vault = vault_connect(fd, err)) != NULL ? 0 : -1;
}

/* Two daemons on one folder would each be right alone: the second one is told so. */
static int
open_data(struct rooms *r, const struct options *o, struct err *err)
{
    if ((r->dirfd = open(o->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return err_sys(err, errno, "cannot open the data folder %.200s", o->data);
    if (flock(r->dirfd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return err_set(err, ERR_CONFLICT, "another holdfastd serves the data folder %.200s",
                       o->data);
    return err_sys(err, errno, "cannot lock the data folder %.200s", o->data);
}

struct rooms *
rooms_open(const struct options *o, struct keeper *keeper, bool runs_containers, struct err *err)
{
    OWN(rooms) r = mem_zalloc(sizeof(*r));

    if (r == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    r->keeper = keeper;
    r->dirfd = -1;
    if (open_data(r, o, err) < 0 || open_vault(r, err) < 0 ||
        certificates_keep(r->dirfd, o, err) < 0 || open_gateway(r, o, err) < 0 ||
        open_store(r, o, err) < 0 || open_who(r, err) < 0 || open_services(r, o, err) < 0 ||
        open_instances(r, runs_containers, err) < 0 || mount(r, o, err) < 0 ||
        gateway_run(r->gateway, err) < 0)
        return NULL;
    return GIVE(r);
}

void
rooms_free(struct rooms *r)
{
    if (r == NULL)
        return;
    if (r->gateway != NULL)
        gateway_stop(r->gateway, DRAIN_MS);
    instances_free(r->instances);
    runner_free(r->runner);
    gateway_free(r->gateway);
    pipeline_free(r->pipeline);
    routes_free(r->routes);
    token_free(r->token);
    registry_free(r->registry);
    resources_free(r->resources);
    access_free(r->access);
    identity_free(r->identity);
    audit_free(r->audit);
    blobs_free(r->blobs);
    database_free(r->database);
    vault_free(r->vault);
    if (r->dirfd >= 0)
        (void)close(r->dirfd);
    mem_free(r);
}

struct gateway *
rooms_gateway(struct rooms *r)
{
    return r->gateway;
}

int
rooms_reload(struct rooms *r, const struct options *o, struct err *err)
{
    if (certificates_keep(r->dirfd, o, err) < 0 || gateway_tls_reload(r->gateway, err) < 0)
        return -1;
    pipeline_set_names(r->pipeline, o->names);
    log_set_level(o->log_level);
    return 0;
}

void
rooms_tick(struct rooms *r)
{
    int64_t now = clock_mono_us();
    struct err err = { 0 };

    if (r->restarted_at_us == 0 || now - r->restarted_at_us > RESTART_EVERY_US) {
        r->restarted_at_us = now;
        restart_vault(r);
        start_runner(r);
    }
    if (r->swept_at_us == 0 || now - r->swept_at_us > SWEEP_EVERY_US) {
        r->swept_at_us = now;
        if (blobs_sweep(r->blobs, UPLOAD_SECONDS, &err) < 0)
            log_err(LOG_LEVEL_ERROR, "old uploads could not be removed", NULL, &err);
    }
}
