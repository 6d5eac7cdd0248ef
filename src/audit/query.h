/*
 * query.h - finding records: filters, pages, and the last change of a thing.
 *
 * Invariants:
 *   F1  a page begins behind the last record of the page before it, whatever was written since;
 *   F2  every filter that is set must hold; values are compared, never made part of SQL.
 * Threads: from any thread; reads only.
 */
#ifndef AUDIT_QUERY_H
#define AUDIT_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/audit.h"
#include "audit/record.h"
#include "base/err.h"
#include "base/text.h"

#define AUDIT_PAGE_MAX 1000
/* Rows one query looks at before it gives the page back, to be continued: no request runs long. */
#define AUDIT_SCAN_MAX 200000

/* Unset: empty texts, zero numbers. */
struct audit_filter {
    int64_t since_us;   /* time_us >= */
    int64_t until_us;   /* time_us < */
    struct text kind;   /* "change", "refusal", "read" */
    struct text caller; /* id or name, any case */
    struct text action; /* prefix, any case */
    struct text scope;  /* this id or what lies below it, any case */
    struct text verdict;
    struct text result;
    struct text digest;
    struct text request_id;
    struct text target; /* prefix */
    struct text text;   /* somewhere in action, scope, target, caller name, detail; any case */
    int64_t after;      /* seq of the last record of the page before; 0: from the beginning */
    bool oldest_first;
};

typedef int audit_visit(void *arg, const struct record *r, struct err *err);

/*
 * audit_query(d, filter, limit, visit, arg, next, err): visit at most ${limit} records.  ${next}
 * is the `after` of the page behind this one, or 0 at the end.  A page may be short, even empty,
 * when the scan limit ended it.
 */
MUST_CHECK int audit_query(struct database *database, const struct audit_filter *filter,
                           size_t limit, audit_visit *visit, void *arg, int64_t *next,
                           struct err *err);

/*
 * audit_last_change(d, action, scope, digest, visit, arg, err): the newest successful change of
 * exactly that scope (empty: any) and digest (NULL: any) whose action begins with ${action}; 1
 * when there is none.  One of the two must be given: both are indexed.
 */
MUST_CHECK int audit_last_change(struct database *database, struct text action, struct text scope,
                                 const struct digest *digest, audit_visit *visit, void *arg,
                                 struct err *err);

#endif /* AUDIT_QUERY_H */
