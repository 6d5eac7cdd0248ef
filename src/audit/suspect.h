/*
 * suspect.h - one record that does not fit: what happened to it?
 *
 * The seal says what is true: it covers a leaf hash and a number.  Contents that give that hash
 * under that number are genuine.
 */
#ifndef AUDIT_SUSPECT_H
#define AUDIT_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/record.h"
#include "base/err.h"

#define SUSPECT_EPOCHS_MAX 64
#define SUSPECT_GUESSES    4000000 /* hashes spent on finding out, for a whole log */
#define SUSPECT_RECENT     8       /* records whose values are tried */

struct suspect_epoch {
    int64_t first_seq;
    char id[ID_LEN + 1];
};

/* What judging needs; zeroed, then filled by the walk. */
struct suspect_court {
    const struct hmac_key *key; /* NULL: seals cannot be judged */
    struct suspect_epoch epochs[SUSPECT_EPOCHS_MAX];
    size_t n_epochs;
    uint64_t size;  /* of the log: numbers worth trying */
    uint64_t spent; /* of SUSPECT_GUESSES */
    struct record recent[SUSPECT_RECENT];
    struct record_room rooms[SUSPECT_RECENT];
    size_t n_recent;
};

enum suspect_verdict {
    SUSPECT_GENUINE,
    SUSPECT_LEAF,     /* contents and seal agree: the stored hash was changed */
    SUSPECT_CONTENTS, /* hash and seal agree: the contents were changed */
    SUSPECT_MOVED,    /* all agree, under another number */
    SUSPECT_SEAL,     /* contents and hash agree, the seal does not: hashed again, or a new seal */
    SUSPECT_WRONG,    /* nothing agrees */
};

struct suspect_finding {
    enum suspect_verdict verdict;
    int64_t number;           /* the number it was written under */
    uint8_t leaf[MERKLE_LEN]; /* the true one where that is known, else that of the contents */
    const char *column;       /* static, or NULL */
    char was[160];            /* what stood in the column; empty when it cannot be told */
};

/* suspect_judge(c, r, shift, out): ${r} is expected to have been written under r->seq - shift. */
void suspect_judge(struct suspect_court *c, const struct record *r, int64_t shift,
                   struct suspect_finding *out);

const char *suspect_epoch_of(const struct suspect_court *c, int64_t seq);

#endif /* AUDIT_SUSPECT_H */
