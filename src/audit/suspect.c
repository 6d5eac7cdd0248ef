#include "audit/suspect.h"

#include <stdio.h>
#include <string.h>

#define NEAR 64 /* a moved record is looked for this far away before everywhere */

const char *
suspect_epoch_of(const struct suspect_court *c, int64_t seq)
{
    const char *id = "";

    for (size_t i = 0; i < c->n_epochs; i++)
        if (c->epochs[i].first_seq <= seq)
            id = c->epochs[i].id;
    return id;
}

static void
leaf_under(const struct suspect_court *c, const struct record *r, int64_t number,
           uint8_t leaf[static MERKLE_LEN])
{
    struct record as = *r;

    as.seq = number;
    record_leaf(&as, suspect_epoch_of(c, number), leaf);
}

static bool
sealed(const struct suspect_court *c, const struct record *r, const uint8_t *leaf, int64_t number)
{
    uint8_t seal[HMAC_LEN];

    if (c->key == NULL)
        return memcmp(leaf, r->leaf, MERKLE_LEN) == 0; /* then the hash is all there is */
    record_seal(leaf, number, c->key, seal);
    return memcmp(seal, r->seal, HMAC_LEN) == 0;
}

static bool
gives_leaf(struct suspect_court *c, const struct record *r, int64_t number)
{
    uint8_t leaf[MERKLE_LEN];

    if (c->spent >= SUSPECT_GUESSES)
        return false;
    c->spent++;
    leaf_under(c, r, number, leaf);
    return memcmp(leaf, r->leaf, MERKLE_LEN) == 0;
}

static bool
was_under(struct suspect_court *c, const struct record *r, int64_t number)
{
    return number > 0 && number != r->seq && gives_leaf(c, r, number) &&
           sealed(c, r, r->leaf, number);
}

/* The number a record was written under, from near to far; 0 when none fits. */
static int64_t
number_of(struct suspect_court *c, const struct record *r)
{
    for (int64_t d = 1; d <= NEAR; d++) {
        if (was_under(c, r, r->seq - d))
            return r->seq - d;
        if (was_under(c, r, r->seq + d))
            return r->seq + d;
    }
    for (int64_t n = 1; n <= (int64_t)c->size + NEAR && c->spent < SUSPECT_GUESSES; n++)
        if (was_under(c, r, n))
            return n;
    return 0;
}

/* Texts that have few values. */
static const struct {
    enum record_text column;
    const char *value;
} likely[] = {
    { RECORD_KIND, "change" },
    { RECORD_KIND, "refusal" },
    { RECORD_KIND, "read" },
    { RECORD_VERDICT, "allowed" },
    { RECORD_VERDICT, "refused" },
    { RECORD_VERDICT, "challenged" },
    { RECORD_CALLER_KIND, "User" },
    { RECORD_CALLER_KIND, "ServicePrincipal" },
    { RECORD_CALLER_KIND, "Anonymous" },
    { RECORD_CALLER_KIND, "System" },
    { RECORD_RESULT, "succeeded" },
    { RECORD_RESULT, "DENIED" },
    { RECORD_RESULT, "UNAUTHORIZED" },
};

static const struct {
    enum record_number column;
    int64_t max;
} small[] = {
    { RECORD_STATUS, 599 },
    { RECORD_COUNT, 10000 },
    { RECORD_RULE_VERSION, 10000 },
    { RECORD_DURATION, 100000 },
};

static bool
text_was(struct suspect_court *c, const struct record *r, int64_t number, enum record_text column,
         struct text value, struct suspect_finding *out)
{
    struct record as = *r;

    as.texts[column] = value;
    if (text_equal(r->texts[column], value) || !gives_leaf(c, &as, number))
        return false;
    out->column = record_text_name(column);
    (void)snprintf(out->was, sizeof(out->was), "\"%.*s\"", TEXT_ARG(text_first(value, 150)));
    return true;
}

static bool
text_found(struct suspect_court *c, const struct record *r, int64_t number,
           struct suspect_finding *out)
{
    for (size_t i = 0; i < sizeof(likely) / sizeof(likely[0]); i++)
        if (text_was(c, r, number, likely[i].column, text_of(likely[i].value), out))
            return true;
    for (int column = 0; column < RECORD_TEXTS; column++) {
        if (text_was(c, r, number, (enum record_text)column, TEXT(""), out))
            return true;
        for (size_t i = 0; i < c->n_recent; i++)
            if (text_was(c, r, number, (enum record_text)column, c->recent[i].texts[column], out))
                return true;
    }
    return false;
}

static bool
number_found(struct suspect_court *c, const struct record *r, int64_t number,
             struct suspect_finding *out)
{
    struct record as = *r;

    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
        enum record_number column = small[i].column;

        for (int64_t v = 0; v <= small[i].max; v++) {
            as.numbers[column] = v;
            if (!gives_leaf(c, &as, number))
                continue;
            out->column = record_number_name(column);
            (void)snprintf(out->was, sizeof(out->was), "%lld", (long long)v);
            return true;
        }
        as.numbers[column] = r->numbers[column];
    }
    return false;
}

/* The true hash is known: which single value gives it back? */
static void
guess_column(struct suspect_court *c, const struct record *r, int64_t number,
             struct suspect_finding *out)
{
    if (!text_found(c, r, number, out))
        (void)number_found(c, r, number, out);
}

static void
remember(struct suspect_court *c, const struct record *r)
{
    size_t at = (size_t)r->seq % SUSPECT_RECENT;
    struct record *copy = &c->recent[at];
    struct record_room *room = &c->rooms[at];

    *copy = *r;
    room->n = 0;
    for (int i = 0; i < RECORD_TEXTS; i++) {
        struct text t = text_first(r->texts[i], sizeof(room->bytes) - room->n);

        if (t.n > 0)
            memcpy(room->bytes + room->n, t.p, t.n);
        copy->texts[i] = text_from(room->bytes + room->n, t.n);
        room->n += t.n;
    }
    if (c->n_recent < SUSPECT_RECENT)
        c->n_recent = at + 1 > c->n_recent ? at + 1 : c->n_recent;
}

static void
judge_suspect(struct suspect_court *c, const struct record *r, const uint8_t *own, bool same_leaf,
              struct suspect_finding *out)
{
    int64_t number;

    if (c->key != NULL && !same_leaf && sealed(c, r, r->leaf, out->number)) {
        out->verdict = SUSPECT_CONTENTS;
        memcpy(out->leaf, r->leaf, MERKLE_LEN);
        guess_column(c, r, out->number, out);
        return;
    }
    if (!same_leaf && (number = number_of(c, r)) != 0) {
        out->verdict = SUSPECT_MOVED;
        out->number = number;
        memcpy(out->leaf, r->leaf, MERKLE_LEN);
        return;
    }
    out->verdict = same_leaf ? SUSPECT_SEAL : SUSPECT_WRONG;
    memcpy(out->leaf, own, MERKLE_LEN);
}

void
suspect_judge(struct suspect_court *c, const struct record *r, int64_t shift,
              struct suspect_finding *out)
{
    uint8_t own[MERKLE_LEN];
    bool same_leaf;

    *out = (struct suspect_finding){ .number = r->seq - shift };
    leaf_under(c, r, out->number, own);
    same_leaf = memcmp(own, r->leaf, MERKLE_LEN) == 0;
    if (!sealed(c, r, own, out->number)) {
        judge_suspect(c, r, own, same_leaf, out);
        return;
    }
    memcpy(out->leaf, own, MERKLE_LEN);
    out->verdict = same_leaf ? SUSPECT_GENUINE : SUSPECT_LEAF;
    if (same_leaf)
        remember(c, r);
}
