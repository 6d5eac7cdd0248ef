/* operation.c - work that goes on after an answer: where a client asks how it went. */
#include "base/clock.h"
#include "resource/resource_priv.h"

#define KEPT_US ((int64_t)24 * 3600 * 1000000)

struct operation {
    char id[ID_LEN + 1];
    struct text resource_id;
    const char *caller_id;
    int64_t started_us;
};

static int
store(struct db *db, void *arg, struct err *err)
{
    const struct operation *o = arg;

    if (db_run(db, err, "DELETE FROM resource_operation WHERE started_us < $1",
               DB_INT(o->started_us - KEPT_US)) < 0)
        return -1;
    return db_run(db, err,
                  "INSERT INTO resource_operation(id, resource_id, caller_id, started_us)"
                  " VALUES($1, $2, $3, $4)",
                  DB_STR(o->id), DB_TEXT(o->resource_id), DB_STR(o->caller_id),
                  DB_INT(o->started_us)) < 0
               ? -1
               : 0;
}

static void
add_link(struct exchange *x, const char *field, const char *word, const char *subscription,
         const char *id)
{
    struct text version = exchange_query(x, "api-version");

    answer_fieldf(x, field,
                  "%s://%.*s/subscriptions/%s/providers/Microsoft.Resources/%s/%s?api-version=%.*s",
                  x->secure ? "https" : "http", TEXT_ARG(x->host_name), subscription, word, id,
                  TEXT_ARG(version));
}

int
resources_operation(struct resources *rs, struct exchange *x, struct text id, struct err *err)
{
    struct operation o = { .resource_id = id,
                           .caller_id = x->caller.id,
                           .started_us = clock_now_us() };

    id_new(o.id);
    if (database_write(rs->database, store, &o, err) < 0)
        return -1;
    add_link(x, "Azure-AsyncOperation", "operationStatuses", rs->world->subscription_id, o.id);
    add_link(x, "Location", "operationResults", rs->world->subscription_id, o.id);
    answer_field(x, "Retry-After", TEXT("1"));
    return 0;
}

/* Asked by whoever began it; to everybody else it does not exist. */
static int
load(struct resources *rs, struct exchange *x, struct operation *out, struct err *err)
{
    DB_ROWS(rows);
    struct text id = exchange_param(x, "operation");
    int found = db_one(database_reader(rs->database), &rows, err,
                       "SELECT resource_id, caller_id, started_us FROM resource_operation"
                       " WHERE id = $1",
                       DB_TEXT(id));

    if (found < 0)
        return -1;
    if (found == 0 || !text_is(db_text(&rows, 1), x->caller.id))
        return err_code(err, ERR_NOT_FOUND, "OperationNotFound",
                        "there is no such operation, or it ended more than a day ago");
    (void)text_copy(id, out->id, sizeof(out->id));
    out->resource_id = arena_text(x->arena, db_text(&rows, 0));
    out->started_us = db_int(&rows, 2);
    return 0;
}

/* The resource says how far it is: gone is a deletion that succeeded. */
static int
state_of(struct resources *rs, struct exchange *x, const struct operation *o, struct text *out,
         struct err *err)
{
    OWN_RESOURCE r = { 0 };
    int none = row_load(database_reader(rs->database), o->resource_id, x->arena, &r, err);

    if (none < 0)
        return -1;
    *out = none > 0 ? TEXT("Succeeded") : r.provisioning_state;
    return 0;
}

static bool
ended(struct text state)
{
    return text_is(state, "Succeeded") || text_is(state, "Failed") || text_is(state, "Canceled");
}

int
operation_status(void *room, struct exchange *x, struct err *err)
{
    struct operation o = { .started_us = 0 };
    char started[CLOCK_TEXT_LEN + 1];
    struct text state;
    OWN_JSON doc = NULL;

    if (load(room, x, &o, err) < 0 || state_of(room, x, &o, &state, err) < 0)
        return -1;
    clock_text(o.started_us, started);
    doc = json_pack("{s:o*, s:s, s:o*, s:s}", "id", json_from(x->path), "name", o.id, "status",
                    json_from(state), "startTime", started);
    if (doc != NULL && text_is(state, "Failed") &&
        json_object_set_new(doc, "error",
                            json_pack("{s:s, s:s}", "code", "OperationFailed", "message",
                                      "the work failed; the resource says why")) < 0)
        return err_memory(err);
    if (doc == NULL)
        return err_memory(err);
    resource_answer(x, 200, doc);
    if (!ended(state))
        answer_field(x, "Retry-After", TEXT("1"));
    return 0;
}

int
operation_result(void *room, struct exchange *x, struct err *err)
{
    struct operation o = { .started_us = 0 };
    struct text state;

    if (load(room, x, &o, err) < 0 || state_of(room, x, &o, &state, err) < 0)
        return -1;
    resource_answer(x, ended(state) ? 204 : 202, NULL);
    if (!ended(state)) {
        add_link(x, "Location", "operationResults",
                 ((struct resources *)room)->world->subscription_id, o.id);
        answer_field(x, "Retry-After", TEXT("1"));
    }
    return 0;
}
