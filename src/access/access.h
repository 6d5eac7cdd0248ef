/*
 * access.h - may this caller do this action at this scope?
 *
 * Role-based access as Azure has it: a role definition is a list of actions with wildcards, an
 * assignment gives a role to a principal at a scope, and a scope holds everything below it.
 *
 * Invariants:
 *   A1  deny is the default: no assignment, no permission;
 *   A2  an assignment at a scope covers that scope and what lies below it, by whole segments and
 *       without regard to ASCII case, and nothing else;
 *   A3  a decision is taken on one immutable snapshot and names the assignment and the snapshot's
 *       version; a change of assignments is effective for every decision that begins after it
 *       was acknowledged;
 *   A4  a check allocates nothing and never waits for a writer.
 * Threads: access_check() from any thread, loop threads included.
 */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/own.h"
#include "base/text.h"
#include "identity/caller.h"
#include "store/database.h"

struct access;
struct arena;

extern const struct migration access_migrations[]; /* for database_open() */

#define ACCESS_SCOPE_MAX 1024

/* Why something was allowed or refused; copied into the decision record. */
struct decision {
    bool allowed;
    bool visible;                /* refused, but this caller may know that the scope exists */
    char assignment[ID_LEN + 1]; /* the role assignment that allowed it; empty when refused */
    const char *role; /* static: that role's name; when refused, the smallest role that would do */
    int64_t version;  /* of the snapshot the decision was taken on */
};

MUST_CHECK struct access *access_open(struct database *database, struct err *err);
void access_free(struct access *access);
DEFINE_OWN(access);

/*
 * access_check(a, caller, action, scope, out): decide; return out->allowed.
 * ${action} is an Azure action string; ${scope} a resource id, for a repository
 * ".../registries/R/repositories/app/web".  ${scope} counts as visible when the caller may read
 * anything at or above it.
 */
bool access_check(struct access *access, const struct caller *caller, const char *action,
                  struct text scope, struct decision *out);

/*
 * Assignments, inside a change (see store/database.h).  The snapshot is rebuilt after the group
 * that holds the change is durable and before the writer is answered (A3): call access_changed()
 * from the handler after the write returned 0.
 */
struct assignment {
    char id[ID_LEN + 1]; /* the name (a UUID) of the role assignment */
    struct text scope;
    struct text role_definition; /* id (UUID, alone or as last segment) or name; stored: UUID */
    char principal[ID_LEN + 1];
    struct text principal_type; /* User, ServicePrincipal, Group */
    int64_t created_at_us;
    struct text created_by;
};

/*
 * access_assign(): the same id with the same content again changes nothing.  ERR_INVALID for a bad
 * scope, principal or role; ERR_CONFLICT RoleAssignmentExists when the principal has that role
 * at that scope, RoleAssignmentUpdateNotPermitted when the id is taken by another assignment.
 */
MUST_CHECK int access_assign(struct db *db, const struct assignment *a, struct err *err);
MUST_CHECK int access_unassign(struct db *db, struct text id, struct err *err); /* 1: not there */

/* access_forget(db, scope, err): every assignment at ${scope} and below: what it names is gone. */
MUST_CHECK int access_forget(struct db *db, struct text scope, struct err *err);
MUST_CHECK int access_changed(struct access *access, struct err *err);

/* access_each(db, visit, arg, err): every stored assignment, in no order; from a reader too. */
typedef int access_visit(void *arg, const struct assignment *a, struct err *err);
MUST_CHECK int access_each(struct db *db, access_visit *visit, void *arg, struct err *err);

/* Role definitions, built in: id (UUID), name, description, actions. */
struct role {
    const char *id;
    const char *name;
    const char *description;
    const char *const *actions;      /* NULL-terminated, "*" matches any run of characters */
    const char *const *not_actions;  /* NULL-terminated or NULL */
    const char *const *data_actions; /* NULL-terminated or NULL; shown, not evaluated: as Azure
                                        does for registries without attribute conditions */
};

const struct role *access_roles(size_t *n);
const struct role *access_role_find(struct text id_or_name); /* UUID, full id, or role name */

#endif /* ACCESS_ACCESS_H */
