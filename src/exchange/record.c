/* record.c - the decision record of an exchange: what the way through the steps found out. */
#include "exchange/exchange.h"

#include "audit/audit.h"
#include "base/clock.h"

static bool
no_role_gives(const char *action)
{
    return text_is(text_of(action), ACTION_PUBLIC) || text_is(text_of(action), ACTION_SIGNED_IN);
}

static struct audit_record
record_of(const struct exchange *x)
{
    const char *action = x->route->action;

    return (struct audit_record){
        .time_us = x->started_us,
        .request_id = x->request_id,
        .caller_kind = caller_kind_name(x->caller.kind),
        .caller_id = x->caller.id,
        .caller_name = x->caller.name,
        .address = text_of(x->address),
        .action = text_of(no_role_gives(action) ? x->route->pattern : action),
        .scope = x->scope,
        .verdict = AUDIT_ALLOWED,
        .rule = text_of(x->decision.assignment),
        .role = text_of(x->decision.role),
        .rule_version = x->decision.version,
        .status = x->answer.status,
        .result = TEXT("succeeded"),
        .digest = x->digest,
        .target = x->target,
        .duration_us = clock_mono_us() - x->started_mono_us,
        .count = 1,
    };
}

/* What exchange_change() hands to the writer. */
struct recorded_change {
    struct exchange *x;
    database_change *change;
    void *arg;
    const struct exchange_note *note;
};

static int
change_and_append(struct db *db, void *arg, struct err *err)
{
    const struct recorded_change *c = arg;
    struct audit_record r = record_of(c->x);

    if (c->change != NULL && c->change(db, c->arg, err) < 0)
        return -1;
    r.status = c->note->status;
    r.digest = c->note->digest;
    r.detail = c->note->detail;
    if (c->note->target.n > 0)
        r.target = c->note->target;
    return audit_append(c->x->world->audit, db, &r, err);
}

int
exchange_change(struct exchange *x, database_change *change, void *arg,
                const struct exchange_note *note, struct err *err)
{
    struct recorded_change c = { x, change, arg, note };

    if (database_write(x->world->database, change_and_append, &c, err) < 0)
        return -1;
    x->recorded = true;
    return 0;
}

static enum audit_verdict
verdict_of(const struct exchange *x, const struct err *err)
{
    if (err->kind == ERR_DENIED)
        return AUDIT_REFUSED;
    if (err->kind != ERR_UNAUTHENTICATED)
        return AUDIT_ALLOWED;
    return x->presented ? AUDIT_REFUSED : AUDIT_CHALLENGED;
}

int
exchange_record(struct exchange *x, const struct err *failure, struct err *err)
{
    struct audit_record r = record_of(x);

    if (failure != NULL) {
        r.verdict = verdict_of(x, failure);
        r.result = text_of(failure->code != NULL ? failure->code : err_kind_name(failure->kind));
        r.detail = text_of(failure->msg);
    }
    if (r.verdict == AUDIT_REFUSED)
        return audit_refuse(x->world->audit, &r, err);
    audit_read(x->world->audit, &r);
    return 0;
}

bool
exchange_refusal_is_durable(const struct exchange *x, const struct err *failure)
{
    return verdict_of(x, failure) == AUDIT_REFUSED;
}
