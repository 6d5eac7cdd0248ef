/* log.h - an audit log for one test: a scratch folder, a real vaultd on a thread, a database. */
#ifndef TEST_AUDIT_LOG_H
#define TEST_AUDIT_LOG_H

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "store/database.h"
#include "vault/signer.h"
#include "vault/vault.h"

static const struct migration test_steps[] = {
    { "test", 1, "CREATE TABLE thing(id BIGINT NOT NULL PRIMARY KEY)" },
    { NULL, 0, NULL },
};
/* Tests of rooms above audit add theirs before they include this. */
#ifndef LOG_MORE_SETS
#define LOG_MORE_SETS
#endif
static const struct migration *const test_sets[] = { audit_migrations, test_steps,
                                                     LOG_MORE_SETS NULL };

struct log {
    char dir[64];
    char path[96];
    int keys; /* vaultd's folder */
    pthread_t vaultd;
    int vault_end; /* of the channel, vaultd's */
    struct vault *vault;
    struct database *database;
    struct audit *audit;
};

static inline int
log_must_(const struct err *err, int r, const char *call, int line)
{
    if (r < 0) {
        fprintf(stderr, "line %d: %s: %s: %s (%s)\n", line, call, err_kind_name(err->kind),
                err->msg, err->detail);
        abort();
    }
    return r;
}
#define MUST(err, call) log_must_((err), (call), #call, __LINE__)

static inline void *
log_vaultd_(void *arg)
{
    struct log *l = arg;
    struct err err = { 0 };

    if (signer_serve(l->vault_end, l->keys, NULL, &err) < 0)
        fprintf(stderr, "vaultd: %s\n", err.msg);
    return NULL;
}

static inline void
log_start_vault(struct log *l)
{
    struct err err = { 0 };
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        abort();
    l->vault_end = ends[1];
    if (pthread_create(&l->vaultd, NULL, log_vaultd_, l) != 0)
        abort();
    l->vault = vault_connect(ends[0], &err);
    MUST(&err, l->vault != NULL ? 0 : -1);
}

static inline void
log_stop_vault(struct log *l)
{
    vault_free(l->vault);
    l->vault = NULL;
    (void)pthread_join(l->vaultd, NULL);
}

/* Without the audit room: to tamper with the database, or to look at it. */
static inline void
log_open_database(struct log *l)
{
    struct err err = { 0 };

    l->database = database_open(l->path, test_sets, &err);
    MUST(&err, l->database != NULL ? 0 : -1);
}

static inline void
log_open(struct log *l)
{
    struct err err = { 0 };

    log_start_vault(l);
    log_open_database(l);
    l->audit = audit_open(l->database, l->vault, &err);
    MUST(&err, l->audit != NULL ? 0 : -1);
}

static inline void
log_close(struct log *l)
{
    audit_free(l->audit);
    l->audit = NULL;
    database_free(l->database);
    l->database = NULL;
    log_stop_vault(l);
}

/* Keys are slow to make: one set is made per process, every log's folder links to its files. */
static inline char *
log_template_(void)
{
    static char dir[64];

    return dir;
}

static inline int
log_remove_(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void
log_remove_template_(void)
{
    (void)nftw(log_template_(), log_remove_, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
log_make_template_(void)
{
    struct log l = { 0 };

    (void)snprintf(log_template_(), 64, "/tmp/holdfast-audit-XXXXXX");
    if (mkdtemp(log_template_()) == NULL ||
        (l.keys = open(log_template_(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        abort();
    (void)atexit(log_remove_template_);
    log_start_vault(&l);
    log_stop_vault(&l);
    (void)close(l.keys);
}

static inline void
log_link_keys_(const struct log *l)
{
    static const char *const files[] = { "token-es256.key", "token-rs256.key", "checkpoint.key",
                                         "audit.key", "complete" };
    char from[128];

    if (log_template_()[0] == '\0')
        log_make_template_();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(from, sizeof(from), "%s/%s", log_template_(), files[i]);
        if (linkat(AT_FDCWD, from, l->keys, files[i], 0) < 0)
            abort();
    }
}

static inline void
log_make(struct log *l)
{
    char keys[96];

    memset(l, 0, sizeof(*l));
    (void)text_copy(TEXT("/tmp/holdfast-audit-XXXXXX"), l->dir, sizeof(l->dir));
    if (mkdtemp(l->dir) == NULL)
        abort();
    (void)snprintf(l->path, sizeof(l->path), "%s/log.db", l->dir);
    (void)snprintf(keys, sizeof(keys), "%s/keys", l->dir);
    if (mkdir(keys, 0700) < 0 || (l->keys = open(keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        abort();
    log_link_keys_(l);
    log_open(l);
}

static inline void
log_done(struct log *l)
{
    if (l->database != NULL)
        log_close(l);
    (void)close(l->keys);
    (void)nftw(l->dir, log_remove_, 16, FTW_DEPTH | FTW_PHYS);
}

#define LOG_OF_TEST(name)                                                                          \
    __attribute__((cleanup(log_done))) struct log name;                                            \
    log_make(&name)

static inline struct audit_record
log_record(const char *scope)
{
    return (struct audit_record){
        .time_us = 1763830998000000,
        .request_id = "0b7c6a0e-45c5-4c5c-9d56-000000000001",
        .caller_kind = "User",
        .caller_id = "0b7c6a0e-45c5-4c5c-9d56-000000000002",
        .caller_name = TEXT("admin"),
        .address = TEXT("127.0.0.1"),
        .action = TEXT("Microsoft.ContainerRegistry/registries/pull/read"),
        .scope = text_of(scope),
        .verdict = AUDIT_ALLOWED,
        .rule = TEXT("0b7c6a0e-45c5-4c5c-9d56-000000000003"),
        .role = TEXT("Owner"),
        .rule_version = 7,
        .status = 200,
        .result = TEXT("succeeded"),
        .target = TEXT("app:1"),
        .detail = TEXT("a line for people"),
        .duration_us = 250,
        .count = 1,
    };
}

struct log_append {
    struct audit *audit;
    const struct audit_record *record;
    int times;
    int fail_after; /* the change fails behind its records */
};

static inline int
log_append_(struct db *db, void *arg, struct err *err)
{
    const struct log_append *a = arg;

    for (int i = 0; i < a->times; i++)
        if (audit_append(a->audit, db, a->record, err) < 0)
            return -1;
    return a->fail_after ? err_set(err, ERR_INVALID, "the change fails") : 0;
}

/* ${times} changes in one transaction. */
static inline void
log_changes(struct log *l, int times)
{
    const struct audit_record r = log_record("/subscriptions/S");
    struct log_append a = { l->audit, &r, times, 0 };
    struct err err = { 0 };

    MUST(&err, database_write(l->database, log_append_, &a, &err));
}

/* ${times} records that are no changes. */
static inline void
log_refuse(struct log *l, int times)
{
    struct audit_record r = log_record("/subscriptions/S");
    struct err err = { 0 };

    r.verdict = AUDIT_REFUSED;
    r.status = 403;
    r.result = TEXT("AuthorizationFailed");
    for (int i = 0; i < times; i++)
        MUST(&err, audit_refuse(l->audit, &r, &err));
}

static inline int64_t
log_number(struct log *l, const char *sql)
{
    struct err err = { 0 };
    DB_ROWS(rows);

    return MUST(&err, db_one(database_reader(l->database), &rows, &err, sql)) > 0 ? db_int(&rows, 0)
                                                                                  : -1;
}

static inline int
log_sql_(struct db *db, void *arg, struct err *err)
{
    return db_run(db, err, (const char *)arg) < 0 ? -1 : 0;
}

/* What somebody with the database file can do. */
static inline void
log_sql(struct log *l, const char *sql)
{
    struct err err = { 0 };

    MUST(&err, database_write(l->database, log_sql_, (void *)(uintptr_t)sql, &err));
}

#endif /* TEST_AUDIT_LOG_H */
