/*
 * audit.h - decision records: who asked what from where, what decided, and what came of it.
 *
 * Invariants:
 *   U1  a change and its record are one transaction: neither is durable without the other;
 *   U2  a refusal is durable before it is answered (but U7); a read may be lost in the last second
 *       before a crash, never otherwise, and a drop is counted in a record of its own;
 *   U3  equal reads within a second (caller, address, action, scope, digest, verdict, rule) are one
 *       record with a count;
 *   U4  records are numbered from 1 without gaps; record n is leaf n-1 of an RFC 6962 tree, and
 *       carries a seal that only the holder of vaultd's audit key can make;
 *   U5  altering, removing or inserting a record is found by audit_verify(), which names it;
 *   U6  a checkpoint that was signed is extended by every later one of the same epoch;
 *   U7  who has not signed in cannot fill the disk: beyond an address's share (strangers.h) their
 *       refusals are counted by status and result, in records written as those of reads are.
 * A clock that jumps does no harm: the order of records is their number, time is only shown.
 * Threads: audit_append() only inside a change; the others from any thread.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "base/own.h"
#include "base/text.h"
#include "store/database.h"
#include "vault/vault.h"

struct audit;

#define AUDIT_CHECKPOINT_S 60 /* a signed checkpoint at least so often, when there is news */

extern const struct migration audit_migrations[];

/* How a record came about. */
enum audit_kind {
    AUDIT_CHANGE,  /* audit_append() */
    AUDIT_REFUSAL, /* audit_refuse() */
    AUDIT_READ,    /* audit_read() */
};

enum audit_verdict {
    AUDIT_ALLOWED,
    AUDIT_REFUSED,    /* by identity, network, access or policy */
    AUDIT_CHALLENGED, /* no credentials yet; batched as a read is */
};

/* Everything is borrowed for the time of the call. */
struct audit_record {
    int64_t time_us;
    const char *request_id;  /* or NULL */
    const char *caller_kind; /* "User", "ServicePrincipal", "Anonymous", "System" */
    const char *caller_id;
    struct text caller_name;
    struct text address;
    struct text action; /* Azure action string, or "Holdfast/..." for our own */
    struct text scope;  /* resource id */
    enum audit_verdict verdict;
    struct text rule;     /* id of the assignment or rule that decided; empty: deny by default */
    struct text role;     /* its name, for people */
    int64_t rule_version; /* version of the snapshot it was decided in */
    int status;           /* HTTP status, or 0 */
    struct text result;   /* "succeeded", or the error code */
    const struct digest *digest; /* of the content concerned, or NULL */
    struct text target;          /* what within the scope: "app:1", "web/logs"; may be empty */
    struct text detail;          /* one line for people: no secrets */
    int64_t duration_us;
    uint64_t count; /* equal records merged; 1 or more */
};

MUST_CHECK struct audit *audit_open(struct database *database, struct vault *vault,
                                    struct err *err);
void audit_free(struct audit *audit); /* flushes the reads and signs a last checkpoint */
DEFINE_OWN(audit);

/* audit_append(a, db, r, err): in the change that ${db} is running (U1). */
MUST_CHECK int audit_append(struct audit *audit, struct db *db, const struct audit_record *r,
                            struct err *err);

/* audit_refuse(a, r, err): a change of its own; returns when durable (U2). */
MUST_CHECK int audit_refuse(struct audit *audit, const struct audit_record *r, struct err *err);

/*
 * audit_read(a, r): remember a read; merged and written within a second (U2, U3).  Allocates
 * nothing and does not wait for the disk, so loop threads may call it.
 */
void audit_read(struct audit *audit, const struct audit_record *r);

/* audit_flush(a, err): return when every read remembered so far is durable. */
MUST_CHECK int audit_flush(struct audit *audit, struct err *err);

/* A signed tree head: what somebody may keep elsewhere (vault/checkpoint_note.h is its text). */
struct audit_checkpoint {
    char epoch[ID_LEN + 1];
    uint64_t size;
    uint8_t root[VAULT_ROOT_LEN];
    int64_t time_us;
    uint8_t signature[VAULT_SIGNATURE_MAX];
    size_t n_signature;
};

/*
 * audit_checkpoint(a, out, err): make one of all records that are durable now.  It is made anyway
 * every AUDIT_CHECKPOINT_S seconds when there is something new, at start and at the end.
 * ERR_CONFLICT when vaultd refuses: the database was cut, changed or restored (see audit_health()).
 */
MUST_CHECK int audit_checkpoint(struct audit *audit, struct audit_checkpoint *out, struct err *err);

/* audit_public_key(a, out, err): what checks a checkpoint: SubjectPublicKeyInfo, DER; appended. */
MUST_CHECK int audit_public_key(struct audit *audit, struct buf *out, struct err *err);

/*
 * audit_health(a, err): 0, or -1 when the log does not extend what vaultd signed before, or the
 * last checkpoint could not be made; ${err} says what to do.  Records are still written.
 */
MUST_CHECK int audit_health(struct audit *audit, struct err *err);

#endif /* AUDIT_AUDIT_H */
