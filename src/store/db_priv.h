/* db_priv.h - a connection from inside the room: opened and closed by database.c only. */
#ifndef STORE_DB_PRIV_H
#define STORE_DB_PRIV_H

#include <sqlite3.h>

#include "store/db.h"

#define DB_SETS 32 /* of the statement cache: a power of two */
#define DB_WAYS 4  /* statements per set; the longest kept makes room */

struct db_statement {
    const char *key; /* address of the SQL text */
    sqlite3_stmt *handle;
    bool in_use;
};

struct db {
    sqlite3 *handle; /* NULL: could not be opened; every use fails */
    struct db_statement cache[DB_SETS][DB_WAYS];
    unsigned char victim[DB_SETS];
};

enum db_mode {
    DB_MODE_WRITE,
    DB_MODE_READ,
};

/* db_open(db, path, mode, err): on failure ${db} is as db_close() leaves it. */
MUST_CHECK int db_open(struct db *db, const char *path, enum db_mode mode, struct err *err);
void db_close(struct db *db);

/* db_script(db, sql, err): any number of statements without values, not kept. */
MUST_CHECK int db_script(struct db *db, const char *sql, struct err *err);

/* db_fail(db, err, doing): turn the connection's last failure into ${err}; return -1. */
int db_fail(struct db *db, struct err *err, const char *doing);

#endif /* STORE_DB_PRIV_H */
