/* walk_settle.c - records that do not fit, and what happened around them. */
#include <string.h>

#include "audit/verify_priv.h"
#include "store/db.h"

/* A signed root decided on the records whose seals are foreign. */
int
walk_settle_unsealed(struct walk *w, bool contents_stand, struct err *err)
{
    struct unsealed u = w->unsealed;

    w->unsealed.n = 0;
    for (size_t i = 0; i < u.n; i++)
        if ((contents_stand
                 ? walk_say(w, err, AUDIT_ALTERED, u.seq[i], u.seq[i], "seal",
                            "record %" PRId64 ": its seal was altered; its contents are those that "
                            "were signed",
                            u.seq[i])
                 : walk_say(w, err, AUDIT_ALTERED, u.seq[i], u.seq[i], NULL,
                            "record %" PRId64
                            " was altered and hashed again by somebody without the "
                            "seal's key",
                            u.seq[i])) < 0)
            return -1;
    return 0;
}

int
walk_report_altered(struct walk *w, int64_t seq, const struct suspect_finding *j, struct err *err)
{
    if (j->verdict == SUSPECT_LEAF)
        return walk_say(w, err, AUDIT_ALTERED, seq, seq, "leaf",
                        "record %" PRId64 ": its stored hash was altered; its contents are genuine",
                        seq);
    if (j->column != NULL)
        return walk_say(w, err, AUDIT_ALTERED, seq, seq, j->column,
                        "record %" PRId64 " was altered: %s was %s", seq, j->column, j->was);
    return walk_say(
        w, err, AUDIT_ALTERED, seq, seq, NULL,
        "record %" PRId64 " was altered: its contents are not those it was written with", seq);
}

static int
add_unsealed(struct walk *w, int64_t seq, struct err *err)
{
    if (w->unsealed.n == RUN_MAX && walk_settle_unsealed(w, false, err) < 0)
        return -1;
    w->unsealed.seq[w->unsealed.n++] = seq;
    return 0;
}

/* Does the record of this number stand where it belongs?  Then the other one is a copy. */
static int
stands_genuine(struct walk *w, int64_t number, bool *out, struct err *err)
{
    struct suspect_finding j;
    struct record r;
    DB_ROWS(rows);
    int found =
        db_one(w->db, &rows, err, "SELECT " RECORD_COLUMNS " FROM audit_record WHERE seq = $1",
               DB_INT(number));

    if (found < 0)
        return -1;
    *out = false;
    if (found == 0)
        return 0;
    (void)record_row(&rows, &r);
    suspect_judge(&w->court, &r, 0, &j);
    *out = j.verdict == SUSPECT_GENUINE;
    return 0;
}

static int
settle_moved(struct walk *w, int64_t seq, int64_t number, struct err *err)
{
    bool copy;

    if (stands_genuine(w, number, &copy, err) < 0)
        return -1;
    if (copy)
        return walk_say(w, err, AUDIT_INSERTED, seq, seq, NULL,
                        "record %" PRId64 " was inserted: it is a copy of record %" PRId64, seq,
                        number);
    return walk_say(w, err, AUDIT_MOVED, seq, seq, NULL,
                    "under number %" PRId64 " stands the record that was written as %" PRId64, seq,
                    number);
}

/* One waiting record on its own: nothing around it explains it. */
static int
settle_one(struct walk *w, const struct waiting *one, struct err *err)
{
    const struct suspect_finding *j = &one->judged;

    if (j->verdict == SUSPECT_SEAL)
        return add_unsealed(w, one->seq, err) < 0 ? -1 : walk_feed(w, j->leaf, err);
    w->broken = true;
    if (j->verdict == SUSPECT_MOVED)
        return settle_moved(w, one->seq, j->number, err);
    return walk_report_altered(w, one->seq, j, err);
}

int
walk_settle_run(struct walk *w, struct err *err)
{
    size_t n = w->n_run;

    w->n_run = 0;
    for (size_t i = 0; i < n; i++)
        if (settle_one(w, &w->run[i], err) < 0)
            return -1;
    return 0;
}

/*
 * The waiting record ${from} and those behind it were all moved by the same distance: what stood
 * before them was inserted, or something between was removed and the rest renumbered.
 */
static int
settle_shift(struct walk *w, size_t from, struct err *err)
{
    int64_t begins = w->run[from].seq, was = w->run[from].judged.number;
    int64_t expected = w->run[0].seq - w->shift; /* number that was to come where the run began */
    size_t n = w->n_run;

    w->n_run = 0;
    if (was == expected && from > 0 &&
        walk_say(w, err, AUDIT_INSERTED, w->run[0].seq, begins - 1, NULL,
                 "record %" PRId64 " was inserted%s, and those behind were numbered anew",
                 w->run[0].seq, from > 1 ? " with the next ones" : "") < 0)
        return -1;
    if (was > expected) {
        w->broken = true;
        if (walk_say(w, err, AUDIT_REMOVED, expected, was - 1 - (int64_t)from, NULL,
                     "record %" PRId64 " was removed%s, and those behind were numbered anew",
                     expected, was - expected - (int64_t)from > 1 ? " with the next ones" : "") < 0)
            return -1;
    }
    if (was != expected) {
        w->broken = true;
        for (size_t i = 0; i < from; i++)
            if (settle_one(w, &w->run[i], err) < 0)
                return -1;
    }
    w->shift = begins - was;
    for (size_t i = from; i < n; i++)
        if (walk_feed(w, w->run[i].judged.leaf, err) < 0)
            return -1;
    return 0;
}

static bool
moved_alike(const struct waiting *a, const struct waiting *b)
{
    return a->judged.verdict == SUSPECT_MOVED && b->judged.verdict == SUSPECT_MOVED &&
           a->seq - a->judged.number == b->seq - b->judged.number;
}

int
walk_wait(struct walk *w, int64_t seq, const struct suspect_finding *j, struct err *err)
{
    if (w->n_run == RUN_MAX && walk_settle_run(w, err) < 0)
        return -1;
    w->run[w->n_run++] = (struct waiting){ seq, *j };
    if (w->n_run >= 2 && moved_alike(&w->run[w->n_run - 2], &w->run[w->n_run - 1]))
        return settle_shift(w, w->n_run - 2, err);
    return 0;
}

/* A run that reaches the end: one moved record there is a renumbered tail of one. */
int
walk_end_run(struct walk *w, struct err *err)
{
    size_t last = w->n_run;

    if (last == 0)
        return 0;
    if (w->run[last - 1].judged.verdict == SUSPECT_MOVED &&
        w->run[last - 1].judged.number >= w->run[0].seq - w->shift &&
        (last == 1 || w->run[last - 2].judged.verdict != SUSPECT_MOVED))
        return settle_shift(w, last - 1, err);
    return walk_settle_run(w, err);
}

int
walk_end_unsealed(struct walk *w, struct err *err)
{
    struct unsealed u = w->unsealed;

    w->unsealed.n = 0;
    for (size_t i = 0; i < u.n; i++) {
        bool vouched =
            w->claims[CLAIM_VAULT].any && (uint64_t)u.seq[i] <= w->claims[CLAIM_VAULT].size;

        if (walk_say(w, err, vouched ? AUDIT_ALTERED : AUDIT_INSERTED, u.seq[i], u.seq[i], NULL,
                     vouched
                         ? "record %" PRId64 " was altered and hashed again by somebody without "
                           "the seal's key"
                         : "record %" PRId64 " was added, or altered and hashed again, by somebody "
                           "without the seal's key",
                     u.seq[i]) < 0)
            return -1;
    }
    return 0;
}
