/*
 * db.h - one connection: statements with typed values, rows on the caller's stack.
 *
 * SQL is one dialect for SQLite and PostgreSQL: $1, $2 ... in order of first use; no AUTOINCREMENT,
 * no INSERT OR IGNORE, no LIKE, no now(); times as epoch microseconds; ids made by the caller.
 * Statements are prepared once per connection and kept by the address of their text, so the SQL
 * should be a string literal (text that changes under one address is noticed and prepared anew).
 *
 * Invariants:
 *   Q1  values never become SQL: they are bound, whatever bytes they hold;
 *   Q2  a constraint that does not hold is ERR_CONFLICT, a full disk ERR_NO_SPACE, a file that is
 *       not ours or damaged ERR_CORRUPT; nothing of the SQL reaches err.msg;
 *   Q3  a reader's connection cannot change the database;
 *   Q4  the same statement may be open twice at once (a query inside the rows of itself).
 * Threads: a struct db belongs to the thread it was given to.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct db;
struct sqlite3_stmt;

enum db_kind {
    DB_KIND_NULL,
    DB_KIND_INT,
    DB_KIND_TEXT,
    DB_KIND_BLOB,
};

struct db_value {
    enum db_kind kind;
    int64_t number;
    struct text
        bytes; /* borrowed until the call returns (db_run) or the rows are done (db_query) */
};

static inline struct db_value
db_value_int(int64_t v)
{
    return (struct db_value){ DB_KIND_INT, v, { NULL, 0 } };
}

static inline struct db_value
db_value_text(struct text t)
{
    return (struct db_value){ DB_KIND_TEXT, 0, t };
}

static inline struct db_value
db_value_blob(const void *p, size_t n)
{
    return (struct db_value){ DB_KIND_BLOB, 0, text_from(p, n) };
}

#define DB_TEXT(t)    db_value_text(t)
#define DB_STR(s)     db_value_text(text_of(s))
#define DB_INT(v)     db_value_int(v)
#define DB_BLOB(p, n) db_value_blob((p), (n))
#define DB_NULL       ((struct db_value){ DB_KIND_NULL, 0, { NULL, 0 } })

/* Words of the DDL that differ between the two databases. */
#define DB_DDL_BYTES  "BLOB"           /* BYTEA in PostgreSQL */
#define DB_DDL_BY_KEY " WITHOUT ROWID" /* stored in the order of its primary key; else nothing */

/* The rows of one query, in the caller's own memory. */
struct db_rows {
    struct db *db;
    struct sqlite3_stmt *statement; /* NULL: done */
    bool *in_use;                   /* of the connection's cache; NULL: finalised when done */
};

/* DB_ROWS(rows): declares them and gives the statement back at scope end. */
#define DB_ROWS(name) __attribute__((cleanup(db_done))) struct db_rows name = { 0 }

/*
 * db_run(db, err, sql, values...): number of rows changed, or -1.
 * db_query(db, rows, err, sql, values...): 0, or -1; then db_next() until it says 0.
 * db_one(db, rows, err, sql, values...): 1 and ${rows} stands on the first row, 0 none, or -1.
 * At most 24 values.  An open query holds a snapshot: be done with it before waiting for anything.
 */
#define db_run(db, err, ...)         db_run_values((db), (err), DB_CALL(__VA_ARGS__))
#define db_query(db, rows, err, ...) db_query_values((db), (rows), (err), DB_CALL(__VA_ARGS__))
#define db_one(db, rows, err, ...)   db_one_values((db), (rows), (err), DB_CALL(__VA_ARGS__))

/* db_next(rows, err): 1 the next row, 0 no more (the rows are done), or -1. */
MUST_CHECK int db_next(struct db_rows *rows, struct err *err);

/* Columns of the current row, from 0.  Views are valid until db_next() or db_done(). */
int64_t db_int(struct db_rows *rows, int column);
struct text db_text(struct db_rows *rows, int column);
struct text db_blob(struct db_rows *rows, int column);
bool db_is_null(struct db_rows *rows, int column);

void db_done(struct db_rows *rows); /* harmless when already done */

/* The functions behind the macros; for callers that build their values at run time. */
MUST_CHECK int db_run_values(struct db *db, struct err *err, const char *sql,
                             const struct db_value *values, size_t n);
MUST_CHECK int db_query_values(struct db *db, struct db_rows *rows, struct err *err,
                               const char *sql, const struct db_value *values, size_t n);
MUST_CHECK int db_one_values(struct db *db, struct db_rows *rows, struct err *err, const char *sql,
                             const struct db_value *values, size_t n);

/* DB_CALL(sql, values...): sql, array, count.  ISO C has no empty "...": hence the two forms. */
#define DB_CALL_ONLY(sql) (sql), NULL, 0
#define DB_CALL_WITH(sql, ...)                                                                     \
    (sql), (const struct db_value[]){ __VA_ARGS__ },                                               \
        sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value)
#define DB_CALL_PICK(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16,    \
                     _17, _18, _19, _20, _21, _22, _23, _24, form, ...)                            \
    form
#define DB_W DB_CALL_WITH
#define DB_CALL(...)                                                                               \
    DB_CALL_PICK(__VA_ARGS__, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W,    \
                 DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W, DB_W,     \
                 DB_CALL_ONLY, 0)                                                                  \
    (__VA_ARGS__)

#endif /* STORE_DB_H */
