#include "audit/audit.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "audit/checkpoint.h"
#include "audit/reads.h"
#include "audit/record.h"
#include "audit/strangers.h"
#include "audit/tree.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "store/database.h"

#define PUBLIC_KEY_MAX 4096
#define FLUSH_MS       700 /* with the write itself, within the second that U2 promises */

/* A thing the clerk does when asked; whoever waits sees how the first round after the call went. */
struct chore {
    uint64_t asked;
    uint64_t done;
    struct err err;
};

struct audit {
    struct database *database; /* borrowed, as the next one */
    struct vault *vault;
    struct secret *key; /* a struct hmac_key */
    char epoch[ID_LEN + 1];
    struct reads *reads;
    struct strangers *strangers;
    struct merkle_frontier frontier; /* the writer thread's own; see append() */

    pthread_t clerk; /* writes reads and makes checkpoints, so that no request waits for either */
    bool started;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t wake;
    pthread_cond_t told;
    bool stopping;
    bool hurry;  /* a stripe fills up */
    bool failed; /* the last write of reads did: hurrying would not help */
    struct chore flush;
    struct chore checkpoint;
    struct audit_checkpoint last;
    bool any_last;
    struct err health;
};

static const struct hmac_key *
seal_key(const struct audit *a)
{
    return (const void *)secret_view(a->key).p;
}

/*
 * The frontier runs ahead of the database when a change was taken back after its record was
 * appended; then the number of the last stored record differs, and it is loaded again.
 */
static int
append(struct audit *a, enum audit_kind kind, struct db *db, const struct audit_record *in,
       struct err *err)
{
    struct record_room room;
    struct record r = { 0 };
    uint64_t size;

    if (tree_size(db, &size, err) < 0)
        return -1;
    if (size != a->frontier.size && tree_load(db, size, &a->frontier, err) < 0)
        return -1;
    record_take(&r, kind, in, &room);
    r.seq = (int64_t)size + 1;
    record_leaf(&r, a->epoch, r.leaf);
    record_seal(r.leaf, r.seq, seal_key(a), r.seal);
    if (record_insert(db, &r, err) < 0)
        return -1;
    return tree_add(&a->frontier, db, r.leaf, err);
}

int
audit_append(struct audit *a, struct db *db, const struct audit_record *r, struct err *err)
{
    return append(a, AUDIT_CHANGE, db, r, err);
}

struct refusal {
    struct audit *audit;
    const struct audit_record *record;
};

static int
append_refusal(struct db *db, void *arg, struct err *err)
{
    const struct refusal *r = arg;

    return append(r->audit, AUDIT_REFUSAL, db, r->record, err);
}

/* U7 */
static bool
has_share(struct audit *a, const struct audit_record *r)
{
    return !text_is(text_of(r->caller_kind), "Anonymous") ||
           strangers_take(a->strangers, r->address, clock_mono_us());
}

static void
note(struct audit *a, const struct audit_record *r)
{
    if (!reads_note(a->reads, r))
        return;
    (void)pthread_mutex_lock(&a->lock);
    a->hurry = true;
    (void)pthread_cond_signal(&a->wake);
    (void)pthread_mutex_unlock(&a->lock);
}

/* Without what a stranger can choose, so that all of them within a second are equal (U3). */
static void
count_only(struct audit *a, const struct audit_record *r)
{
    const struct audit_record counted = {
        .time_us = r->time_us,
        .caller_kind = r->caller_kind,
        .caller_id = "",
        .address = r->address,
        .action = TEXT("Holdfast.Audit/strangers/count"),
        .verdict = r->verdict,
        .status = r->status,
        .result = r->result,
        .detail = TEXT("more came from this address, where nobody had signed in, than are "
                       "recorded one by one; count says how many"),
        .duration_us = r->duration_us,
        .count = r->count,
    };

    note(a, &counted);
}

void
audit_read(struct audit *a, const struct audit_record *r)
{
    if (has_share(a, r))
        note(a, r);
    else
        count_only(a, r);
}

int
audit_refuse(struct audit *a, const struct audit_record *r, struct err *err)
{
    struct refusal refusal = { a, r };

    if (has_share(a, r))
        return database_write(a->database, append_refusal, &refusal, err);
    count_only(a, r);
    return 0;
}

static int
append_drops(struct audit *a, struct db *db, uint64_t dropped, struct err *err)
{
    const struct audit_record r = {
        .time_us = clock_now_us(),
        .caller_kind = "System",
        .caller_id = "",
        .action = TEXT("Holdfast.Audit/records/drop"),
        .result = TEXT("dropped"),
        .detail = TEXT("more different reads came within a second than could be remembered; "
                       "count says how many were not recorded"),
        .count = dropped,
    };

    return append(a, AUDIT_READ, db, &r, err);
}

static int
append_reads(struct db *db, void *arg, struct err *err)
{
    struct audit *a = arg;

    for (size_t i = 0; i < reads_count(a->reads); i++)
        if (append(a, AUDIT_READ, db, reads_at(a->reads, i), err) < 0)
            return -1;
    if (reads_dropped(a->reads) > 0)
        return append_drops(a, db, reads_dropped(a->reads), err);
    return 0;
}

/* What could not be written stays merged, and is tried again with the next round. */
static void
write_reads(struct audit *a, struct err *err)
{
    reads_drain(a->reads);
    if (reads_count(a->reads) == 0 && reads_dropped(a->reads) == 0)
        return;
    if (database_write(a->database, append_reads, a, err) == 0)
        reads_written(a->reads);
}

static void
make_checkpoint(struct audit *a, struct err *err)
{
    struct audit_checkpoint c;
    int made = checkpoint_make(a->database, a->vault, a->epoch, &c, err);

    (void)pthread_mutex_lock(&a->lock);
    a->health = *err;
    if (made == 0) {
        a->last = c;
        a->any_last = true;
    }
    (void)pthread_mutex_unlock(&a->lock);
}

static void
wait_for_work(struct audit *a)
{
    struct timespec until = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += FLUSH_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!a->stopping && (!a->hurry || a->failed) && a->flush.asked == a->flush.done &&
           a->checkpoint.asked == a->checkpoint.done)
        if (pthread_cond_timedwait(&a->wake, &a->lock, &until) != 0)
            break;
    a->hurry = false;
}

static void
finish_chore(struct audit *a, struct chore *chore, uint64_t ticket, const struct err *err)
{
    (void)pthread_mutex_lock(&a->lock);
    chore->done = ticket;
    chore->err = *err;
    a->failed = a->flush.err.kind != ERR_OK;
    (void)pthread_cond_broadcast(&a->told);
    (void)pthread_mutex_unlock(&a->lock);
}

static void *
clerk(void *arg)
{
    struct audit *a = arg;
    int64_t due_us = 0; /* the first checkpoint is made at once */
    bool stopping = false;

    while (!stopping) {
        struct err flush_err = { 0 }, checkpoint_err = { 0 };
        uint64_t flush, checkpoint;
        bool asked;

        (void)pthread_mutex_lock(&a->lock);
        if (due_us != 0)
            wait_for_work(a);
        stopping = a->stopping;
        flush = a->flush.asked;
        checkpoint = a->checkpoint.asked;
        asked = checkpoint != a->checkpoint.done;
        (void)pthread_mutex_unlock(&a->lock);

        write_reads(a, &flush_err);
        finish_chore(a, &a->flush, flush, &flush_err);
        if (!stopping && !asked && clock_mono_us() < due_us)
            continue;
        make_checkpoint(a, &checkpoint_err);
        finish_chore(a, &a->checkpoint, checkpoint, &checkpoint_err);
        due_us = clock_mono_us() + (int64_t)AUDIT_CHECKPOINT_S * 1000000;
    }
    return NULL;
}

/* Ask for a chore and wait until a round that began after the call is over. */
static int
have_done(struct audit *a, struct chore *chore, struct err *err)
{
    uint64_t ticket;

    (void)pthread_mutex_lock(&a->lock);
    ticket = ++chore->asked;
    (void)pthread_cond_signal(&a->wake);
    while (chore->done < ticket)
        (void)pthread_cond_wait(&a->told, &a->lock);
    if (chore->err.kind != ERR_OK)
        *err = chore->err;
    (void)pthread_mutex_unlock(&a->lock);
    return err->kind == ERR_OK ? 0 : -1;
}

int
audit_flush(struct audit *a, struct err *err)
{
    return have_done(a, &a->flush, err);
}

int
audit_checkpoint(struct audit *a, struct audit_checkpoint *out, struct err *err)
{
    bool any;

    if (have_done(a, &a->checkpoint, err) < 0)
        return -1;
    (void)pthread_mutex_lock(&a->lock);
    any = a->any_last;
    if (any)
        *out = a->last;
    (void)pthread_mutex_unlock(&a->lock);
    return any ? 0 : err_set(err, ERR_NOT_FOUND, "there are no audit records yet");
}

int
audit_health(struct audit *a, struct err *err)
{
    (void)pthread_mutex_lock(&a->lock);
    if (a->health.kind != ERR_OK)
        *err = a->health;
    (void)pthread_mutex_unlock(&a->lock);
    return err->kind == ERR_OK ? 0 : -1;
}

int
audit_verify(struct audit *a, const struct audit_checkpoint *kept, audit_found *found, void *arg,
             struct audit_report *report, struct err *err)
{
    OWN_BUF(public_key, PUBLIC_KEY_MAX);
    struct audit_evidence e = {
        .database = a->database, .key = seal_key(a), .vault = a->vault, .kept = kept
    };

    if (vault_public_key(a->vault, VAULT_KEY_CHECKPOINT, &public_key, err) < 0 ||
        buf_check(&public_key, err) < 0)
        return -1;
    e.public_key = buf_view(&public_key);
    return audit_examine(&e, found, arg, report, err);
}

int
audit_public_key(struct audit *a, struct buf *out, struct err *err)
{
    return vault_public_key(a->vault, VAULT_KEY_CHECKPOINT, out, err);
}

static int
open_epoch(struct db *db, void *arg, struct err *err)
{
    struct audit *a = arg;
    DB_ROWS(rows);
    int found =
        db_one(db, &rows, err, "SELECT id FROM audit_epoch ORDER BY first_seq DESC LIMIT 1");

    if (found < 0)
        return -1;
    if (found > 0)
        return text_copy(db_text(&rows, 0), a->epoch, sizeof(a->epoch))
                   ? 0
                   : err_set(err, ERR_CORRUPT, "the name of the audit log's epoch is damaged");
    id_new(a->epoch);
    return db_run(db, err,
                  "INSERT INTO audit_epoch(first_seq, id, opened_at_us, reason)"
                  " VALUES(1, $1, $2, 'first start')",
                  DB_STR(a->epoch), DB_INT(clock_now_us())) < 0
               ? -1
               : 0;
}

static int
take_key(struct audit *a, struct err *err)
{
    OWN(secret) key = NULL;

    if (vault_audit_key(a->vault, &key, err) < 0)
        return -1;
    if ((a->key = secret_new(NULL, sizeof(struct hmac_key))) == NULL)
        return err_memory(err);
    hmac_key_init((void *)secret_bytes(a->key), secret_view(key));
    return 0;
}

static int
start_clerk(struct audit *a, struct err *err)
{
    pthread_condattr_t monotonic;
    int failed;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->wake, &monotonic);
    (void)pthread_cond_init(&a->told, NULL);
    (void)pthread_condattr_destroy(&monotonic);
    if ((failed = pthread_create(&a->clerk, NULL, clerk, a)) != 0)
        return err_sys(err, failed, "the audit log's thread could not be started");
    a->started = true;
    return 0;
}

/* A log that vaultd's last checkpoint does not fit is served all the same, and says so. */
static int
look_at_health(struct audit *a, struct err *err)
{
    if (checkpoint_extends(database_reader(a->database), a->vault, a->epoch, &a->health) == 0)
        return 0;
    if (a->health.kind == ERR_CONFLICT || a->health.kind == ERR_CORRUPT)
        return 0;
    *err = a->health;
    return -1;
}

static int
build(struct audit *a, struct err *err)
{
    if ((a->reads = reads_new()) == NULL || (a->strangers = strangers_new()) == NULL)
        return err_memory(err);
    if (take_key(a, err) < 0 || database_write(a->database, open_epoch, a, err) < 0 ||
        look_at_health(a, err) < 0)
        return -1;
    return start_clerk(a, err);
}

struct audit *
audit_open(struct database *database, struct vault *vault, struct err *err)
{
    struct audit *a = mem_zalloc(sizeof(*a));

    if (a == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    a->database = database;
    a->vault = vault;
    if (build(a, err) < 0) {
        audit_free(a);
        return NULL;
    }
    return a;
}

void
audit_free(struct audit *a)
{
    if (a == NULL)
        return;
    if (a->started) {
        (void)pthread_mutex_lock(&a->lock);
        a->stopping = true;
        (void)pthread_cond_signal(&a->wake);
        (void)pthread_mutex_unlock(&a->lock);
        (void)pthread_join(a->clerk, NULL);
        (void)pthread_cond_destroy(&a->wake);
        (void)pthread_cond_destroy(&a->told);
        (void)pthread_mutex_destroy(&a->lock);
    }
    reads_free(a->reads);
    strangers_free(a->strangers);
    secret_free(a->key);
    mem_free(a);
}
