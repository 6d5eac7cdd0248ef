#include "store/migration.h"

#include "base/clock.h"
#include "store/database.h"
#include "store/db_priv.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS schema_migration (room TEXT NOT NULL, "
                            "number BIGINT NOT NULL, applied BIGINT NOT NULL, "
                            "PRIMARY KEY (room, number))" DB_DDL_BY_KEY;

static bool
is_known(const struct migration *const *sets, struct text room, int64_t number)
{
    for (; *sets != NULL; sets++)
        for (const struct migration *m = *sets; m->room != NULL; m++)
            if (m->number == number && text_is(room, m->room))
                return true;
    return false;
}

/* Only rooms and steps that this program knows: anything else was made by a later one. */
static int
refuse_newer(struct db *db, const struct migration *const *sets, struct err *err)
{
    DB_ROWS(rows);
    int r = db_one(db, &rows, err, "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'");

    db_done(&rows);
    if (r <= 0)
        return r;
    if (db_query(db, &rows, err, "SELECT room, number FROM schema_migration ORDER BY room") < 0)
        return -1;
    while ((r = db_next(&rows, err)) > 0)
        if (!is_known(sets, db_text(&rows, 0), db_int(&rows, 1)))
            return err_set(err, ERR_UNSUPPORTED,
                           "the database was made by a newer Holdfast (%.*s step %lld): "
                           "start that version, or restore a backup made by this one",
                           TEXT_ARG(db_text(&rows, 0)), (long long)db_int(&rows, 1));
    return r;
}

static int
apply_one(struct db *db, const struct migration *m, struct err *err)
{
    DB_ROWS(rows);
    int r = db_one(db, &rows, err, "SELECT 1 FROM schema_migration WHERE room = $1 AND number = $2",
                   DB_STR(m->room), DB_INT(m->number));

    db_done(&rows);
    if (r != 0)
        return r < 0 ? -1 : 0;
    if (db_script(db, m->sql, err) < 0)
        return err_note(err, "migration %s %d", m->room, m->number);
    return db_run(db, err,
                  "INSERT INTO schema_migration (room, number, applied) VALUES ($1, $2, $3)",
                  DB_STR(m->room), DB_INT(m->number), DB_INT(clock_now_us())) < 0
               ? -1
               : 0;
}

static int
apply_all(struct db *db, const struct migration *const *sets, struct err *err)
{
    if (refuse_newer(db, sets, err) < 0 || db_script(db, table, err) < 0)
        return -1;
    for (; *sets != NULL; sets++)
        for (const struct migration *m = *sets; m->room != NULL; m++)
            if (apply_one(db, m, err) < 0)
                return -1;
    return db_script(db, "COMMIT", err);
}

int
migration_apply(struct db *db, const struct migration *const *sets, struct err *err)
{
    if (db_script(db, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    if (apply_all(db, sets, err) == 0)
        return 0;
    if (sqlite3_get_autocommit(db->handle) == 0)
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}
