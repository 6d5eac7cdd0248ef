/*
 * verify.h - is the log what it was?  Every record, hash, seal, node and checkpoint is looked at.
 *
 * Invariants:
 *   V1  a log that nobody touched gives no finding, whatever runs meanwhile;
 *   V2  a record that was altered, removed, inserted or moved is named by its number, and so is the
 *       column where it can be told;
 *   V3  records that were written after a finding are still judged each by its own seal;
 *   V4  memory is bounded, pages are short: neither the writer nor a checkpoint waits for it.
 * Threads: from any thread; reads only.
 */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/audit.h"
#include "base/err.h"
#include "base/text.h"

enum audit_fault {
    AUDIT_ALTERED,
    AUDIT_REMOVED,
    AUDIT_INSERTED,
    AUDIT_MOVED,      /* written under another number */
    AUDIT_TRUNCATED,  /* the end is missing */
    AUDIT_CHECKPOINT, /* a checkpoint that was not signed, or that the log does not fit */
    AUDIT_TREE,       /* a stored node of the tree is not what the records give */
};

const char *audit_fault_name(enum audit_fault fault);

struct audit_finding {
    enum audit_fault fault;
    uint64_t first; /* numbers of the records concerned */
    uint64_t last;
    const char *column; /* static; NULL when it cannot be told */
    char text[400];     /* one sentence for people */
};

struct audit_report {
    uint64_t records;     /* looked at */
    uint64_t checkpoints; /* whose signature and root hold */
    uint64_t findings;
    bool any_last; /* the newest checkpoint that holds */
    struct audit_checkpoint last;
};

typedef int audit_found(void *arg, const struct audit_finding *finding, struct err *err);

/*
 * audit_verify(a, kept, found, arg, report, err): go through the whole log.  ${kept} (or NULL) is a
 * checkpoint that somebody kept elsewhere: the log must extend it.  -1 only when it could not
 * be looked at; what was found is in the report.
 */
MUST_CHECK int audit_verify(struct audit *audit, const struct audit_checkpoint *kept,
                            audit_found *found, void *arg, struct audit_report *report,
                            struct err *err);

/* The same for those who hold the parts: ${key} NULL leaves seals out, ${vault} NULL its memory. */
struct audit_evidence {
    struct database *database;
    const struct hmac_key *key;
    struct text public_key; /* SubjectPublicKeyInfo, DER */
    struct vault *vault;
    const struct audit_checkpoint *kept;
};

MUST_CHECK int audit_examine(const struct audit_evidence *e, audit_found *found, void *arg,
                             struct audit_report *report, struct err *err);

#endif /* AUDIT_VERIFY_H */
