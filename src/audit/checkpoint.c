#include "audit/checkpoint.h"

#include <string.h>

#include "audit/tree.h"
#include "base/buf.h"
#include "base/clock.h"
#include "crypto/key.h"
#include "store/database.h"
#include "vault/checkpoint_note.h"

/* What vaultd remembers, beside what is stored. */
struct last {
    bool any;
    char epoch[ID_LEN + 1];
    uint64_t size;
    uint8_t root[MERKLE_LEN];
};

static int
ask_last(struct vault *vault, struct last *out, struct err *err)
{
    int known = vault_last_checkpoint(vault, out->epoch, &out->size, out->root, err);

    if (known < 0)
        return -1;
    out->any = known == 0;
    return 0;
}

static int
epoch_known(struct db *db, const char *epoch, bool *out, struct err *err)
{
    DB_ROWS(rows);
    int found = db_one(db, &rows, err, "SELECT 1 FROM audit_epoch WHERE id = $1", DB_STR(epoch));

    if (found < 0)
        return -1;
    *out = found > 0;
    return 0;
}

static int
root_at(struct db *db, uint64_t size, uint8_t root[static MERKLE_LEN], struct err *err)
{
    struct merkle_frontier f;

    if (tree_load(db, size, &f, err) < 0)
        return -1;
    merkle_root(&f, root);
    return 0;
}

static int
check_last(struct db *db, const struct last *last, const char *epoch, uint64_t size,
           struct err *err)
{
    uint8_t root[MERKLE_LEN];
    bool known;

    if (!last->any)
        return 0;
    if (strcmp(last->epoch, epoch) != 0) {
        if (epoch_known(db, last->epoch, &known, err) < 0)
            return -1;
        return known ? 0
                     : err_set(err, ERR_CONFLICT,
                               "this database is of another log: holdfast-vaultd signed epoch %s, "
                               "which it does not know.  Start with the database that belongs to "
                               "these keys",
                               last->epoch);
    }
    if (size < last->size)
        return err_set(err, ERR_CONFLICT,
                       "the audit log has %llu records, but %llu were signed: the database was "
                       "cut or is an old copy.  Bring back the newest one; until then no "
                       "checkpoint is signed",
                       (unsigned long long)size, (unsigned long long)last->size);
    if (root_at(db, last->size, root, err) < 0)
        return -1;
    if (memcmp(root, last->root, MERKLE_LEN) != 0)
        return err_set(err, ERR_CONFLICT,
                       "the first %llu audit records are not those that were signed: run "
                       "\"holdfast audit verify\".  No checkpoint is signed",
                       (unsigned long long)last->size);
    return 0;
}

int
checkpoint_extends(struct db *db, struct vault *vault, const char *epoch, struct err *err)
{
    struct last last = { 0 };
    uint64_t size;

    if (ask_last(vault, &last, err) < 0 || tree_size(db, &size, err) < 0)
        return -1;
    return check_last(db, &last, epoch, size, err);
}

static bool
take_row(struct db_rows *rows, struct audit_checkpoint *out)
{
    struct text epoch = db_text(rows, 0), root = db_blob(rows, 2), signature = db_blob(rows, 4);

    memset(out, 0, sizeof(*out));
    out->size = (uint64_t)db_int(rows, 1);
    out->time_us = db_int(rows, 3);
    if (!text_copy(epoch, out->epoch, sizeof(out->epoch)) || root.n != MERKLE_LEN ||
        signature.n > sizeof(out->signature))
        return false;
    memcpy(out->root, root.p, root.n);
    memcpy(out->signature, signature.p, signature.n);
    out->n_signature = signature.n;
    return true;
}

int
checkpoint_after(struct db *db, const char *epoch, uint64_t size, struct audit_checkpoint *out,
                 struct err *err)
{
    struct text wanted = text_of(epoch);
    DB_ROWS(rows);
    int found = db_one(db, &rows, err,
                       "SELECT epoch, size, root, time_us, signature FROM audit_checkpoint"
                       " WHERE size > $1 AND ($2 = '' OR epoch = $2) ORDER BY size LIMIT 1",
                       DB_INT((int64_t)size), DB_TEXT(wanted));

    if (found < 0)
        return -1;
    if (found == 0)
        return 1;
    (void)take_row(&rows, out); /* a spoilt row has no signature that holds */
    return 0;
}

static int
store_checkpoint(struct db *db, void *arg, struct err *err)
{
    const struct audit_checkpoint *c = arg;

    if (db_run(db, err, "DELETE FROM audit_checkpoint WHERE size = $1 AND epoch = $2",
               DB_INT((int64_t)c->size), DB_STR(c->epoch)) < 0)
        return -1;
    return db_run(db, err,
                  "INSERT INTO audit_checkpoint(epoch, size, root, time_us, signature)"
                  " VALUES($1, $2, $3, $4, $5)",
                  DB_STR(c->epoch), DB_INT((int64_t)c->size), DB_BLOB(c->root, MERKLE_LEN),
                  DB_INT(c->time_us), DB_BLOB(c->signature, c->n_signature)) < 0
               ? -1
               : 0;
}

/* The proof begins where vaultd stands, not where the database believes it does. */
static int
sign(struct db *db, struct vault *vault, const struct last *last, struct audit_checkpoint *out,
     struct err *err)
{
    struct vault_checkpoint c = { .size = out->size, .time_us = out->time_us };

    memcpy(c.epoch, out->epoch, sizeof(c.epoch));
    memcpy(c.root, out->root, sizeof(c.root));
    if (last->any && strcmp(last->epoch, out->epoch) == 0 && last->size > 0) {
        c.old_size = last->size;
        if (tree_prove(db, last->size, out->size, c.proof, &c.n_proof, err) < 0)
            return -1;
    }
    return vault_sign_checkpoint(vault, &c, out->signature, &out->n_signature, err);
}

/* The one stored for exactly this size: nothing happened since. */
static int
stored_already(struct db *db, const char *epoch, uint64_t size, const uint8_t *root,
               struct audit_checkpoint *out, struct err *err)
{
    struct audit_checkpoint c;
    int found = checkpoint_after(db, epoch, size - 1, &c, err);

    if (found < 0)
        return -1;
    if (found > 0 || c.size != size || memcmp(c.root, root, MERKLE_LEN) != 0 || c.n_signature == 0)
        return 0;
    *out = c;
    return 1;
}

int
checkpoint_make(struct database *database, struct vault *vault, const char *epoch,
                struct audit_checkpoint *out, struct err *err)
{
    struct db *db = database_reader(database);
    struct audit_checkpoint c = { .time_us = clock_now_us() };
    struct last last = { 0 };
    int stored;

    if (tree_size(db, &c.size, err) < 0 || ask_last(vault, &last, err) < 0 ||
        check_last(db, &last, epoch, c.size, err) < 0)
        return -1;
    if (c.size == 0)
        return 1;
    if (root_at(db, c.size, c.root, err) < 0)
        return -1;
    if ((stored = stored_already(db, epoch, c.size, c.root, out, err)) != 0)
        return stored < 0 ? -1 : 0;
    (void)text_copy(text_of(epoch), c.epoch, sizeof(c.epoch));
    if (sign(db, vault, &last, &c, err) < 0 ||
        database_write(database, store_checkpoint, &c, err) < 0)
        return -1;
    *out = c;
    return 0;
}

bool
checkpoint_signed(const struct audit_checkpoint *c, struct text key)
{
    struct err err = { 0 };
    OWN(key) k = key_from_public(key, &err);
    OWN_BUF(note, CHECKPOINT_NOTE_MAX);

    if (k == NULL)
        return false;
    checkpoint_note(c->epoch, c->size, c->root, c->time_us, &note);
    return !buf_failed(&note) && key_verify(k, buf_view(&note), c->signature, c->n_signature);
}
