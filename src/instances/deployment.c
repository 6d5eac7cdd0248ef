#include "instances/deployment.h"

#include <string.h>

#include "base/clock.h"
#include "instances/instances.h"

#define LIST_MAX 100000

const struct migration instances_migrations[] = {
    { "instances", 1,
      "CREATE TABLE container_deployment (id TEXT PRIMARY KEY NOT NULL, resource_id TEXT NOT NULL,"
      " state TEXT NOT NULL, reason TEXT NOT NULL, plan " DB_DDL_BYTES " NOT NULL,"
      " changed_at BIGINT NOT NULL);"
      "CREATE INDEX container_deployment_resource ON container_deployment (resource_id);"
      "CREATE TABLE container_layer (deployment TEXT NOT NULL, position INTEGER NOT NULL,"
      " diff_id TEXT NOT NULL, blob TEXT NOT NULL, media INTEGER NOT NULL,"
      " registry TEXT NOT NULL, repository TEXT NOT NULL,"
      " PRIMARY KEY (deployment, position));"
      "CREATE TABLE container_port (host_port INTEGER PRIMARY KEY NOT NULL,"
      " deployment TEXT NOT NULL);" },
    { NULL, 0, NULL },
};

#define TO(state) (1u << DEPLOYMENT_##state)
#define ENDINGS   (TO(SUPERSEDED) | TO(REMOVING))

struct state_row {
    const char *name;
    unsigned next; /* bits: 1 << enum deployment_state */
};

/* Indexed by enum deployment_state; the drawing is in the header. */
static const struct state_row states[] = {
    [DEPLOYMENT_CREATING] = { "creating", TO(RUNNING) | TO(FAILED) | ENDINGS },
    [DEPLOYMENT_RUNNING] = { "running", TO(STOPPED) | TO(RESTARTING) | TO(FAILED) | ENDINGS },
    [DEPLOYMENT_STOPPED] = { "stopped", TO(RESTARTING) | ENDINGS },
    [DEPLOYMENT_RESTARTING] = { "restarting", TO(CREATING) | TO(FAILED) | ENDINGS },
    [DEPLOYMENT_FAILED] = { "failed", TO(RESTARTING) | ENDINGS },
    [DEPLOYMENT_SUPERSEDED] = { "superseded", ENDINGS },
    [DEPLOYMENT_REMOVING] = { "removing", ENDINGS },
};

#define STATES (sizeof(states) / sizeof(states[0]))

const char *
deployment_state_name(enum deployment_state state)
{
    return (size_t)state < STATES ? states[state].name : "";
}

static int
state_parse(struct text t, enum deployment_state *out, struct err *err)
{
    for (size_t i = 0; i < STATES; i++)
        if (text_is(t, states[i].name)) {
            *out = (enum deployment_state)i;
            return 0;
        }
    return err_set(err, ERR_CORRUPT, "a container group is in an unknown state");
}

static int
insert_layer(struct db *db, const struct deployment *d, size_t i, struct err *err)
{
    const struct deployment_layer *layer = &d->layers[i];
    char diff_id[DIGEST_TEXT_MAX + 1], blob[DIGEST_TEXT_MAX + 1];

    (void)digest_text(&layer->diff_id, diff_id);
    (void)digest_text(&layer->blob, blob);
    return db_run(db, err,
                  "INSERT INTO container_layer (deployment, position, diff_id, blob, media,"
                  " registry, repository) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  DB_STR(d->id), DB_INT((int64_t)i), DB_STR(diff_id), DB_STR(blob),
                  DB_INT(layer->media), DB_TEXT(layer->registry), DB_TEXT(layer->repository)) < 0
               ? -1
               : 0;
}

static int
insert_port(struct db *db, const struct deployment *d, uint16_t port, struct err *err)
{
    DB_ROWS(rows);
    int found =
        db_one(db, &rows, err, "SELECT 1 FROM container_port WHERE host_port = $1", DB_INT(port));

    if (found < 0)
        return -1;
    if (found == 1)
        return err_code(err, ERR_CONFLICT, "PortInUse",
                        "port %u is already published by another container group", port);
    return db_run(db, err, "INSERT INTO container_port (host_port, deployment) VALUES ($1, $2)",
                  DB_INT(port), DB_STR(d->id)) < 0
               ? -1
               : 0;
}

static int
supersede_others(struct db *db, struct text resource_id, struct err *err)
{
    if (db_run(db, err,
               "DELETE FROM container_port WHERE deployment IN"
               " (SELECT id FROM container_deployment WHERE resource_id = $1)",
               DB_TEXT(resource_id)) < 0)
        return -1;
    return db_run(db, err,
                  "UPDATE container_deployment SET state = 'superseded', changed_at = $1"
                  " WHERE resource_id = $2",
                  DB_INT(clock_now_us()), DB_TEXT(resource_id)) < 0
               ? -1
               : 0;
}

int
deployment_insert(struct db *db, const struct deployment *d, struct err *err)
{
    if (supersede_others(db, d->resource_id, err) != 0)
        return -1;
    if (db_run(db, err,
               "INSERT INTO container_deployment (id, resource_id, state, reason, plan, changed_at)"
               " VALUES ($1, $2, 'creating', '', $3, $4)",
               DB_STR(d->id), DB_TEXT(d->resource_id), DB_BLOB(d->plan.p, d->plan.n),
               DB_INT(clock_now_us())) < 0)
        return -1;
    for (size_t i = 0; i < d->layer_count; i++)
        if (insert_layer(db, d, i, err) != 0)
            return -1;
    for (size_t i = 0; i < d->port_count; i++)
        if (insert_port(db, d, d->ports[i], err) != 0)
            return -1;
    return 0;
}

static int
load_layers(struct db *db, struct text id, struct arena *arena, struct deployment *out,
            struct err *err)
{
    DB_ROWS(rows);
    struct deployment_layer *layers;
    size_t max = (size_t)PLAN_CONTAINERS_MAX * PLAN_LAYERS_MAX, n = 0;
    int more, count;

    {
        DB_ROWS(counted);

        if (db_one(db, &counted, err, "SELECT count(*) FROM container_layer WHERE deployment = $1",
                   DB_TEXT(id)) != 1)
            return -1;
        count = (int)db_int(&counted, 0);
    }
    if (count < 0 || (size_t)count > max)
        return err_set(err, ERR_CORRUPT, "a container group has too many layers");
    if ((layers = arena_take(arena, ((size_t)count + 1) * sizeof(*layers))) == NULL)
        return err_memory(err);
    if (db_query(db, &rows, err,
                 "SELECT diff_id, blob, media, registry, repository FROM container_layer"
                 " WHERE deployment = $1 ORDER BY position",
                 DB_TEXT(id)) != 0)
        return -1;
    while ((more = db_next(&rows, err)) == 1 && n < (size_t)count) {
        struct deployment_layer *layer = &layers[n++];

        if (digest_parse(&layer->diff_id, db_text(&rows, 0), err) != 0 ||
            digest_parse(&layer->blob, db_text(&rows, 1), err) != 0)
            return -1;
        layer->media = (enum runner_media)db_int(&rows, 2);
        layer->registry = arena_text(arena, db_text(&rows, 3));
        layer->repository = arena_text(arena, db_text(&rows, 4));
    }
    out->layers = layers;
    out->layer_count = n;
    return more < 0 ? -1 : 0;
}

int
deployment_load(struct db *db, struct text id, struct arena *arena, struct deployment *out,
                struct err *err)
{
    struct deployment d = { 0 };

    {
        DB_ROWS(rows);
        int found = db_one(db, &rows, err,
                           "SELECT resource_id, state, reason, plan, changed_at"
                           " FROM container_deployment WHERE id = $1",
                           DB_TEXT(id));

        if (found != 1)
            return found < 0 ? -1 : 1;
        if (!text_copy(id, d.id, sizeof(d.id)))
            return err_set(err, ERR_CORRUPT, "a deployment has a wrong id");
        d.resource_id = arena_text(arena, db_text(&rows, 0));
        if (state_parse(db_text(&rows, 1), &d.state, err) != 0)
            return -1;
        d.reason = arena_text(arena, db_text(&rows, 2));
        d.plan = arena_text(arena, db_blob(&rows, 3));
        d.changed_at_us = db_int(&rows, 4);
    }
    if (load_layers(db, id, arena, &d, err) != 0)
        return -1;
    if (arena_full(arena))
        return err_memory(err);
    *out = d;
    return 0;
}

int
deployment_move(struct db *db, struct text id, enum deployment_state to, struct text reason,
                struct err *err)
{
    enum deployment_state from = DEPLOYMENT_FAILED;

    {
        DB_ROWS(rows);
        int found = db_one(db, &rows, err, "SELECT state FROM container_deployment WHERE id = $1",
                           DB_TEXT(id));

        if (found != 1)
            return found < 0 ? -1 : 1;
        if (state_parse(db_text(&rows, 0), &from, err) != 0)
            return -1;
    }
    if ((states[from].next & (1u << to)) == 0)
        return err_code(err, ERR_CONFLICT, "InvalidState",
                        "the container group is %s and cannot become %s now", states[from].name,
                        states[to].name);
    return db_run(db, err,
                  "UPDATE container_deployment SET state = $1, reason = $2, changed_at = $3"
                  " WHERE id = $4",
                  DB_STR(states[to].name), DB_TEXT(reason), DB_INT(clock_now_us()), DB_TEXT(id)) < 0
               ? -1
               : 0;
}

int
deployment_free_ports(struct db *db, struct text id, struct err *err)
{
    return db_run(db, err, "DELETE FROM container_port WHERE deployment = $1", DB_TEXT(id)) < 0 ? -1
                                                                                                : 0;
}

int
deployment_drop(struct db *db, struct text id, struct err *err)
{
    static const char *const tables[] = {
        "DELETE FROM container_layer WHERE deployment = $1",
        "DELETE FROM container_deployment WHERE id = $1",
    };

    if (deployment_free_ports(db, id, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (db_run(db, err, tables[i], DB_TEXT(id)) < 0)
            return -1;
    return 0;
}

int
deployment_port_owner(struct db *db, uint16_t port, struct arena *arena, struct text *out,
                      struct err *err)
{
    DB_ROWS(rows);
    int found = db_one(db, &rows, err,
                       "SELECT d.resource_id FROM container_port p, container_deployment d"
                       " WHERE p.host_port = $1 AND d.id = p.deployment",
                       DB_INT(port));

    if (found != 1)
        return found < 0 ? -1 : 1;
    *out = arena_text(arena, db_text(&rows, 0));
    return arena_full(arena) ? err_memory(err) : 0;
}

static int
list_rows(struct db_rows *rows, struct arena *arena, struct deployment_row **out, size_t *n,
          struct err *err)
{
    struct deployment_row *list = NULL;
    size_t used = 0, room = 0;
    int more;

    while ((more = db_next(rows, err)) == 1) {
        if (used == room) {
            struct deployment_row *grown;

            room = room == 0 ? 16 : room * 2;
            if (used >= LIST_MAX || (grown = arena_take(arena, room * sizeof(*grown))) == NULL)
                return err_memory(err);
            if (used > 0)
                memcpy(grown, list, used * sizeof(*list));
            list = grown;
        }
        if (!text_copy(db_text(rows, 0), list[used].id, sizeof(list[used].id)) ||
            state_parse(db_text(rows, 1), &list[used].state, err) != 0)
            return -1;
        used++;
    }
    *out = list;
    *n = used;
    return more;
}

int
deployment_list(struct db *db, struct text resource_id, struct arena *arena,
                struct deployment_row **out, size_t *n, struct err *err)
{
    DB_ROWS(rows);
    int rc =
        resource_id.p == NULL
            ? db_query(db, &rows, err, "SELECT id, state FROM container_deployment ORDER BY id")
            : db_query(db, &rows, err,
                       "SELECT id, state FROM container_deployment WHERE resource_id = $1"
                       " ORDER BY id",
                       DB_TEXT(resource_id));

    return rc != 0 ? -1 : list_rows(&rows, arena, out, n, err);
}
