/* walk_signed.c - stored checkpoints, and the roots that vaultd and others remember. */
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/tree.h"
#include "audit/verify_priv.h"
#include "store/db.h"

int
walk_load_mark(struct walk *w, uint64_t after, struct err *err)
{
    int none = checkpoint_after(w->db, NULL, after, &w->mark, err);

    if (none < 0)
        return -1;
    w->any_mark = none == 0;
    return 0;
}

int
walk_check_mark(struct walk *w, struct err *err)
{
    const struct audit_checkpoint c = w->mark;
    uint8_t root[MERKLE_LEN];
    bool is_signed = checkpoint_signed(&c, w->evidence->public_key);

    merkle_root(&w->tree, root);
    if (walk_load_mark(w, c.size, err) < 0)
        return -1;
    if (!is_signed)
        return walk_say(w, err, AUDIT_CHECKPOINT, (int64_t)c.size, (int64_t)c.size, NULL,
                        "the checkpoint of %" PRIu64 " records was altered or never signed",
                        c.size);
    if (memcmp(root, c.root, MERKLE_LEN) == 0) {
        w->report->checkpoints++;
        w->report->any_last = true;
        w->report->last = c;
        return walk_settle_unsealed(w, true, err);
    }
    w->broken = true;
    if (w->unsealed.n > 0)
        return walk_settle_unsealed(w, false, err);
    return walk_say(w, err, AUDIT_CHECKPOINT, 1, (int64_t)c.size, NULL,
                    "the first %" PRIu64 " records are not those that were signed", c.size);
}

void
walk_compare_claims(struct walk *w)
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
int
walk_check_claim(struct walk *w, const struct claim *c, struct err *err)
{
    int64_t size = (int64_t)c->size;
    uint64_t have;

    if (!c->any)
        return 0;
    if (strcmp(c->epoch, suspect_epoch_of(&w->court, size)) != 0)
        return walk_say(w, err, AUDIT_CHECKPOINT, size, size, NULL,
                        "%s is of epoch %s, which this log does not have there: it is another log",
                        c->who, c->epoch);
    if (count_now(w, &have, err) < 0)
        return -1;
    if (have < c->size)
        return walk_say(w, err, AUDIT_TRUNCATED, (int64_t)have + 1, size, NULL,
                        "records %" PRIu64 " to %" PRIu64
                        " are missing: %s covers them.  The end was "
                        "cut off, or the database is an old copy",
                        have + 1, c->size, c->who);
    /* Where the walk did not come, the reason is among the findings already. */
    if (!c->seen || c->same || w->broken || w->unsealed.n > 0)
        return 0;
    return walk_say(w, err, AUDIT_CHECKPOINT, 1, size, NULL,
                    "the first %" PRIu64 " records are not those of %s", c->size, c->who);
}

/* Asked before the walk: what was signed by then is in the log by now. */
int
walk_gather_claims(struct walk *w, struct err *err)
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
        return walk_say(
            w, err, AUDIT_CHECKPOINT, (int64_t)kept->size, (int64_t)kept->size, NULL,
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
int
walk_check_marks_behind(struct walk *w, struct err *err)
{
    uint64_t have = 0, missing = 0;

    while (w->any_mark) {
        const struct audit_checkpoint c = w->mark;

        if (walk_load_mark(w, c.size, err) < 0 || count_now(w, &have, err) < 0)
            return -1;
        if (checkpoint_signed(&c, w->evidence->public_key))
            missing = c.size > have ? c.size : missing;
        else if (walk_say(w, err, AUDIT_CHECKPOINT, (int64_t)c.size, (int64_t)c.size, NULL,
                          "the checkpoint of %" PRIu64 " records was altered or never signed",
                          c.size) < 0)
            return -1;
    }
    if (missing == 0 || w->claims[CLAIM_VAULT].any)
        return 0; /* vaultd's own memory says it better */
    return walk_say(w, err, AUDIT_TRUNCATED, (int64_t)have + 1, (int64_t)missing, NULL,
                    "records %" PRIu64 " to %" PRIu64
                    " are missing: a signed checkpoint covers them",
                    have + 1, missing);
}
