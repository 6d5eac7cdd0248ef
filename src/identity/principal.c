#include "identity/principal.h"

#include <string.h>

#include "base/clock.h"
#include "store/database.h"

#define KIND_USER    "User"
#define KIND_SERVICE "ServicePrincipal"
#define COLUMNS                                                                                    \
    "SELECT id, kind, name, app_id, disabled, record, changed_at FROM identity_principal"

const struct migration identity_migrations[] = {
    { "identity", 1,
      "CREATE TABLE identity_principal ("
      " id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,"
      " login TEXT NOT NULL UNIQUE, app_id TEXT NOT NULL, disabled INTEGER NOT NULL,"
      " record TEXT NOT NULL, created_at BIGINT NOT NULL);" },
    { "identity", 2,
      "ALTER TABLE identity_principal ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;" },
    { NULL, 0, NULL },
};

/* P1: logins are compared in one spelling. */
static bool
login_of(struct text t, char out[static IDENTITY_NAME_MAX + 1])
{
    if (t.n == 0 || !text_copy(t, out, IDENTITY_NAME_MAX + 1))
        return false;
    for (char *c = out; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return true;
}

static int
take(struct db_rows *rows, struct principal *out, struct err *err)
{
    struct principal p = { .kind = CALLER_USER };

    if (text_is(db_text(rows, 1), KIND_SERVICE))
        p.kind = CALLER_SERVICE_PRINCIPAL;
    p.disabled = db_int(rows, 4) != 0;
    p.changed_at_us = db_int(rows, 6);
    if (!text_copy(db_text(rows, 0), p.id, sizeof(p.id)) ||
        !text_copy(db_text(rows, 2), p.name, sizeof(p.name)) ||
        !text_copy(db_text(rows, 3), p.app_id, sizeof(p.app_id)) ||
        !text_copy(db_text(rows, 5), p.record, sizeof(p.record)))
        return err_set(err, ERR_CORRUPT, "a stored principal cannot be read");
    *out = p;
    return 0;
}

/* What db_one() said, as 0 found, 1 none, -1. */
static int
taken(int got, struct db_rows *rows, struct principal *out, struct err *err)
{
    return got < 0 ? -1 : got == 0 ? 1 : take(rows, out, err);
}

int
principal_by_login(struct db *db, struct text login, struct principal *out, struct err *err)
{
    char key[IDENTITY_NAME_MAX + 1];
    DB_ROWS(rows);

    if (!login_of(login, key))
        return 1;
    return taken(db_one(db, &rows, err, COLUMNS " WHERE login = $1", DB_STR(key)), &rows, out, err);
}

int
principal_by_id(struct db *db, struct text id, struct principal *out, struct err *err)
{
    char key[IDENTITY_NAME_MAX + 1];
    DB_ROWS(rows);

    if (!login_of(id, key))
        return 1;
    return taken(db_one(db, &rows, err, COLUMNS " WHERE id = $1", DB_STR(key)), &rows, out, err);
}

int
principal_by_name(struct db *db, enum caller_kind kind, struct text name, struct principal *out,
                  struct err *err)
{
    DB_ROWS(rows);

    return taken(db_one(db, &rows, err, COLUMNS " WHERE kind = $1 AND name = $2",
                        DB_STR(caller_kind_name(kind)), DB_TEXT(name)),
                 &rows, out, err);
}

static int
check_new(const struct identity_principal *p, struct err *err)
{
    if (p->kind != CALLER_USER && p->kind != CALLER_SERVICE_PRINCIPAL)
        return err_set(err, ERR_INVALID, "a principal is a user or a service principal");
    if (p->name.n == 0 || p->name.n > IDENTITY_NAME_MAX || text_find(p->name, ':') >= 0)
        return err_set(err, ERR_INVALID, "a name has 1 to %d bytes and no \":\"",
                       IDENTITY_NAME_MAX);
    for (size_t i = 0; i < p->name.n; i++)
        if ((unsigned char)p->name.p[i] < 0x20 || p->name.p[i] == 0x7f)
            return err_set(err, ERR_INVALID, "a name has no control characters");
    /* A name that looks like an id could be taken for somebody's application id. */
    if (p->kind == CALLER_USER && id_is(p->name))
        return err_set(err, ERR_INVALID, "a user's name must not be a UUID");
    if ((p->id[0] != '\0' && !id_is(text_of(p->id))) ||
        (p->app_id[0] != '\0' && !id_is(text_of(p->app_id))))
        return err_set(err, ERR_INVALID, "the ids of a principal are UUIDs");
    return 0;
}

int
identity_add(struct db *db, struct identity_principal *p, struct err *err)
{
    bool service = p->kind == CALLER_SERVICE_PRINCIPAL;
    char login[IDENTITY_NAME_MAX + 1], id[IDENTITY_NAME_MAX + 1];

    if (check_new(p, err) < 0)
        return -1;
    if (p->id[0] == '\0')
        id_new(p->id);
    if (service && p->app_id[0] == '\0')
        id_new(p->app_id);
    (void)login_of(service ? text_of(p->app_id) : p->name, login);
    (void)login_of(text_of(p->id), id);
    return db_run(db, err,
                  "INSERT INTO identity_principal"
                  " (id, kind, name, login, app_id, disabled, record, created_at)"
                  " VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
                  DB_STR(id), DB_STR(service ? KIND_SERVICE : KIND_USER), DB_TEXT(p->name),
                  DB_STR(login), DB_STR(service ? login : ""),
                  DB_STR(p->record != NULL ? p->record : ""), DB_INT(clock_now_us())) < 0
               ? -1
               : 0;
}

static int
changed_one(int64_t rows)
{
    return rows < 0 ? -1 : rows == 0;
}

int
identity_set_record(struct db *db, struct text id, const char *record, struct err *err)
{
    return changed_one(
        db_run(db, err, "UPDATE identity_principal SET record = $1, changed_at = $2 WHERE id = $3",
               DB_STR(record), DB_INT(clock_now_us()), DB_TEXT(id)));
}

int
identity_set_disabled(struct db *db, struct text id, bool disabled, struct err *err)
{
    return changed_one(db_run(db, err, "UPDATE identity_principal SET disabled = $1 WHERE id = $2",
                              DB_INT(disabled), DB_TEXT(id)));
}
