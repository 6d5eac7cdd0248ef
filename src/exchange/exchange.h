/*
 * exchange.h - one request and its answer, as services see them.
 *
 * Invariants:
 *   X1  everything here lives exactly as long as the request; strings are in x->arena;
 *   X2  a handler changes state only through exchange_change(): the change and its decision record
 *       are one transaction;
 *   X3  exchange_read() is the only way to the body: it applies back-pressure, sends 100-continue
 *       when first called, and refuses more than the row's max_body.
 * Threads: an exchange belongs to one thread at a time.
 */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "base/text.h"
#include "exchange/answer.h"
#include "exchange/route.h"
#include "identity/caller.h"
#include "identity/identity.h"
#include "store/database.h"
#include "wire/http.h"
#include "wire/url.h"

struct access;
struct audit;

/* The rooms every exchange needs; one per daemon. */
struct exchange_world {
    struct database *database;
    struct audit *audit;
    struct identity *identity;
    struct access *access;
    const char *tenant_id;
    const char *subscription_id;
    const char *domain;       /* --domain */
    const char *login_server; /* "localhost:8443": the default registry's, and the bare host's */
};

/* Which of our hosts was addressed (DESIGN section 5). */
enum host_kind {
    HOST_BARE,     /* localhost, an address, a configured name: ARM, login, default registry */
    HOST_REGISTRY, /* NAME.azurecr.DOMAIN */
    HOST_VAULT,
    HOST_FILE,
    HOST_MANAGEMENT,
    HOST_LOGIN,
};

struct exchange {
    /* What came in. */
    char request_id[ID_LEN + 1];
    const struct http_head *head;
    enum http_method method; /* HEAD stays HEAD */
    struct text path;        /* decoded */
    struct text raw_query;
    struct url_query query;
    struct route_params params;
    const struct route *route;
    enum host_kind host;
    struct text host_name;  /* as sent: "localhost:8443" */
    struct text host_label; /* NAME of HOST_REGISTRY, HOST_VAULT, HOST_FILE */
    char address[64];       /* of the client, without its port */
    bool secure;            /* TLS */
    int64_t started_us;     /* wall clock */
    int64_t started_mono_us;
    struct arena *arena;
    const struct exchange_world *world;

    /* What the dialect's address step found out. */
    struct text scope;      /* resource id that is asked about */
    struct text service;    /* login server, for registry tokens */
    struct text grant_type; /* what a limited token must hold: see caller_holds() */
    struct text grant_name;
    unsigned grant_bits;
    struct text target; /* what within the scope, for the record: "app:1" */

    /* What the steps decided. */
    struct caller caller;
    bool presented; /* credentials came with it, in a header or a form */
    struct decision decision;
    bool recorded;               /* a change has written the record already */
    const struct digest *digest; /* the content concerned, for the record of a read; may be NULL */

    /* The body; set up by the gateway. */
    int64_t body_length; /* -1: chunked */
    ssize_t (*read)(void *connection, void *p, size_t max, struct err *err);
    void *connection;
    uint64_t body_read;

    struct answer answer;
};

/* exchange_read(x, p, max, err): 1..max bytes, 0 at the end, -1.  Blocks; never on a loop thread.
 */
MUST_CHECK ssize_t exchange_read(struct exchange *x, void *p, size_t max, struct err *err);

/* exchange_body(x, out, err): the whole body, at most route->max_body bytes, in the arena. */
MUST_CHECK int exchange_body(struct exchange *x, struct text *out, struct err *err);

struct text exchange_param(const struct exchange *x, const char *name); /* empty when not there */
struct text exchange_query(const struct exchange *x, const char *name); /* p NULL when not there */
struct text exchange_header(const struct exchange *x, const char *name);

/* What the record of a change says beyond what the exchange knows. */
struct exchange_note {
    int status;                  /* that will be answered */
    const struct digest *digest; /* may be NULL */
    struct text target;          /* empty: x->target */
    struct text detail;
};

/* exchange_change(x, change, arg, note, err): run ${change} and append the record (X2); durable. */
MUST_CHECK int exchange_change(struct exchange *x, database_change *change, void *arg,
                               const struct exchange_note *note, struct err *err);

/*
 * exchange_allowed(x, action, scope): for ROUTE_DECIDES rows: what access says, and for limited
 * tokens also whether they hold ${bits} on ${name} of ${type}.
 */
bool exchange_allowed(struct exchange *x, const char *action, struct text scope);

/* How a dialect addresses things and says no. */
struct dialect {
    void *room;
    /* Set scope (and service, grant_*, target) from the path; ERR_NOT_FOUND when there is none. */
    int (*address)(void *room, struct exchange *x, struct err *err);
    /* Fill x->answer from ${err}; x->answer.status is already the status of the kind. */
    void (*refuse)(void *room, struct exchange *x, const struct err *err);
    enum audience audience;
};

/* exchange_status(err): the HTTP status of an error's kind. */
int exchange_status(const struct err *err);

/*
 * exchange_record(x, failure or NULL, err): write the decision record of what was not a change.
 * Blocks until it is durable when exchange_refusal_is_durable(), else never.
 */
MUST_CHECK int exchange_record(struct exchange *x, const struct err *failure, struct err *err);
bool exchange_refusal_is_durable(const struct exchange *x, const struct err *failure);

#endif /* EXCHANGE_EXCHANGE_H */
