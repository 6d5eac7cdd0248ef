#include "audit/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/suspect.h"
#include "audit/tree.h"
#include "base/mem.h"
#include "store/database.h"

#define PAGE    2000
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

const char *
audit_fault_name(enum audit_fault fault)
{
    static const char *const names[] = {
        [AUDIT_ALTERED] = "altered",     [AUDIT_REMOVED] = "removed",
        [AUDIT_INSERTED] = "inserted",   [AUDIT_MOVED] = "moved",
        [AUDIT_TRUNCATED] = "truncated", [AUDIT_CHECKPOINT] = "checkpoint",
        [AUDIT_TREE] = "tree",
    };

    return names[fault];
}

/* say(w, fault, first, last, column, fmt...): one finding. */
static int say(struct walk *w, struct err *err, enum audit_fault fault, int64_t first, int64_t last,
               const char *column, const char *fmt, ...) __attribute__((format(printf, 7, 8)));

static int
say(struct walk *w, struct err *err, enum audit_fault fault, int64_t first, int64_t last,
    const char *column, const char *fmt, ...)
{
    struct audit_finding f = { fault, (uint64_t)first, (uint64_t)last, column, "" };
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(f.text, sizeof(f.text), fmt, ap);
    va_end(ap);
    w->report->findings++;
    return w->found(w->arg, &f, err);
}

static int
load_mark(struct walk *w, uint64_t after, struct err *err)
{
    int none = checkpoint_after(w->db, NULL, after, &w->mark, err);

    if (none < 0)
        return -1;
    w->any_mark = none == 0;
    return 0;
}

/* A signed root decided on the records whose seals are foreign. */
static int
settle_unsealed(struct walk *w, bool contents_stand, struct err *err)
{
    struct unsealed u = w->unsealed;

    w->unsealed.n = 0;
    for (size_t i = 0; i < u.n; i++)
        if ((contents_stand
                 ? say(w, err, AUDIT_ALTERED, u.seq[i], u.seq[i], "seal",
                       "record %" PRId64 ": its seal was altered; its contents are those that "
                       "were signed",
                       u.seq[i])
                 : say(w, err, AUDIT_ALTERED, u.seq[i], u.seq[i], NULL,
                       "record %" PRId64 " was altered and hashed again by somebody without the "
                       "seal's key",
                       u.seq[i])) < 0)
            return -1;
    return 0;
}

static int
check_mark(struct walk *w, struct err *err)
{
    const struct audit_checkpoint c = w->mark;
    uint8_t root[MERKLE_LEN];
    bool is_signed = checkpoint_signed(&c, w->evidence->public_key);

    merkle_root(&w->tree, root);
    if (load_mark(w, c.size, err) < 0)
        return -1;
    if (!is_signed)
        return say(w, err, AUDIT_CHECKPOINT, (int64_t)c.size, (int64_t)c.size, NULL,
                   "the checkpoint of %" PRIu64 " records was altered or never signed", c.size);
    if (memcmp(root, c.root, MERKLE_LEN) == 0) {
        w->report->checkpoints++;
        w->report->any_last = true;
        w->report->last = c;
        return settle_unsealed(w, true, err);
    }
    w->broken = true;
    if (w->unsealed.n > 0)
        return settle_unsealed(w, false, err);
    return say(w, err, AUDIT_CHECKPOINT, 1, (int64_t)c.size, NULL,
               "the first %" PRIu64 " records are not those that were signed", c.size);
}

/*
 * Every stored node that this leaf completes: the frontier merges from the leaf upwards, as
 * tree_add() did when it stored them.
 */
static int
check_nodes(struct walk *w, const uint8_t leaf[static MERKLE_LEN], struct err *err)
{
    uint8_t carry[MERKLE_LEN], right[MERKLE_LEN];

    memcpy(carry, leaf, MERKLE_LEN);
    for (unsigned level = 0; (w->tree.size >> level & 1) != 0; level++) {
        uint64_t place = w->tree.size >> (level + 1);
        DB_ROWS(rows);
        int found;

        memcpy(right, carry, MERKLE_LEN);
        merkle_node(w->tree.node[level], right, carry);
        if (level + 1 < TREE_STORED_LEVEL)
            continue;
        found =
            db_one(w->db, &rows, err, "SELECT hash FROM audit_tree WHERE level = $1 AND place = $2",
                   DB_INT(level + 1), DB_INT((int64_t)place));
        if (found < 0)
            return -1;
        if (found > 0 && text_equal(db_blob(&rows, 0), text_from(carry, MERKLE_LEN)))
            continue;
        if (say(w, err, AUDIT_TREE, (int64_t)(place << (level + 1)) + 1,
                (int64_t)((place + 1) << (level + 1)), NULL,
                "the stored hash over records %" PRIu64 " to %" PRIu64 " was altered or removed; "
                "the records themselves are judged apart",
                (place << (level + 1)) + 1, (place + 1) << (level + 1)) < 0)
            return -1;
    }
    return 0;
}

static void
compare_claims(struct walk *w)
{
    uint8_t root[MERKLE_LEN];

    for (size_t i = 0; i < CLAIMS; i++) {
        struct claim *c = &w->claims[i];

        if (!c->any || c->size != w->tree.size)
            continue;
        merkle_root(&w->tree, root);
        c->seen = true;
        c->same = memcmp(root, c->root, MERKLE_LEN) == 0;
    }
}

/* A leaf in its place: the tree grows, and a signed root may be due. */
static int
feed(struct walk *w, const uint8_t leaf[static MERKLE_LEN], struct err *err)
{
    if (w->broken)
        return 0;
    if ((w->tree.size + 1) % (1u << TREE_STORED_LEVEL) == 0 && check_nodes(w, leaf, err) < 0)
        return -1;
    merkle_add(&w->tree, leaf);
    compare_claims(w);
    while (w->any_mark && w->mark.size <= w->tree.size && !w->broken)
        if (check_mark(w, err) < 0)
            return -1;
    return 0;
}

static int
report_altered(struct walk *w, int64_t seq, const struct suspect_finding *j, struct err *err)
{
    if (j->verdict == SUSPECT_LEAF)
        return say(w, err, AUDIT_ALTERED, seq, seq, "leaf",
                   "record %" PRId64 ": its stored hash was altered; its contents are genuine",
                   seq);
    if (j->column != NULL)
        return say(w, err, AUDIT_ALTERED, seq, seq, j->column,
                   "record %" PRId64 " was altered: %s was %s", seq, j->column, j->was);
    return say(w, err, AUDIT_ALTERED, seq, seq, NULL,
               "record %" PRId64 " was altered: its contents are not those it was written with",
               seq);
}

static int
add_unsealed(struct walk *w, int64_t seq, struct err *err)
{
    if (w->unsealed.n == RUN_MAX && settle_unsealed(w, false, err) < 0)
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
        return say(w, err, AUDIT_INSERTED, seq, seq, NULL,
                   "record %" PRId64 " was inserted: it is a copy of record %" PRId64, seq, number);
    return say(w, err, AUDIT_MOVED, seq, seq, NULL,
               "under number %" PRId64 " stands the record that was written as %" PRId64, seq,
               number);
}

/* One waiting record on its own: nothing around it explains it. */
static int
settle_one(struct walk *w, const struct waiting *one, struct err *err)
{
    const struct suspect_finding *j = &one->judged;

    if (j->verdict == SUSPECT_SEAL)
        return add_unsealed(w, one->seq, err) < 0 ? -1 : feed(w, j->leaf, err);
    w->broken = true;
    if (j->verdict == SUSPECT_MOVED)
        return settle_moved(w, one->seq, j->number, err);
    return report_altered(w, one->seq, j, err);
}

static int
settle_run(struct walk *w, struct err *err)
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
        say(w, err, AUDIT_INSERTED, w->run[0].seq, begins - 1, NULL,
            "record %" PRId64 " was inserted%s, and those behind were numbered anew", w->run[0].seq,
            from > 1 ? " with the next ones" : "") < 0)
        return -1;
    if (was > expected) {
        w->broken = true;
        if (say(w, err, AUDIT_REMOVED, expected, was - 1 - (int64_t)from, NULL,
                "record %" PRId64 " was removed%s, and those behind were numbered anew", expected,
                was - expected - (int64_t)from > 1 ? " with the next ones" : "") < 0)
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
        if (feed(w, w->run[i].judged.leaf, err) < 0)
            return -1;
    return 0;
}

static bool
moved_alike(const struct waiting *a, const struct waiting *b)
{
    return a->judged.verdict == SUSPECT_MOVED && b->judged.verdict == SUSPECT_MOVED &&
           a->seq - a->judged.number == b->seq - b->judged.number;
}

static int
wait_for_more(struct walk *w, int64_t seq, const struct suspect_finding *j, struct err *err)
{
    if (w->n_run == RUN_MAX && settle_run(w, err) < 0)
        return -1;
    w->run[w->n_run++] = (struct waiting){ seq, *j };
    if (w->n_run >= 2 && moved_alike(&w->run[w->n_run - 2], &w->run[w->n_run - 1]))
        return settle_shift(w, w->n_run - 2, err);
    return 0;
}

static int
note_gap(struct walk *w, int64_t seq, struct err *err)
{
    int64_t first = w->next;

    if (settle_run(w, err) < 0)
        return -1;
    w->broken = true;
    return say(w, err, AUDIT_REMOVED, first, seq - 1, NULL,
               first == seq - 1 ? "record %" PRId64 " was removed"
                                : "records %" PRId64 " to %" PRId64 " were removed",
               first, seq - 1);
}

static int
look_at(struct walk *w, const struct record *r, struct err *err)
{
    struct suspect_finding j;

    w->report->records++;
    w->after_seq = r->seq;
    if (r->seq < 1)
        return say(w, err, AUDIT_INSERTED, r->seq, r->seq, NULL,
                   "record %" PRId64 " was inserted: numbers begin with 1", r->seq);
    if (r->seq > w->next && note_gap(w, r->seq, err) < 0)
        return -1;
    w->next = r->seq + 1;
    suspect_judge(&w->court, r, w->shift, &j);
    if (j.verdict == SUSPECT_SEAL || j.verdict == SUSPECT_WRONG || j.verdict == SUSPECT_MOVED)
        return wait_for_more(w, r->seq, &j, err);
    if (settle_run(w, err) < 0)
        return -1;
    if (j.verdict != SUSPECT_GENUINE && report_altered(w, r->seq, &j, err) < 0)
        return -1;
    return feed(w, j.leaf, err);
}

/* 1: there may be more. */
static int
look_at_page(struct walk *w, int64_t until, struct err *err)
{
    DB_ROWS(rows);
    struct record r;
    int more, n = 0;

    if (db_query(w->db, &rows, err,
                 "SELECT " RECORD_COLUMNS " FROM audit_record WHERE seq > $1 AND seq <= $2"
                 " ORDER BY seq LIMIT $3",
                 DB_INT(w->after_seq), DB_INT(until), DB_INT(PAGE)) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0) {
        (void)record_row(&rows, &r); /* a hash of a wrong size does not fit anything */
        n++;
        if (look_at(w, &r, err) < 0)
            return -1;
    }
    return more < 0 ? -1 : n == PAGE;
}

/* A run that reaches the end: one moved record there is a renumbered tail of one. */
static int
end_run(struct walk *w, struct err *err)
{
    size_t last = w->n_run;

    if (last == 0)
        return 0;
    if (w->run[last - 1].judged.verdict == SUSPECT_MOVED &&
        w->run[last - 1].judged.number >= w->run[0].seq - w->shift &&
        (last == 1 || w->run[last - 2].judged.verdict != SUSPECT_MOVED))
        return settle_shift(w, last - 1, err);
    return settle_run(w, err);
}

static int
end_unsealed(struct walk *w, struct err *err)
{
    struct unsealed u = w->unsealed;

    w->unsealed.n = 0;
    for (size_t i = 0; i < u.n; i++) {
        bool vouched =
            w->claims[CLAIM_VAULT].any && (uint64_t)u.seq[i] <= w->claims[CLAIM_VAULT].size;

        if (say(w, err, vouched ? AUDIT_ALTERED : AUDIT_INSERTED, u.seq[i], u.seq[i], NULL,
                vouched ? "record %" PRId64 " was altered and hashed again by somebody without "
                          "the seal's key"
                        : "record %" PRId64 " was added, or altered and hashed again, by somebody "
                          "without the seal's key",
                u.seq[i]) < 0)
            return -1;
    }
    return 0;
}

/* How many records there are, counted as they were written; more may have come since the walk. */
static int
count_now(struct walk *w, uint64_t *out, struct err *err)
{
    uint64_t size;

    if (tree_size(w->db, &size, err) < 0)
        return -1;
    *out = size - (uint64_t)w->shift;
    return 0;
}

/* The log must hold what was claimed, and extend it. */
static int
check_claim(struct walk *w, const struct claim *c, struct err *err)
{
    int64_t size = (int64_t)c->size;
    uint64_t have;

    if (!c->any)
        return 0;
    if (strcmp(c->epoch, suspect_epoch_of(&w->court, size)) != 0)
        return say(w, err, AUDIT_CHECKPOINT, size, size, NULL,
                   "%s is of epoch %s, which this log does not have there: it is another log",
                   c->who, c->epoch);
    if (count_now(w, &have, err) < 0)
        return -1;
    if (have < c->size)
        return say(w, err, AUDIT_TRUNCATED, (int64_t)have + 1, size, NULL,
                   "records %" PRIu64 " to %" PRIu64 " are missing: %s covers them.  The end was "
                   "cut off, or the database is an old copy",
                   have + 1, c->size, c->who);
    /* Where the walk did not come, the reason is among the findings already. */
    if (!c->seen || c->same || w->broken || w->unsealed.n > 0)
        return 0;
    return say(w, err, AUDIT_CHECKPOINT, 1, size, NULL,
               "the first %" PRIu64 " records are not those of %s", c->size, c->who);
}

/* Asked before the walk: what was signed by then is in the log by now. */
static int
gather_claims(struct walk *w, struct err *err)
{
    struct claim *v = &w->claims[CLAIM_VAULT], *k = &w->claims[CLAIM_KEPT];
    const struct audit_checkpoint *kept = w->evidence->kept;
    int none = 1;

    v->who = "the last checkpoint that holdfast-vaultd signed";
    if (w->evidence->vault != NULL)
        none = vault_last_checkpoint(w->evidence->vault, v->epoch, &v->size, v->root, err);
    if (none < 0)
        return -1;
    v->any = none == 0;
    if (kept == NULL)
        return 0;
    if (!checkpoint_signed(kept, w->evidence->public_key))
        return say(w, err, AUDIT_CHECKPOINT, (int64_t)kept->size, (int64_t)kept->size, NULL,
                   "the signature of the checkpoint that was given does not hold: it is not one of "
                   "this server's");
    k->any = true;
    k->who = "the checkpoint that was given";
    memcpy(k->epoch, kept->epoch, sizeof(k->epoch));
    k->size = kept->size;
    memcpy(k->root, kept->root, MERKLE_LEN);
    return 0;
}

/* Checkpoints that the walk did not come to: the tree was lost, or their records are gone. */
static int
check_marks_behind(struct walk *w, struct err *err)
{
    uint64_t have = 0, missing = 0;

    while (w->any_mark) {
        const struct audit_checkpoint c = w->mark;

        if (load_mark(w, c.size, err) < 0 || count_now(w, &have, err) < 0)
            return -1;
        if (checkpoint_signed(&c, w->evidence->public_key))
            missing = c.size > have ? c.size : missing;
        else if (say(w, err, AUDIT_CHECKPOINT, (int64_t)c.size, (int64_t)c.size, NULL,
                     "the checkpoint of %" PRIu64 " records was altered or never signed",
                     c.size) < 0)
            return -1;
    }
    if (missing == 0 || w->claims[CLAIM_VAULT].any)
        return 0; /* vaultd's own memory says it better */
    return say(w, err, AUDIT_TRUNCATED, (int64_t)have + 1, (int64_t)missing, NULL,
               "records %" PRIu64 " to %" PRIu64 " are missing: a signed checkpoint covers them",
               have + 1, missing);
}

static int
load_epochs(struct walk *w, struct err *err)
{
    struct suspect_court *c = &w->court;
    DB_ROWS(rows);
    int more;

    if (db_query(w->db, &rows, err, "SELECT first_seq, id FROM audit_epoch ORDER BY first_seq") < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0 && c->n_epochs < SUSPECT_EPOCHS_MAX) {
        c->epochs[c->n_epochs].first_seq = db_int(&rows, 0);
        (void)text_copy(db_text(&rows, 1), c->epochs[c->n_epochs].id,
                        sizeof(c->epochs[c->n_epochs].id));
        c->n_epochs++;
    }
    return more < 0 ? -1 : 0;
}

static int
walk_log(struct walk *w, struct err *err)
{
    int more;

    if (gather_claims(w, err) < 0 || load_epochs(w, err) < 0 ||
        tree_size(w->db, &w->court.size, err) < 0 || load_mark(w, 0, err) < 0)
        return -1;
    w->next = 1;
    w->after_seq = INT64_MIN;
    while ((more = look_at_page(w, (int64_t)w->court.size, err)) > 0)
        continue;
    if (more < 0 || end_run(w, err) < 0)
        return -1;
    return 0;
}

int
audit_examine(const struct audit_evidence *e, audit_found *found, void *arg,
              struct audit_report *report, struct err *err)
{
    OWN_MEM(struct walk) w = mem_zalloc(sizeof(*w));

    if (w == NULL)
        return err_memory(err);
    *report = (struct audit_report){ 0 };
    w->evidence = e;
    w->found = found;
    w->arg = arg;
    w->report = report;
    w->db = database_reader(e->database);
    w->court.key = e->key;
    if (walk_log(w, err) < 0 || check_marks_behind(w, err) < 0 ||
        check_claim(w, &w->claims[CLAIM_VAULT], err) < 0 ||
        check_claim(w, &w->claims[CLAIM_KEPT], err) < 0)
        return -1;
    return end_unsealed(w, err);
}
