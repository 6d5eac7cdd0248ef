/* resource_priv.h - what the modules of this room share. */
#ifndef RESOURCE_RESOURCE_PRIV_H
#define RESOURCE_RESOURCE_PRIV_H

#include <stddef.h>

#include "resource/resource.h"
#include "store/database.h"
#include "wire/json.h"
#include "wire/resource_id.h"

#define TYPES_MAX    16
#define TYPE_GROUP   "Microsoft.Resources/resourceGroups"
#define ACTION_GROUP "Microsoft.Resources/subscriptions/resourceGroups"
#define PAGE_MAX     1000 /* resources in one answer of a list */

struct registered {
    const struct resource_type *type; /* kept */
    void *room;
};

struct observer {
    const char *type;
    resource_removed *removed;
    void *room;
};

struct resources {
    struct database *database;          /* borrowed */
    const struct exchange_world *world; /* borrowed */
    struct registered types[TYPES_MAX];
    size_t n_types;
    struct observer observers[RESOURCE_OBSERVERS_MAX];
    size_t n_observers;
    struct route *rows; /* made by resources_routes(); patterns and actions are in the arena */
    struct arena *names;
    struct dialect dialect;
};

/* OWN_RESOURCE r: its trees are given back at scope end. */
#define OWN_RESOURCE __attribute__((cleanup(resource_done))) struct resource

/* The id folded to lower case: how rows are found (P1). */
struct row_key {
    char p[RESOURCE_ID_MAX + 1];
    size_t n;
};

MUST_CHECK int row_key(struct text id, struct row_key *out, struct err *err);

/* row_load(db, id, arena, out, err): 1 when there is none. */
MUST_CHECK int row_load(struct db *db, struct text id, struct arena *arena, struct resource *out,
                        struct err *err);

/* Which rows a list wants; empty texts: any.  Compared without regard to ASCII case. */
struct row_filter {
    struct text type;
    struct text group;
    struct text after; /* key of the last row of the page before */
};

/* row_each(db, filter, visit, arg, err): in the order of keys; ${visit} may return 1 to end it. */
MUST_CHECK int row_each(struct db *db, const struct row_filter *filter, resource_visit *visit,
                        void *arg, struct err *err);

/* row_same_etag(db, id, etag, err): 0, or ERR_CONFLICT; an empty etag: there must be no row. */
MUST_CHECK int row_same_etag(struct db *db, struct text id, struct text etag, struct err *err);

const struct registered *registered_type(const struct resources *rs, struct text type);

/* remove_row(rs, db, r, err): the row, after those who observe its type. */
MUST_CHECK int remove_row(struct resources *rs, struct db *db, const struct resource *r,
                          struct err *err);

/* document_of(rs, x, r, err): what a reader sees; a new reference, or NULL. */
json_t *document_of(struct resources *rs, struct exchange *x, const struct resource *r,
                    struct err *err);

/* Parts of a body (body.c). */
MUST_CHECK int sent_document_read(struct exchange *x, json_t **out, struct err *err);
MUST_CHECK int body_tags(const json_t *body, json_t **out, struct err *err); /* NULL: absent */
MUST_CHECK int body_location(const json_t *body, struct arena *arena, struct text fallback,
                             struct text *out, struct err *err);
json_t *body_extra(const json_t *body); /* all that is kept beside properties; new, or NULL */
MUST_CHECK int body_merge(json_t *base, const json_t *patch, struct err *err); /* RFC 7396 */

/* check_conditions(x, old or NULL, err): If-Match and If-None-Match. */
MUST_CHECK int check_conditions(const struct exchange *x, const struct resource *old,
                                struct err *err);

/* path_id(x, out, err): the path as a resource id, and as text with Azure's spelling. */
MUST_CHECK int path_id(struct exchange *x, struct resource_id *out, struct text *printed,
                       struct err *err);
MUST_CHECK int print_id(const struct resource_id *id, struct arena *arena, struct text *out,
                        struct err *err);

/* next_link(x, token, doc, err): "nextLink": the same question with that $skiptoken. */
MUST_CHECK int next_link(struct exchange *x, struct text token, json_t *doc, struct err *err);

/* Handlers: the room is struct resources. */
route_handler resource_get, resource_replace, resource_patch, resource_delete, resource_list;
route_handler group_get, group_head, group_put, group_patch, group_delete, group_list;
route_handler resources_list_all;
route_handler tenants_get, subscriptions_get, subscription_get, locations_get;
route_handler providers_get, provider_get, provider_register, unknown_type;
route_handler operation_status, operation_result;
route_handler registry_check_name;
route_handler assignment_put, assignment_get, assignment_delete, assignment_list;
route_handler definition_get, definition_list;
route_handler audit_records_get, audit_verify_post, audit_checkpoint_post;

extern const struct resource_type registry_type;
extern const struct route fixed_rows[];

#endif /* RESOURCE_RESOURCE_PRIV_H */
