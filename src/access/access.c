#include "access/access.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "access/role.h"
#include "access/scope.h"
#include "access/snapshot.h"
#include "base/mem.h"
#include "store/database.h"
#include "store/db.h"

#define STRIPES 8 /* counters of readers, so that loops do not fight over one cache line */
#define LINE    64

const struct migration access_migrations[] = {
    { "access", 1,
      "CREATE TABLE access_assignment ("
      " id TEXT NOT NULL PRIMARY KEY, scope TEXT NOT NULL, scope_key TEXT NOT NULL,"
      " role TEXT NOT NULL, principal TEXT NOT NULL, principal_type TEXT NOT NULL,"
      " created_at BIGINT NOT NULL, created_by TEXT NOT NULL);"
      "CREATE UNIQUE INDEX access_assignment_once"
      " ON access_assignment (principal, role, scope_key);"
      "CREATE TABLE access_version (one INTEGER NOT NULL PRIMARY KEY, version BIGINT NOT NULL);"
      "INSERT INTO access_version (one, version) VALUES (1, 1);" },
    { NULL, 0, NULL },
};

struct reader_count {
    atomic_long n;
    char padding[LINE - sizeof(atomic_long)];
};

/*
 * A4: readers count themselves in under one of two phases, and the writer frees a snapshot when
 * both phases have been seen empty since it was replaced (as the kernel's SRCU does it).
 */
struct access {
    struct database *database; /* borrowed */
    pthread_mutex_t writing;   /* one rebuild at a time */
    _Atomic(struct snapshot *) current;
    atomic_uint phase;
    struct reader_count readers[2][STRIPES];
};

/* ---- readers ---- */

static unsigned
my_stripe(void)
{
    static atomic_uint next;
    static _Thread_local unsigned mine; /* 0: not chosen yet */

    if (mine == 0)
        mine = atomic_fetch_add(&next, 1) % STRIPES + 1;
    return mine - 1;
}

bool
access_check(struct access *access, const struct caller *caller, const char *action,
             struct text scope, struct decision *out)
{
    unsigned phase = atomic_load(&access->phase);
    atomic_long *count = &access->readers[phase][my_stripe()].n;
    const struct role *nearest;

    (void)atomic_fetch_add(count, 1);
    snapshot_decide(atomic_load(&access->current), text_of(caller->id), text_of(action), scope,
                    out);
    (void)atomic_fetch_sub(count, 1);
    if (caller->kind == CALLER_SYSTEM) {
        out->allowed = out->visible = true;
        out->role = "System";
    }
    if (out->allowed)
        return true;
    nearest = role_nearest(text_of(action));
    out->role = nearest != NULL ? nearest->name : NULL;
    return false;
}

/* ---- the writer ---- */

static void
await_empty(struct access *a, unsigned phase)
{
    for (size_t i = 0; i < STRIPES; i++)
        while (atomic_load(&a->readers[phase][i].n) != 0)
            (void)sched_yield();
}

static void
publish(struct access *a, struct snapshot *fresh)
{
    struct snapshot *old = atomic_exchange(&a->current, fresh);
    unsigned phase = atomic_load(&a->phase);

    if (old == NULL)
        return;
    await_empty(a, 1 - phase);
    atomic_store(&a->phase, 1 - phase);
    await_empty(a, phase);
    snapshot_free(old);
}

static int
add_to_snapshot(void *arg, const struct assignment *a, struct err *err)
{
    return snapshot_add(arg, a, err);
}

static int
read_version(struct db *db, int64_t *out, struct err *err)
{
    DB_ROWS(rows);
    int got = db_one(db, &rows, err, "SELECT version FROM access_version WHERE one = 1");

    if (got == 0)
        return err_set(err, ERR_CORRUPT, "the version of the role assignments is missing");
    if (got < 0)
        return -1;
    *out = db_int(&rows, 0);
    return 0;
}

/* The version is read first: rows that come later only make the snapshot newer than it says. */
static struct snapshot *
build(struct access *a, struct err *err)
{
    struct db *db = database_reader(a->database);
    OWN(snapshot) s = NULL;
    int64_t version = 0;

    if (read_version(db, &version, err) < 0 || (s = snapshot_new(version, err)) == NULL ||
        access_each(db, add_to_snapshot, s, err) < 0 || snapshot_seal(s, err) < 0)
        return NULL;
    return GIVE(s);
}

int
access_changed(struct access *access, struct err *err)
{
    struct snapshot *fresh;

    (void)pthread_mutex_lock(&access->writing);
    if ((fresh = build(access, err)) != NULL)
        publish(access, fresh);
    (void)pthread_mutex_unlock(&access->writing);
    return fresh != NULL ? 0 : -1;
}

struct access *
access_open(struct database *database, struct err *err)
{
    OWN(access) a = mem_zalloc(sizeof(*a));

    if (a == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    a->database = database;
    (void)pthread_mutex_init(&a->writing, NULL);
    return access_changed(a, err) < 0 ? NULL : GIVE(a);
}

void
access_free(struct access *access)
{
    if (access == NULL)
        return;
    snapshot_free(atomic_load(&access->current));
    (void)pthread_mutex_destroy(&access->writing);
    mem_free(access);
}

/* ---- what is stored ---- */

static int
raise_version(struct db *db, struct err *err)
{
    return db_run(db, err, "UPDATE access_version SET version = version + 1 WHERE one = 1") < 0 ? -1
                                                                                                : 0;
}

/* 0 the id is free, 1 the very same assignment is there, -1. */
static int
look_for_same(struct db *db, const struct assignment *a, const struct role *role,
              const struct scope_key *key, struct err *err)
{
    DB_ROWS(rows);
    int got = db_one(db, &rows, err,
                     "SELECT role, scope_key, principal FROM access_assignment WHERE id = $1",
                     DB_STR(a->id));

    if (got <= 0)
        return got;
    if (text_is(db_text(&rows, 0), role->id) &&
        text_equal(db_text(&rows, 1), text_from(key->p, key->n)) &&
        text_equal_nocase(db_text(&rows, 2), text_of(a->principal)))
        return 1;
    return err_code(err, ERR_CONFLICT, "RoleAssignmentUpdateNotPermitted",
                    "tenant, scope, principal and role of an assignment cannot be changed");
}

static int
look_for_equal(struct db *db, const struct assignment *a, const struct role *role,
               const struct scope_key *key, struct err *err)
{
    DB_ROWS(rows);
    int got = db_one(db, &rows, err,
                     "SELECT id FROM access_assignment"
                     " WHERE principal = $1 AND role = $2 AND scope_key = $3",
                     DB_STR(a->principal), DB_STR(role->id), DB_TEXT(text_from(key->p, key->n)));

    if (got <= 0)
        return got;
    return err_code(err, ERR_CONFLICT, "RoleAssignmentExists",
                    "the role assignment already exists; its id is %.*s",
                    TEXT_ARG(db_text(&rows, 0)));
}

/* ids are compared as text in the database: one spelling. */
static void
lower(char *s)
{
    for (; *s != '\0'; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
}

int
access_assign(struct db *db, const struct assignment *a, struct err *err)
{
    const struct role *role = access_role_find(a->role_definition);
    struct assignment stored = *a;
    struct scope_key key;
    int same;

    lower(stored.id);
    lower(stored.principal);
    if (!id_is(text_of(stored.id)))
        return err_code(err, ERR_INVALID, "InvalidRoleAssignmentId",
                        "the name of a role assignment must be a GUID");
    if (!id_is(text_of(stored.principal)))
        return err_code(err, ERR_INVALID, "InvalidPrincipalId", "principalId must be a GUID");
    if (!scope_key_of(a->scope, &key))
        return err_code(err, ERR_INVALID, "InvalidScope",
                        "a scope must begin with \"/\" and have at most %d bytes",
                        ACCESS_SCOPE_MAX);
    if (role == NULL)
        return err_code(err, ERR_INVALID, "RoleDefinitionDoesNotExist",
                        "there is no role definition \"%.*s\"",
                        TEXT_ARG(text_first(a->role_definition, 120)));
    if ((same = look_for_same(db, &stored, role, &key, err)) != 0)
        return same < 0 ? -1 : 0;
    if (look_for_equal(db, &stored, role, &key, err) < 0)
        return -1;
    if (db_run(db, err,
               "INSERT INTO access_assignment (id, scope, scope_key, role, principal,"
               " principal_type, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
               DB_STR(stored.id), DB_TEXT(a->scope), DB_TEXT(text_from(key.p, key.n)),
               DB_STR(role->id), DB_STR(stored.principal), DB_TEXT(a->principal_type),
               DB_INT(a->created_at_us), DB_TEXT(a->created_by)) < 0)
        return -1;
    return raise_version(db, err);
}

int
access_unassign(struct db *db, struct text id, struct err *err)
{
    char key[ID_LEN + 1];
    int64_t n;

    if (!text_copy(id, key, sizeof(key)))
        return 1;
    lower(key);
    n = db_run(db, err, "DELETE FROM access_assignment WHERE id = $1", DB_STR(key));
    if (n <= 0)
        return n < 0 ? -1 : 1;
    return raise_version(db, err);
}

/* '0' is the byte behind '/': what lies between them is below the scope. */
int
access_forget(struct db *db, struct text scope, struct err *err)
{
    struct scope_key key;
    int64_t n;

    if (!scope_key_of(scope, &key) || key.n == 0)
        return err_set(err, ERR_INVALID, "a scope must begin with \"/\"");
    n = db_run(db, err,
               "DELETE FROM access_assignment WHERE scope_key = $1"
               " OR (scope_key > $1 || '/' AND scope_key < $1 || '0')",
               DB_TEXT(text_from(key.p, key.n)));
    if (n <= 0)
        return n < 0 ? -1 : 0;
    return raise_version(db, err);
}

int
access_each(struct db *db, access_visit *visit, void *arg, struct err *err)
{
    DB_ROWS(rows);
    int more;

    if (db_query(db, &rows, err,
                 "SELECT id, scope, role, principal, principal_type, created_at, created_by"
                 " FROM access_assignment") < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0) {
        struct assignment a = { .scope = db_text(&rows, 1),
                                .role_definition = db_text(&rows, 2),
                                .principal_type = db_text(&rows, 4),
                                .created_at_us = db_int(&rows, 5),
                                .created_by = db_text(&rows, 6) };
        int rc;

        (void)text_copy(db_text(&rows, 0), a.id, sizeof(a.id));
        (void)text_copy(db_text(&rows, 3), a.principal, sizeof(a.principal));
        if ((rc = visit(arg, &a, err)) != 0)
            return rc;
    }
    return more;
}
