/* audit_http.c - the decision records over HTTP: list, verify, checkpoint (README.md has the form).
 */
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "audit/query.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "resource/resource_priv.h"
#include "wire/base64.h"
#include "wire/filter.h"

#define PAGE_DEFAULT 100
#define FINDINGS_MAX 1000
#define KEY_MAX      4096

/* Where a text of a record stands in its document; NULL: within "caller". */
static const struct {
    enum record_text text;
    const char *member;
} members[] = {
    { RECORD_KIND, "kind" },       { RECORD_REQUEST_ID, "requestId" },
    { RECORD_ADDRESS, "address" }, { RECORD_ACTION, "action" },
    { RECORD_SCOPE, "scope" },     { RECORD_VERDICT, "verdict" },
    { RECORD_RULE, "rule" },       { RECORD_ROLE, "role" },
    { RECORD_RESULT, "result" },   { RECORD_DIGEST, "digest" },
    { RECORD_TARGET, "target" },   { RECORD_DETAIL, "detail" },
};

static json_t *
record_document(const struct record *r)
{
    char time[CLOCK_TEXT_LEN + 1], leaf[2 * MERKLE_LEN + 1];
    OWN_JSON doc = NULL;

    clock_text(r->numbers[RECORD_TIME], time);
    hex_print(r->leaf, MERKLE_LEN, leaf);
    doc = json_pack(
        "{s:I, s:s, s:{s:o*, s:o*, s:o*}, s:I, s:I, s:I, s:I, s:s}", "seq", (json_int_t)r->seq,
        "time", time, "caller", "kind", json_from(r->texts[RECORD_CALLER_KIND]), "id",
        json_from(r->texts[RECORD_CALLER_ID]), "name", json_from(r->texts[RECORD_CALLER_NAME]),
        "ruleVersion", (json_int_t)r->numbers[RECORD_RULE_VERSION], "status",
        (json_int_t)r->numbers[RECORD_STATUS], "durationUs",
        (json_int_t)r->numbers[RECORD_DURATION], "count", (json_int_t)r->numbers[RECORD_COUNT],
        "leaf", leaf);
    /* A text that somebody spoilt in the database is no JSON: it is left out, verify names it. */
    for (size_t i = 0; doc != NULL && i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *value = json_from(r->texts[members[i].text]);

        if (value != NULL && json_object_set_new(doc, members[i].member, value) < 0)
            return NULL;
    }
    return GIVE(doc);
}

static int
add_record(void *arg, const struct record *r, struct err *err)
{
    return json_array_append_new(arg, record_document(r)) < 0 ? err_memory(err) : 0;
}

static int
refuse_clause(const struct filter_clause *c, const char *what, struct err *err)
{
    return err_code(err, ERR_INVALID, "InvalidFilterInQueryString", "$filter: \"%.*s\" %s",
                    TEXT_ARG(text_first(c->field, 60)), what);
}

static int
filter_time(const struct filter_clause *c, struct audit_filter *f, struct err *err)
{
    int64_t us;

    if (!clock_parse(c->value, &us))
        return refuse_clause(c, "is compared with a time such as '2026-11-22T16:00:00Z'", err);
    if (c->op == FILTER_GE || c->op == FILTER_GT)
        f->since_us = us + (c->op == FILTER_GT);
    else if (c->op == FILTER_LT || c->op == FILTER_LE)
        f->until_us = us + (c->op == FILTER_LE);
    else
        return refuse_clause(c, "can be compared with ge, gt, le and lt", err);
    return 0;
}

/* Fields that are compared as texts, and how. */
static int
filter_text(struct exchange *x, const struct filter_clause *c, struct audit_filter *f,
            struct err *err)
{
    const struct {
        const char *field;
        struct text *out;
        unsigned ops; /* bits of enum filter_op */
    } fields[] = {
        { "kind", &f->kind, 1u << FILTER_EQ },
        { "caller", &f->caller, 1u << FILTER_EQ },
        { "action", &f->action, 1u << FILTER_STARTS },
        { "scope", &f->scope, 1u << FILTER_STARTS | 1u << FILTER_EQ },
        { "verdict", &f->verdict, 1u << FILTER_EQ },
        { "result", &f->result, 1u << FILTER_EQ },
        { "digest", &f->digest, 1u << FILTER_EQ },
        { "requestId", &f->request_id, 1u << FILTER_EQ },
        { "target", &f->target, 1u << FILTER_STARTS },
        { "text", &f->text, 1u << FILTER_CONTAINS },
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!text_is_nocase(c->field, fields[i].field))
            continue;
        if ((fields[i].ops >> c->op & 1) == 0)
            return refuse_clause(c,
                                 (fields[i].ops >> FILTER_CONTAINS & 1) != 0
                                     ? "is asked for with substringof('WORD', text)"
                                 : (fields[i].ops >> FILTER_EQ & 1) != 0
                                     ? "is compared with eq"
                                     : "is asked for with startswith(FIELD, 'BEGIN')",
                                 err);
        if (fields[i].out->n > 0)
            return refuse_clause(c, "can be asked for once", err);
        return filter_value(c, x->arena, fields[i].out, err);
    }
    return refuse_clause(c,
                         "cannot be filtered on: time, kind, caller, action, scope, verdict, "
                         "result, digest, requestId, target and text can",
                         err);
}

static int
read_filter(struct exchange *x, struct audit_filter *f, struct err *err)
{
    struct text order = exchange_query(x, "$orderby"), token = exchange_query(x, "$skiptoken");
    struct filter parsed;
    uint64_t after = 0;

    if (filter_parse(exchange_query(x, "$filter"), &parsed, err) < 0)
        return -1;
    for (size_t i = 0; i < parsed.n; i++)
        if ((text_is_nocase(parsed.clauses[i].field, "time")
                 ? filter_time(&parsed.clauses[i], f, err)
                 : filter_text(x, &parsed.clauses[i], f, err)) < 0)
            return -1;
    f->oldest_first = text_is_nocase(order, "seq asc") || text_is_nocase(order, "seq");
    if (order.n > 0 && !f->oldest_first && !text_is_nocase(order, "seq desc"))
        return err_code(err, ERR_INVALID, "InvalidOrderByInQueryString",
                        "$orderby is \"seq asc\" or \"seq desc\"");
    if (token.n > 0 && !text_to_u64(token, INT64_MAX, &after))
        return err_code(err, ERR_INVALID, "InvalidSkipToken", "$skiptoken is not one of ours");
    f->after = (int64_t)after;
    return 0;
}

int
audit_records_get(void *room, struct exchange *x, struct err *err)
{
    struct text top = exchange_query(x, "$top");
    struct audit_filter f = { .after = 0 };
    OWN_JSON doc = json_pack("{s:[]}", "value");
    char token[24];
    uint64_t limit = PAGE_DEFAULT;
    int64_t next;

    (void)room;
    if (doc == NULL)
        return err_memory(err);
    if (top.p != NULL && (!text_to_u64(top, AUDIT_PAGE_MAX, &limit) || limit == 0))
        return err_code(err, ERR_INVALID, "InvalidTopInQueryString",
                        "$top is a number from 1 to %d", AUDIT_PAGE_MAX);
    if (read_filter(x, &f, err) < 0 ||
        audit_query(x->world->database, &f, (size_t)limit, add_record,
                    json_object_get(doc, "value"), &next, err) < 0)
        return -1;
    (void)snprintf(token, sizeof(token), "%lld", (long long)next);
    if (next != 0 && next_link(x, text_of(token), doc, err) < 0)
        return -1;
    resource_answer(x, 200, doc);
    return 0;
}

static json_t *
base64_of(const void *p, size_t n)
{
    OWN_BUF(b, 2 * KEY_MAX);

    base64_print(&b, BASE64_STANDARD, p, n);
    return json_from(buf_view(&b));
}

static json_t *
checkpoint_document(const struct audit_checkpoint *c)
{
    char time[CLOCK_TEXT_LEN + 1];

    clock_text(c->time_us, time);
    return json_pack("{s:s, s:I, s:o*, s:s, s:o*}", "epoch", c->epoch, "size", (json_int_t)c->size,
                     "root", base64_of(c->root, sizeof(c->root)), "time", time, "signature",
                     base64_of(c->signature, c->n_signature));
}

static int
add_public_key(struct exchange *x, json_t *doc, struct err *err)
{
    OWN_BUF(key, KEY_MAX);

    if (audit_public_key(x->world->audit, &key, err) < 0 || buf_check(&key, err) < 0)
        return -1;
    return json_object_set_new(doc, "publicKey", base64_of(key.p, key.n)) < 0 ? err_memory(err) : 0;
}

int
audit_checkpoint_post(void *room, struct exchange *x, struct err *err)
{
    struct audit_checkpoint c;
    OWN_JSON doc = NULL;

    (void)room;
    if (audit_checkpoint(x->world->audit, &c, err) < 0)
        return -1;
    if ((doc = checkpoint_document(&c)) == NULL)
        return err_memory(err);
    if (add_public_key(x, doc, err) < 0)
        return -1;
    resource_answer(x, 200, doc);
    return 0;
}

static int
parse_base64(const json_t *object, const char *member, uint8_t *out, size_t max, size_t *n,
             struct err *err)
{
    struct text t;

    if (json_need_text(object, member, &t, err) < 0)
        return -1;
    return base64_parse(BASE64_STANDARD, t, out, max, n)
               ? 0
               : json_refuse(err, member, "is not base64 of at most %zu bytes", max);
}

static int
parse_checkpoint(const json_t *object, struct audit_checkpoint *out, struct err *err)
{
    struct audit_checkpoint c = { .size = 0 };
    struct text epoch, time;
    int64_t size;
    size_t n_root;

    if (json_need_text(object, "epoch", &epoch, err) < 0 ||
        json_need_int(object, "size", 1, INT64_MAX, &size, err) < 0 ||
        json_need_text(object, "time", &time, err) < 0 ||
        parse_base64(object, "root", c.root, sizeof(c.root), &n_root, err) < 0 ||
        parse_base64(object, "signature", c.signature, sizeof(c.signature), &c.n_signature, err) <
            0)
        return -1;
    if (!id_is(epoch) || n_root != sizeof(c.root) || !clock_parse(time, &c.time_us))
        return json_refuse(err, "checkpoint",
                           "epoch is a UUID, root 32 bytes, time as in the checkpoint that was "
                           "printed");
    (void)text_copy(epoch, c.epoch, sizeof(c.epoch));
    c.size = (uint64_t)size;
    *out = c;
    return 0;
}

/* An empty body is fine: then there is nothing that somebody kept. */
static int
read_kept(struct exchange *x, struct audit_checkpoint *out, bool *any, struct err *err)
{
    OWN_JSON body = NULL;
    struct text bytes;
    json_t *kept;

    *any = false;
    if (exchange_body(x, &bytes, err) < 0)
        return -1;
    if (text_trim(bytes).n == 0)
        return 0;
    if ((body = json_read(bytes, err)) == NULL ||
        json_want_object(body, "checkpoint", &kept, err) < 0)
        return -1;
    if (kept == NULL)
        return 0;
    if (parse_checkpoint(kept, out, err) < 0)
        return json_within(err, "checkpoint");
    *any = true;
    return 0;
}

static int
add_finding(void *arg, const struct audit_finding *f, struct err *err)
{
    json_t *findings = arg, *doc;

    if (json_array_size(findings) >= FINDINGS_MAX)
        return 0; /* the report counts them all */
    doc = json_pack("{s:s, s:I, s:I, s:s?, s:s}", "fault", audit_fault_name(f->fault), "first",
                    (json_int_t)f->first, "last", (json_int_t)f->last, "column", f->column, "text",
                    f->text);
    return json_array_append_new(findings, doc) < 0 ? err_memory(err) : 0;
}

static int
add_report(json_t *doc, const struct audit_report *r, struct err *err)
{
    int failed = json_object_set_new(doc, "valid", json_boolean(r->findings == 0));

    failed |= json_object_set_new(doc, "records", json_integer((json_int_t)r->records));
    failed |= json_object_set_new(doc, "checkpoints", json_integer((json_int_t)r->checkpoints));
    failed |= json_object_set_new(doc, "found", json_integer((json_int_t)r->findings));
    failed |= json_object_set_new(doc, "checkpoint",
                                  r->any_last ? checkpoint_document(&r->last) : json_null());
    return failed != 0 ? err_memory(err) : 0;
}

int
audit_verify_post(void *room, struct exchange *x, struct err *err)
{
    OWN_JSON doc = json_pack("{s:[]}", "findings");
    struct audit_checkpoint kept;
    struct audit_report report;
    bool any;

    (void)room;
    if (doc == NULL)
        return err_memory(err);
    if (read_kept(x, &kept, &any, err) < 0 ||
        audit_verify(x->world->audit, any ? &kept : NULL, add_finding,
                     json_object_get(doc, "findings"), &report, err) < 0 ||
        add_report(doc, &report, err) < 0)
        return -1;
    resource_answer(x, 200, doc);
    return 0;
}
