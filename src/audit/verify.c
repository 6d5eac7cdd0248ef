#include "audit/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/tree.h"
#include "audit/verify_priv.h"
#include "base/mem.h"
#include "store/database.h"

#define PAGE 2000

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

int
walk_say(struct walk *w, struct err *err, enum audit_fault fault, int64_t first, int64_t last,
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
        if (walk_say(w, err, AUDIT_TREE, (int64_t)(place << (level + 1)) + 1,
                     (int64_t)((place + 1) << (level + 1)), NULL,
                     "the stored hash over records %" PRIu64 " to %" PRIu64
                     " was altered or removed; "
                     "the records themselves are judged apart",
                     (place << (level + 1)) + 1, (place + 1) << (level + 1)) < 0)
            return -1;
    }
    return 0;
}

/* A leaf in its place: the tree grows, and a signed root may be due. */
int
walk_feed(struct walk *w, const uint8_t leaf[static MERKLE_LEN], struct err *err)
{
    if (w->broken)
        return 0;
    if ((w->tree.size + 1) % (1u << TREE_STORED_LEVEL) == 0 && check_nodes(w, leaf, err) < 0)
        return -1;
    merkle_add(&w->tree, leaf);
    walk_compare_claims(w);
    while (w->any_mark && w->mark.size <= w->tree.size && !w->broken)
        if (walk_check_mark(w, err) < 0)
            return -1;
    return 0;
}

static int
note_gap(struct walk *w, int64_t seq, struct err *err)
{
    int64_t first = w->next;

    if (walk_settle_run(w, err) < 0)
        return -1;
    w->broken = true;
    return walk_say(w, err, AUDIT_REMOVED, first, seq - 1, NULL,
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
        return walk_say(w, err, AUDIT_INSERTED, r->seq, r->seq, NULL,
                        "record %" PRId64 " was inserted: numbers begin with 1", r->seq);
    if (r->seq > w->next && note_gap(w, r->seq, err) < 0)
        return -1;
    w->next = r->seq + 1;
    suspect_judge(&w->court, r, w->shift, &j);
    if (j.verdict == SUSPECT_SEAL || j.verdict == SUSPECT_WRONG || j.verdict == SUSPECT_MOVED)
        return walk_wait(w, r->seq, &j, err);
    if (walk_settle_run(w, err) < 0)
        return -1;
    if (j.verdict != SUSPECT_GENUINE && walk_report_altered(w, r->seq, &j, err) < 0)
        return -1;
    return walk_feed(w, j.leaf, err);
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

    if (walk_gather_claims(w, err) < 0 || load_epochs(w, err) < 0 ||
        tree_size(w->db, &w->court.size, err) < 0 || walk_load_mark(w, 0, err) < 0)
        return -1;
    w->next = 1;
    w->after_seq = INT64_MIN;
    while ((more = look_at_page(w, (int64_t)w->court.size, err)) > 0)
        continue;
    if (more < 0 || walk_end_run(w, err) < 0)
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
    if (walk_log(w, err) < 0 || walk_check_marks_behind(w, err) < 0 ||
        walk_check_claim(w, &w->claims[CLAIM_VAULT], err) < 0 ||
        walk_check_claim(w, &w->claims[CLAIM_KEPT], err) < 0)
        return -1;
    return walk_end_unsealed(w, err);
}
