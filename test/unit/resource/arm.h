/* arm.h - the ARM engine behind the real pipeline, identity, access and audit, without sockets. */
#ifndef TEST_RESOURCE_ARM_H
#define TEST_RESOURCE_ARM_H

#include "access/access.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "gateway/pipeline.h"
#include "identity/identity.h"
#include "resource/resource.h"
#include "wire/base64.h"
#include "wire/json.h"

#define LOG_MORE_SETS identity_migrations, access_migrations, resource_migrations,
#include "../audit/log.h"

#define TENANT       "11111111-1111-4111-8111-111111111111"
#define SUBSCRIPTION "22222222-2222-4222-8222-222222222222"
#define S            "/subscriptions/" SUBSCRIPTION
#define THINGS       "Test.Things/things"

enum who { ADMIN, OTHER, NOBODY };

struct arm {
    struct log log;
    struct identity *identity;
    struct access *access;
    struct exchange_world world;
    struct resources *resources;
    struct routes *routes;
    struct pipeline_settings settings;
    struct pipeline *pipeline;
    struct bootstrap principals;
    struct text tokens[2]; /* Authorization of ADMIN and OTHER */
    struct arena *kept;
    /* What the test type does. */
    bool refuses; /* accept() fails */
    bool breaks;  /* stored() fails, behind the row */
    bool goes_on; /* the work ends behind the answer */
    int begun;
    long fail; /* allocations of the next request to let succeed; negative: all */
    /* The last answer. */
    struct arena *arena;
    int status;
    struct answer answer;
    json_t *doc;
};

static inline int
thing_accept(void *room, struct exchange *x, const struct resource *old, struct resource *now,
             struct err *err)
{
    const struct arm *a = room;

    (void)x;
    (void)old;
    if (a->refuses)
        return err_code(err, ERR_INVALID, "ThingRefused", "the thing is refused");
    if (a->goes_on)
        now->provisioning_state = TEXT("Creating");
    return 0;
}

static inline int
thing_stored(void *room, struct db *db, const struct resource *old, const struct resource *now,
             struct err *err)
{
    const struct arm *a = room;

    (void)db;
    (void)old;
    (void)now;
    return a->breaks ? err_set(err, ERR_IO, "it broke") : 0;
}

static inline void
thing_begun(void *room, const struct resource *now)
{
    struct arm *a = room;

    (void)now;
    a->begun++;
}

static inline int
thing_removing(void *room, struct exchange *x, const struct resource *old, struct err *err)
{
    const struct arm *a = room;

    (void)x;
    (void)old;
    if (a->refuses)
        return err_code(err, ERR_CONFLICT, "InUse", "the thing is in use");
    return a->goes_on ? 1 : 0;
}

static inline int
thing_shown(void *room, struct exchange *x, const struct resource *r, json_t *properties,
            struct err *err)
{
    (void)room;
    (void)x;
    (void)r;
    (void)err;
    (void)json_object_del(properties, "secret");
    return 0;
}

static const struct resource_type thing_type = {
    .type = THINGS,
    .action_prefix = THINGS,
    .created_status = 201,
    .accept = thing_accept,
    .stored = thing_stored,
    .begun = thing_begun,
    .removing = thing_removing,
    .shown = thing_shown,
};

static inline int
arm_owner_(struct db *db, void *arg, struct err *err)
{
    const struct arm *a = arg;
    struct assignment owner = { .scope = TEXT(S),
                                .role_definition = TEXT("Owner"),
                                .principal_type = TEXT("User"),
                                .created_by = TEXT("test") };

    id_new(owner.id);
    (void)text_copy(text_of(a->principals.user_id), owner.principal, sizeof(owner.principal));
    return access_assign(db, &owner, err);
}

static inline struct text
arm_basic_(struct arm *a, const char *user, const struct secret *password)
{
    OWN_BUF(plain, 512);
    OWN_BUF(header, 1024);

    buf_printf(&plain, "%s:%.*s", user, TEXT_ARG(secret_view(password)));
    buf_str(&header, "Basic ");
    base64_print(&header, BASE64_STANDARD, plain.p, plain.n);
    return arena_text(a->kept, buf_view(&header));
}

static inline void
arm_make(struct arm *a)
{
    static const struct identity_settings settings = { .tenant_id = TENANT,
                                                       .issuer_host = "localhost:8443" };
    struct err err = { 0 };

    memset(a, 0, sizeof(*a));
    log_make(&a->log);
    a->kept = arena_new(65536);
    a->identity = identity_open(a->log.database, a->log.vault, &settings, &err);
    MUST(&err, a->identity != NULL ? 0 : -1);
    MUST(&err, identity_bootstrap(a->identity, &a->principals, &err));
    MUST(&err, database_write(a->log.database, arm_owner_, a, &err));
    a->access = access_open(a->log.database, &err);
    MUST(&err, a->access != NULL ? 0 : -1);
    a->world = (struct exchange_world){ .database = a->log.database,
                                        .audit = a->log.audit,
                                        .identity = a->identity,
                                        .access = a->access,
                                        .tenant_id = TENANT,
                                        .subscription_id = SUBSCRIPTION,
                                        .domain = "localhost",
                                        .login_server = "localhost:8443" };
    a->resources = resources_open(a->log.database, &a->world, &err);
    MUST(&err, a->resources != NULL ? 0 : -1);
    MUST(&err, resources_register(a->resources, &thing_type, a, &err));
    a->routes = routes_new();
    MUST(&err, routes_mount(a->routes, resources_routes(a->resources), a->resources, &err));
    a->settings.hosts = (struct host_names){ "localhost", NULL };
    a->settings.world = &a->world;
    a->settings.routes = a->routes;
    for (int i = 0; i < DIALECT_COUNT; i++)
        a->settings.dialects[i] = resource_dialect(a->resources);
    a->pipeline = pipeline_new(&a->settings, &err);
    MUST(&err, a->pipeline != NULL ? 0 : -1);
    a->tokens[ADMIN] = arm_basic_(a, "admin", a->principals.password);
    a->tokens[OTHER] = arm_basic_(a, a->principals.client_id, a->principals.client_secret);
    a->arena = arena_new(4 * 1024 * 1024);
    a->fail = -1;
}

static inline void
arm_done(struct arm *a)
{
    json_decref(a->doc);
    arena_free(a->arena);
    pipeline_free(a->pipeline);
    routes_free(a->routes);
    resources_free(a->resources);
    access_free(a->access);
    identity_free(a->identity);
    bootstrap_done(&a->principals);
    arena_free(a->kept);
    log_done(&a->log);
}

#define ARM_OF_TEST(name)                                                                          \
    __attribute__((cleanup(arm_done))) struct arm name;                                            \
    arm_make(&name)

struct arm_body_ {
    struct text rest;
};

static inline ssize_t
arm_read_(void *connection, void *p, size_t max, struct err *err)
{
    struct arm_body_ *b = connection;
    struct text t = text_first(b->rest, max);

    (void)err;
    if (t.n > 0)
        memcpy(p, t.p, t.n);
    b->rest = text_after(b->rest, t.n);
    return (ssize_t)t.n;
}

/*
 * arm(a, who, "PUT /path", extra, body): one request; its status.  ${extra}: header lines, each
 * ended by CR LF, or "".  "?" or "&" and the api-version are added to the path.
 */
static inline int
arm_ask(struct arm *a, enum who who, const char *line, const char *extra, const char *body)
{
    struct exchange x = { .body_length = body != NULL ? (int64_t)strlen(body) : 0,
                          .read = arm_read_,
                          .secure = true,
                          .answer = { .fd = -1 } };
    static struct http_head head;
    struct arm_body_ connection = { text_of(body) };
    struct err err = { 0 };
    OWN_BUF(b, 65536);
    struct text path;
    size_t used;
    int status;

    arena_reset(a->arena);
    json_decref(a->doc);
    a->doc = NULL;
    buf_printf(&b, "%s%sapi-version=2023-05-01 HTTP/1.1\r\nHost: localhost:8443\r\n", line,
               strchr(line, '?') != NULL ? "&" : "?");
    if (who != NOBODY)
        buf_printf(&b, "Authorization: %.*s\r\n", TEXT_ARG(a->tokens[who]));
    buf_printf(&b, "%sContent-Length: %zu\r\n\r\n", extra, body != NULL ? strlen(body) : (size_t)0);
    path = arena_text(a->arena, buf_view(&b));
    MUST(&err, http_head_parse(&head, path, &used, &status, &err) == 1 ? 0 : -1);
    id_new(x.request_id);
    (void)text_copy(TEXT("127.0.0.1"), x.address, sizeof(x.address));
    x.head = &head;
    x.method = head.method;
    x.arena = a->arena;
    x.connection = &connection;
    x.started_us = clock_now_us();
    x.started_mono_us = clock_mono_us();
    mem_fail_after(a->fail);
    if (pipeline_run(a->pipeline, &x, true) != 0)
        abort();
    mem_fail_after(-1);
    a->answer = x.answer;
    a->status = x.answer.status;
    if (x.answer.body.n > 0 && (a->doc = json_read(x.answer.body, &err)) == NULL)
        fprintf(stderr, "no JSON: %.*s\n", TEXT_ARG(x.answer.body));
    return a->status;
}

/* The value of a field of the last answer; p NULL when there is none. */
static inline struct text
arm_field(const struct arm *a, const char *name)
{
    for (size_t i = 0; i < a->answer.n_fields; i++)
        if (text_is_nocase(text_of(a->answer.fields[i].name), name))
            return a->answer.fields[i].value;
    return (struct text){ NULL, 0 };
}

/* A text of the last document; empty when there is none. */
static inline const char *
arm_text(const struct arm *a, const char *path)
{
    struct err err = { 0 };
    struct text t = { NULL, 0 };

    if (a->doc == NULL || json_want_text(a->doc, path, TEXT(""), &t, &err) < 0)
        return "";
    return t.n > 0 ? t.p : "";
}

static inline size_t
arm_count(const struct arm *a)
{
    return json_array_size(json_object_get(a->doc, "value"));
}

#endif /* TEST_RESOURCE_ARM_H */
