/*
 * route.h - one row per thing that can be asked for.
 *
 * A service exports const tables of rows; daemon/ mounts them.  The row, not the handler, makes
 * the gateway identify, authorise and record, so that no handler can forget to.
 *
 * Invariants:
 *   R1  a row without an action is refused at start (deny by default);
 *   R2  a pattern matches whole decoded segments; "{name*}" takes one or more of them, every other
 *       "{name}" exactly one; literals of DIALECT_ARM match without regard to ASCII case;
 *   R3  of two rows that match, the one with more literal segments wins, then the earlier one.
 */
#ifndef EXCHANGE_ROUTE_H
#define EXCHANGE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/http.h"

struct exchange;

enum dialect_name {
    DIALECT_OCI,   /* the registry: /v2/, /acr/v1/, its token service */
    DIALECT_ARM,   /* Azure Resource Manager */
    DIALECT_OAUTH, /* /adfs, /{tenant}/oauth2 */
    DIALECT_PLAIN, /* /healthz, /readyz, /metrics */
    DIALECT_COUNT,
};

/* Actions that no role gives. */
#define ACTION_PUBLIC    "public"    /* anyone; every such row is listed by a test */
#define ACTION_SIGNED_IN "signed-in" /* any caller we know */

#define ROUTE_QUICK      0x01u /* the handler only makes point reads: it may run on a loop thread */
#define ROUTE_STREAM     0x02u /* the handler reads the body itself with exchange_read() */
#define ROUTE_DECIDES                                                                              \
    0x04u /* the handler asks exchange_allowed() itself (lists, token service)                     \
           */

/*
 * Do it, and describe the answer with answer.h.  On failure fill ${err}: kind gives the status,
 * code (when set) the dialect's word, msg the text; the dialect prints it.
 */
typedef int route_handler(void *room, struct exchange *x, struct err *err);

struct route {
    enum http_method method;
    const char *pattern;
    const char *action; /* Azure action string, or one of the two above */
    enum dialect_name dialect;
    route_handler *handler;
    unsigned flags;    /* ROUTE_* */
    uint64_t max_body; /* bytes; 0: the request has no body.  More is 413 */
};

#define ROUTE_PARAMS_MAX 12

struct route_params {
    struct {
        struct text name;
        struct text value; /* into the decoded path */
    } items[ROUTE_PARAMS_MAX];
    size_t n;
};

/* route_matches(r, path, params): ${path} is decoded and starts with '/'. */
bool route_matches(const struct route *r, struct text path, struct route_params *params);

/* A mounted set of tables; looked up without allocation. */
struct routes;

struct routes *routes_new(void);
void routes_free(struct routes *routes);

/* ${table} (kept, not copied) ends with a row whose pattern is NULL; ${room} goes to its handlers.
 */
MUST_CHECK int routes_mount(struct routes *routes, const struct route *table, void *room,
                            struct err *err);

/*
 * routes_find(routes, method, path, params, room, allowed): the best row, or NULL.  HEAD is served
 * by GET rows where there is no HEAD row.  ${allowed} gets a bit (1 << method) for each method the
 * path would serve, for 405.
 */
const struct route *routes_find(const struct routes *routes, enum http_method method,
                                struct text path, struct route_params *params, void **room,
                                unsigned *allowed);

/* routes_each(routes, visit, arg): every row, for the matrix test and the gateway's metrics. */
void routes_each(const struct routes *routes, void (*visit)(void *arg, const struct route *r),
                 void *arg);

#endif /* EXCHANGE_ROUTE_H */
