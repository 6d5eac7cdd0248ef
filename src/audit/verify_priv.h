/* verify_priv.h - the walk over the log, shared by verify.c, walk_settle.c and walk_signed.c. */
#ifndef AUDIT_VERIFY_PRIV_H
#define AUDIT_VERIFY_PRIV_H

#include <inttypes.h>

#include "audit/suspect.h"
#include "audit/verify.h"

#define RUN_MAX 64

/* A record that does not fit waits here until the next ones tell what happened around it. */
struct waiting {
    int64_t seq;
    struct suspect_finding judged;
};

/* Records with a foreign seal wait for a signed root, which says whether their contents stand. */
struct unsealed {
    int64_t seq[RUN_MAX];
    size_t n;
};

/* A root that vaultd or somebody else kept, and what the walk found in its place. */
struct claim {
    bool any;
    const char *who;
    char epoch[ID_LEN + 1];
    uint64_t size;
    uint8_t root[MERKLE_LEN];
    bool seen; /* the walk came there: */
    bool same;
};

enum { CLAIM_VAULT, CLAIM_KEPT, CLAIMS };

struct walk {
    const struct audit_evidence *evidence;
    audit_found *found;
    void *arg;
    struct audit_report *report;
    struct db *db;
    struct suspect_court court;
    struct merkle_frontier tree;
    bool broken;       /* the tree cannot be followed further: a record or its place is lost */
    int64_t shift;     /* number it stands under - number it was written under */
    int64_t next;      /* number expected to stand next */
    int64_t after_seq; /* the last one looked at */
    struct waiting run[RUN_MAX];
    size_t n_run;
    struct unsealed unsealed;
    struct audit_checkpoint mark; /* the next stored checkpoint */
    bool any_mark;
    struct claim claims[CLAIMS];
};

/* walk_say(w, err, fault, first, last, column, fmt...): one finding. */
MUST_CHECK int walk_say(struct walk *w, struct err *err, enum audit_fault fault, int64_t first,
                        int64_t last, const char *column, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));

/* walk_feed(w, leaf, err): a leaf in its place: the tree grows, and a signed root may be due. */
MUST_CHECK int walk_feed(struct walk *w, const uint8_t leaf[static MERKLE_LEN], struct err *err);

/* walk_settle.c: records that do not fit, and what happened around them. */
MUST_CHECK int walk_report_altered(struct walk *w, int64_t seq, const struct suspect_finding *j,
                                   struct err *err);
MUST_CHECK int walk_wait(struct walk *w, int64_t seq, const struct suspect_finding *j,
                         struct err *err);
MUST_CHECK int walk_settle_run(struct walk *w, struct err *err);
MUST_CHECK int walk_settle_unsealed(struct walk *w, bool contents_stand, struct err *err);
MUST_CHECK int walk_end_run(struct walk *w, struct err *err);
MUST_CHECK int walk_end_unsealed(struct walk *w, struct err *err);

/* walk_signed.c: stored checkpoints ("marks") and roots that others remember ("claims"). */
MUST_CHECK int walk_load_mark(struct walk *w, uint64_t after, struct err *err);
MUST_CHECK int walk_check_mark(struct walk *w, struct err *err);
MUST_CHECK int walk_check_marks_behind(struct walk *w, struct err *err);
MUST_CHECK int walk_gather_claims(struct walk *w, struct err *err);
void walk_compare_claims(struct walk *w);
MUST_CHECK int walk_check_claim(struct walk *w, const struct claim *c, struct err *err);

#endif /* AUDIT_VERIFY_PRIV_H */
