#include "store/db.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/database.h"
#include "store/db_priv.h"

#define BUSY_MS 5000 /* only another process can hold a lock: a backup, an operator's shell */

/* SQLite takes its memory through base/mem, so that the allocation sweep reaches it too. */
static void *
take(int n)
{
    return mem_grow(NULL, (size_t)n);
}

static void *
retake(void *p, int n)
{
    return mem_grow(p, (size_t)n);
}

static int
size_of(void *p)
{
    return (int)malloc_usable_size(p);
}

static int
round_up(int n)
{
    return (n + 7) & ~7;
}

static int
nothing(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void
end_nothing(void *unused)
{
    (void)unused;
}

static void
configure_once(void)
{
    static const struct sqlite3_mem_methods methods = {
        take, mem_free, retake, size_of, round_up, nothing, end_nothing, NULL,
    };

    /* Refused, without harm, when someone in this process used SQLite before us. */
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum err_kind
kind_of(int code, int sys)
{
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT: return ERR_CONFLICT;
    case SQLITE_FULL:
    case SQLITE_NOMEM: return ERR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_READONLY: return ERR_UNSUPPORTED;
    case SQLITE_TOOBIG: return ERR_TOO_LARGE;
    case SQLITE_IOERR: break;
    default: return ERR_IO;
    }
    if (code == SQLITE_IOERR_NOMEM || sys == ENOSPC || sys == EDQUOT || sys == EFBIG)
        return ERR_NO_SPACE;
    return ERR_IO;
}

static const char *
words_for(enum err_kind kind, int code)
{
    if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
        return "out of memory";
    if (kind == ERR_CONFLICT)
        return "this conflicts with what is stored";
    if (kind == ERR_NO_SPACE)
        return "no space left for the database: free some on its disk";
    if (kind == ERR_BUSY)
        return "the database is locked by another program: try again later";
    if (kind == ERR_CORRUPT)
        return "the database file is damaged or not a database";
    if (kind == ERR_UNSUPPORTED)
        return "this connection to the database only reads";
    if (kind == ERR_TOO_LARGE)
        return "a value is too large for the database";
    return "the database cannot be used";
}

int
db_fail(struct db *db, struct err *err, const char *doing)
{
    int sys = errno; /* sqlite3_system_errno() forgets it when a COMMIT fails */
    int code = sqlite3_extended_errcode(db->handle);
    enum err_kind kind = kind_of(code, sys);

    if (err->kind != ERR_OK)
        return -1;
    (void)err_set(err, kind, "%s", words_for(kind, code));
    err->sys = kind == ERR_IO || kind == ERR_NO_SPACE ? sys : 0;
    return err_note(err, "sqlite %d: %s; in: %.120s", code, sqlite3_errmsg(db->handle), doing);
}

int
db_script(struct db *db, const char *sql, struct err *err)
{
    errno = 0;
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(db, err, sql);
    return 0;
}

static int
set_up(struct db *db, enum db_mode mode, struct err *err)
{
    OWN_BUF(sql, 1024);

    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    buf_printf(&sql, "PRAGMA cache_size=-%d;PRAGMA temp_store=MEMORY;PRAGMA trusted_schema=OFF;",
               mode == DB_MODE_READ ? DATABASE_READER_KIB : DATABASE_CACHE_KIB);
    if (mode == DB_MODE_READ)
        buf_printf(&sql, "PRAGMA query_only=ON;PRAGMA mmap_size=%d", DATABASE_MMAP_BYTES);
    else
        buf_printf(&sql,
                   "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;"
                   "PRAGMA wal_autocheckpoint=0;PRAGMA journal_size_limit=%d",
                   DATABASE_WAL_BYTES);
    if (buf_failed(&sql))
        return err_memory(err);
    return db_script(db, sql.p, err);
}

int
db_open(struct db *db, const char *path, enum db_mode mode, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

    (void)pthread_once(&once, configure_once);
    *db = (struct db){ 0 };
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        if (db->handle == NULL)
            return err_memory(err);
        (void)db_fail(db, err, "open");
        db_close(db);
        return -1;
    }
    if (set_up(db, mode, err) < 0) {
        db_close(db);
        return -1;
    }
    return 0;
}

void
db_close(struct db *db)
{
    for (size_t i = 0; i < DB_SETS; i++)
        for (size_t k = 0; k < DB_WAYS; k++)
            (void)sqlite3_finalize(db->cache[i][k].handle);
    (void)sqlite3_close_v2(db->handle);
    *db = (struct db){ 0 };
}

static int
prepare(struct db *db, struct err *err, const char *sql, unsigned flags, sqlite3_stmt **out)
{
    if (sqlite3_prepare_v3(db->handle, sql, -1, flags, out, NULL) != SQLITE_OK)
        return db_fail(db, err, sql);
    if (*out == NULL)
        return err_set(err, ERR_UNSUPPORTED, "an empty statement was given to the database");
    return 0;
}

/* The cached statement of ${sql}, or a free place for it, or NULL when all of its set is in use. */
static struct db_statement *
place_of(struct db *db, const char *sql)
{
    size_t hash = (size_t)(((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % DB_SETS;
    struct db_statement *set = db->cache[hash];

    for (size_t k = 0; k < DB_WAYS; k++)
        if (set[k].key == sql && !set[k].in_use)
            return &set[k];
    for (size_t k = 0; k < DB_WAYS; k++)
        if (set[k].handle == NULL)
            return &set[k];
    for (size_t k = 0; k < DB_WAYS; k++) {
        struct db_statement *oldest = &set[db->victim[hash]++ % DB_WAYS];

        if (!oldest->in_use)
            return oldest;
    }
    return NULL;
}

static int
statement_for(struct db *db, struct db_rows *rows, struct err *err, const char *sql)
{
    struct db_statement *place;

    if (db->handle == NULL)
        return err_set(err, ERR_IO, "the database cannot be opened for reading");
    place = place_of(db, sql);
    *rows = (struct db_rows){ .db = db };
    if (place == NULL)
        return prepare(db, err, sql, 0, &rows->statement);
    if (place->key != sql || strcmp(sqlite3_sql(place->handle), sql) != 0) {
        (void)sqlite3_finalize(place->handle);
        *place = (struct db_statement){ 0 };
        if (prepare(db, err, sql, SQLITE_PREPARE_PERSISTENT, &place->handle) < 0)
            return -1;
        place->key = sql;
    }
    place->in_use = true;
    rows->in_use = &place->in_use;
    rows->statement = place->handle;
    return 0;
}

static int
bind_value(sqlite3_stmt *statement, int at, const struct db_value *v)
{
    const char *p = v->bytes.p != NULL ? v->bytes.p : "";

    switch (v->kind) {
    case DB_KIND_INT: return sqlite3_bind_int64(statement, at, v->number);
    case DB_KIND_TEXT:
        return sqlite3_bind_text64(statement, at, p, v->bytes.n, SQLITE_STATIC, SQLITE_UTF8);
    case DB_KIND_BLOB: return sqlite3_bind_blob64(statement, at, p, v->bytes.n, SQLITE_STATIC);
    case DB_KIND_NULL:
    default: return sqlite3_bind_null(statement, at);
    }
}

int
db_query_values(struct db *db, struct db_rows *rows, struct err *err, const char *sql,
                const struct db_value *values, size_t n)
{
    struct db_rows made;

    if (statement_for(db, &made, err, sql) < 0)
        return -1;
    if ((size_t)sqlite3_bind_parameter_count(made.statement) != n) {
        (void)err_set(err, ERR_IO, "the database cannot be used");
        (void)err_note(err, "%zu values for: %.120s", n, sql);
        db_done(&made);
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (bind_value(made.statement, (int)i + 1, &values[i]) != SQLITE_OK) {
            (void)db_fail(db, err, sql);
            db_done(&made);
            return -1;
        }
    }
    *rows = made;
    return 0;
}

int
db_next(struct db_rows *rows, struct err *err)
{
    int code;

    if (rows->statement == NULL)
        return 0;
    errno = 0;
    code = sqlite3_step(rows->statement);
    if (code == SQLITE_ROW)
        return 1;
    if (code != SQLITE_DONE)
        (void)db_fail(rows->db, err, sqlite3_sql(rows->statement));
    db_done(rows);
    return code == SQLITE_DONE ? 0 : -1;
}

int
db_one_values(struct db *db, struct db_rows *rows, struct err *err, const char *sql,
              const struct db_value *values, size_t n)
{
    if (db_query_values(db, rows, err, sql, values, n) < 0)
        return -1;
    return db_next(rows, err);
}

int
db_run_values(struct db *db, struct err *err, const char *sql, const struct db_value *values,
              size_t n)
{
    DB_ROWS(rows);
    int before, r;

    if (db_query_values(db, &rows, err, sql, values, n) < 0)
        return -1;
    before = sqlite3_total_changes(db->handle);
    while ((r = db_next(&rows, err)) > 0)
        continue;
    if (r < 0)
        return -1;
    return sqlite3_total_changes(db->handle) == before ? 0 : sqlite3_changes(db->handle);
}

int64_t
db_int(struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

struct text
db_text(struct db_rows *rows, int column)
{
    const void *p = sqlite3_column_text(rows->statement, column);

    return text_from(p, (size_t)sqlite3_column_bytes(rows->statement, column));
}

struct text
db_blob(struct db_rows *rows, int column)
{
    const void *p = sqlite3_column_blob(rows->statement, column);

    return text_from(p, (size_t)sqlite3_column_bytes(rows->statement, column));
}

bool
db_is_null(struct db_rows *rows, int column)
{
    return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

void
db_done(struct db_rows *rows)
{
    if (rows->statement == NULL)
        return;
    if (rows->in_use == NULL) {
        (void)sqlite3_finalize(rows->statement);
    } else {
        (void)sqlite3_reset(rows->statement);
        *rows->in_use = false;
    }
    *rows = (struct db_rows){ 0 };
}
