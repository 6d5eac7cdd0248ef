/*
 * database.h - what must not be lost: SQLite in WAL mode, one writer that commits in groups.
 *
 * Readers read on their own connections and are never blocked by the writer; every change runs on
 * the one writer thread, inside a savepoint of its group's transaction, and is durable
 * (synchronous=FULL) when the waiting call returns.
 *
 * Invariants:
 *   W1  database_write() that returned 0 survives kill -9 and power loss;
 *   W2  a change that fails takes back what it did, and nothing of its neighbours;
 *   W3  a group whose COMMIT (or before_commit) fails leaves nothing, and every one in it is told;
 *   W4  who was told of success sees its own change on any reader at once;
 *   W5  changes run one at a time, in the order they were queued;
 *   W6  a full disk is ERR_NO_SPACE for those concerned, and the writer works again when there is
 *       space;
 *   W7  a migration runs once, all pending ones together or none; a database from a newer version
 *       is refused and not touched.
 * Threads: everything may be called from any thread, database_free() when no other call runs.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/err.h"
#include "base/own.h"
#include "store/db.h"

#define DATABASE_QUEUE_MAX  4096               /* changes queued and not waited for */
#define DATABASE_GROUP_MAX  256                /* changes in one transaction */
#define DATABASE_CACHE_KIB  1024               /* page cache of the writer, at most */
#define DATABASE_READER_KIB 256                /* of a reader: what is not mapped, only */
#define DATABASE_MMAP_BYTES (64 * 1024 * 1024) /* of the file, shared by all readers */
#define DATABASE_WAL_BYTES  (16 * 1024 * 1024) /* above it the writer checkpoints at once */
#define DATABASE_IDLE_MS    1000               /* after so long without a change, also */

struct database;

/* One numbered step of one room's schema.  Numbers rise within a room; never edit an old step. */
struct migration {
    const char *room; /* NULL ends the array */
    int number;       /* 1, 2, 3 ... */
    const char *sql;  /* one or more statements */
};

/*
 * database_open(path, sets, err): open or create (mode 0600) and apply what is pending of ${sets},
 * a NULL-ended array of arrays, in that order.  ${sets} NULL: an existing database, to read only
 * (offline inspection); no migration, no writer.
 */
MUST_CHECK struct database *database_open(const char *path, const struct migration *const *sets,
                                          struct err *err);

/* database_free(d): finish everything queued, then close.  Readers' threads must have ended or
 * never touch ${d} again. */
void database_free(struct database *d);
DEFINE_OWN(database);

/*
 * database_reader(d): this thread's read connection, opened on first use, closed when the thread
 * ends.  Never NULL: when it cannot be opened, every use of what is returned fails and says so.
 */
struct db *database_reader(struct database *d);

/* A change: 0, or -1 with ${err} and nothing of it stays.  It must not wait for another change. */
typedef int database_change(struct db *db, void *arg, struct err *err);

/* database_write(d, fn, arg, err): run the change; return when its group is durable, or failed. */
MUST_CHECK int database_write(struct database *d, database_change *fn, void *arg, struct err *err);

/* Called on the writer thread after commit (${err} NULL) or failure; must be quick. */
typedef void database_done(void *arg, const struct err *err);

/*
 * database_write_later(d, fn, arg, done, err): queue the change and do not wait; ${done} may be
 * NULL. ERR_BUSY when DATABASE_QUEUE_MAX are waiting: then neither ${fn} nor ${done} is called.
 */
MUST_CHECK int database_write_later(struct database *d, database_change *fn, void *arg,
                                    database_done *done, struct err *err);

/*
 * database_on_group(d, before_commit, arg): called once per group, on the writer thread, before its
 * COMMIT, when at least one change of the group succeeded; to add rows to the same transaction.
 * -1 fails the whole group.  Set once, before the first write.
 */
void database_on_group(struct database *d, database_change *before_commit, void *arg);

/* database_on_step(d, step): test seam; told "db.group.begin", ".commit" and ".after". */
void database_on_step(struct database *d, void (*step)(const char *step));

#endif /* STORE_DATABASE_H */
