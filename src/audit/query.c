#include "audit/query.h"

#include "base/buf.h"
#include "store/database.h"

static bool
contains_nocase(struct text t, struct text part)
{
    for (; t.n >= part.n; t = text_after(t, 1))
        if (text_equal_nocase(text_first(t, part.n), part))
            return true;
    return false;
}

static bool
begins_nocase(struct text t, struct text prefix)
{
    return t.n >= prefix.n && text_equal_nocase(text_first(t, prefix.n), prefix);
}

static bool
is_or_unset(struct text value, struct text wanted)
{
    return wanted.n == 0 || text_equal_nocase(value, wanted);
}

static bool
scope_covers(struct text wanted, struct text scope)
{
    while (wanted.n > 0 && text_ends(wanted, "/"))
        wanted.n--;
    return begins_nocase(scope, wanted) && (scope.n == wanted.n || scope.p[wanted.n] == '/');
}

static bool
mentions(const struct record *r, struct text part)
{
    static const enum record_text where[] = { RECORD_ACTION, RECORD_SCOPE, RECORD_TARGET,
                                              RECORD_CALLER_NAME, RECORD_DETAIL };

    for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++)
        if (contains_nocase(r->texts[where[i]], part))
            return true;
    return false;
}

static bool
matches(const struct audit_filter *f, const struct record *r)
{
    const struct text *t = r->texts;
    int64_t time_us = r->numbers[RECORD_TIME];

    return (f->since_us == 0 || time_us >= f->since_us) &&
           (f->until_us == 0 || time_us < f->until_us) && is_or_unset(t[RECORD_KIND], f->kind) &&
           (is_or_unset(t[RECORD_CALLER_ID], f->caller) ||
            text_equal_nocase(t[RECORD_CALLER_NAME], f->caller)) &&
           begins_nocase(t[RECORD_ACTION], f->action) &&
           (f->scope.n == 0 || scope_covers(f->scope, t[RECORD_SCOPE])) &&
           is_or_unset(t[RECORD_VERDICT], f->verdict) && is_or_unset(t[RECORD_RESULT], f->result) &&
           is_or_unset(t[RECORD_DIGEST], f->digest) &&
           is_or_unset(t[RECORD_REQUEST_ID], f->request_id) &&
           begins_nocase(t[RECORD_TARGET], f->target) && (f->text.n == 0 || mentions(r, f->text));
}

/* One literal per form: statements are kept by the address of their text. */
static const char *
sql_of(const struct audit_filter *f)
{
    bool by_digest = f->digest.n > 0 && text_is(f->kind, "change");

    if (by_digest && f->oldest_first)
        return "SELECT " RECORD_COLUMNS " FROM audit_record"
               " WHERE seq > $1 AND kind = 'change' AND digest <> '' AND digest = $2 ORDER BY seq";
    if (by_digest)
        return "SELECT " RECORD_COLUMNS " FROM audit_record"
               " WHERE seq < $1 AND kind = 'change' AND digest <> '' AND digest = $2"
               " ORDER BY seq DESC";
    if (f->oldest_first)
        return "SELECT " RECORD_COLUMNS " FROM audit_record WHERE seq > $1 AND $2 = $2"
               " ORDER BY seq";
    return "SELECT " RECORD_COLUMNS " FROM audit_record WHERE seq < $1 AND $2 = $2"
           " ORDER BY seq DESC";
}

int
audit_query(struct database *database, const struct audit_filter *f, size_t limit,
            audit_visit *visit, void *arg, int64_t *next, struct err *err)
{
    int64_t after = f->after != 0 || f->oldest_first ? f->after : INT64_MAX;
    size_t shown = 0, seen = 0;
    struct record r;
    DB_ROWS(rows);
    int more;

    if (db_query(database_reader(database), &rows, err, sql_of(f), DB_INT(after),
                 DB_TEXT(f->digest)) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0) {
        (void)record_row(&rows, &r);
        if (shown == limit || seen == AUDIT_SCAN_MAX) {
            *next = after;
            return 0;
        }
        seen++;
        after = r.seq;
        if (!matches(f, &r))
            continue;
        if (visit(arg, &r, err) < 0)
            return -1;
        shown++;
    }
    if (more < 0)
        return -1;
    *next = 0;
    return 0;
}

static const char *
sql_of_change(bool by_digest)
{
    if (by_digest)
        return "SELECT " RECORD_COLUMNS " FROM audit_record"
               " WHERE kind = 'change' AND digest <> '' AND digest = $1 ORDER BY seq DESC";
    return "SELECT " RECORD_COLUMNS " FROM audit_record"
           " WHERE kind = 'change' AND scope = $1 ORDER BY seq DESC";
}

int
audit_last_change(struct database *database, struct text action, struct text scope,
                  const struct digest *digest, audit_visit *visit, void *arg, struct err *err)
{
    char hex[DIGEST_TEXT_MAX + 1] = "";
    struct text digest_wanted = text_from(hex, digest != NULL ? digest_text(digest, hex) : 0);
    struct record r;
    DB_ROWS(rows);
    int more;

    if (db_query(database_reader(database), &rows, err, sql_of_change(digest != NULL),
                 DB_TEXT(digest != NULL ? digest_wanted : scope)) < 0)
        return -1;
    while ((more = db_next(&rows, err)) > 0) {
        (void)record_row(&rows, &r);
        if (begins_nocase(r.texts[RECORD_ACTION], action) &&
            is_or_unset(r.texts[RECORD_SCOPE], scope) &&
            text_is(r.texts[RECORD_RESULT], "succeeded"))
            return visit(arg, &r, err);
    }
    return more < 0 ? -1 : 1;
}
