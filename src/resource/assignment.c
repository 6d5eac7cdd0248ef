/* assignment.c - Microsoft.Authorization/roleAssignments: who may do what where. */
#include <string.h>

#include "access/access.h"
#include "base/clock.h"
#include "identity/identity.h"
#include "resource/resource_priv.h"
#include "wire/filter.h"

#define TYPE            "Microsoft.Authorization/roleAssignments"
#define ROLE_TYPE       "Microsoft.Authorization/roleDefinitions"
#define DESCRIPTION_MAX 1024

/* The scope a path is about: all before the last "/providers/Microsoft.Authorization". */
static struct text
scope_of(const struct exchange *x)
{
    return x->scope;
}

static char *
role_id(const struct resources *rs, struct arena *arena, const struct role *role)
{
    return arena_printf(arena, "/subscriptions/%s/providers/" ROLE_TYPE "/%s",
                        rs->world->subscription_id, role->id);
}

static json_t *
assignment_document(const struct resources *rs, struct arena *arena, const struct assignment *a)
{
    const struct role *role = access_role_find(a->role_definition);
    char created[CLOCK_TEXT_LEN + 1];
    char *id = arena_printf(arena, "%.*s/providers/" TYPE "/%s", TEXT_ARG(a->scope), a->id);
    char *definition =
        role != NULL ? role_id(rs, arena, role) : arena_cstr(arena, a->role_definition);

    if (id == NULL || definition == NULL)
        return NULL;
    clock_text(a->created_at_us, created);
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:o*, s:o*, s:s, s:s, s:o*, s:o*, s:n, s:n}}",
                     "id", id, "name", a->id, "type", TYPE, "properties", "roleDefinitionId",
                     definition, "principalId", a->principal, "principalType",
                     json_from(a->principal_type), "scope", json_from(a->scope), "createdOn",
                     created, "updatedOn", created, "createdBy", json_from(a->created_by),
                     "updatedBy", json_from(a->created_by), "condition", "description");
}

/* One assignment looked for by its name and scope. */
struct search {
    struct arena *arena;
    struct text name;
    struct text scope;
    bool found;
    struct assignment a;
};

static int
copy_assignment(struct arena *arena, const struct assignment *a, struct assignment *out,
                struct err *err)
{
    *out = *a;
    out->scope = arena_text(arena, a->scope);
    out->role_definition = arena_text(arena, a->role_definition);
    out->principal_type = arena_text(arena, a->principal_type);
    out->created_by = arena_text(arena, a->created_by);
    return arena_full(arena) ? err_memory(err) : 0;
}

static int
compare(void *arg, const struct assignment *a, struct err *err)
{
    struct search *s = arg;

    if (s->found || !text_equal_nocase(text_of(a->id), s->name) ||
        !text_equal_nocase(a->scope, s->scope))
        return 0;
    s->found = true;
    return copy_assignment(s->arena, a, &s->a, err);
}

static int
find(struct db *db, struct exchange *x, struct search *out, struct err *err)
{
    *out = (struct search){ .arena = x->arena,
                            .name = exchange_param(x, "assignment"),
                            .scope = scope_of(x) };
    return access_each(db, compare, out, err);
}

static int
answer_assignment(struct resources *rs, struct exchange *x, const struct assignment *a, int status,
                  struct err *err)
{
    OWN_JSON doc = assignment_document(rs, x->arena, a);

    if (doc == NULL)
        return err_memory(err);
    resource_answer(x, status, doc);
    return 0;
}

int
assignment_get(void *room, struct exchange *x, struct err *err)
{
    struct resources *rs = room;
    struct search s;

    if (find(database_reader(rs->database), x, &s, err) < 0)
        return -1;
    if (!s.found)
        return err_code(err, ERR_NOT_FOUND, "RoleAssignmentNotFound",
                        "The role assignment '%.*s' is not found.",
                        TEXT_ARG(text_first(s.name, 60)));
    return answer_assignment(rs, x, &s.a, 200, err);
}

/* A change of assignments on its way to the writer. */
struct change {
    struct resources *rs;
    struct exchange *x;
    struct assignment now;
};

static int
write_assignment(struct db *db, void *arg, struct err *err)
{
    const struct change *c = arg;

    return access_assign(db, &c->now, err);
}

static int
check_scope(struct resources *rs, struct text scope, struct err *err)
{
    struct resource_id id;

    if (resource_id_parse(scope, &id, err) < 0)
        return -1;
    if (!text_is_nocase(id.subscription, rs->world->subscription_id))
        return err_code(err, ERR_NOT_FOUND, "SubscriptionNotFound",
                        "The subscription '%.*s' could not be found.",
                        TEXT_ARG(text_first(id.subscription, 60)));
    return 0;
}

static const struct role *
find_role(struct text given)
{
    struct text last = given, part;

    while (text_cut(&given, '/', &part))
        last = part;
    return access_role_find(last);
}

/* What the body asks for; conditions are not evaluated yet, so they are refused. */
static int
read_assignment(struct change *c, const json_t *body, struct err *err)
{
    struct text role, principal, type, condition;
    const struct role *found;
    struct identity *identity = c->x->world->identity;

    if (json_need_text(body, "properties.roleDefinitionId", &role, err) < 0 ||
        json_need_text(body, "properties.principalId", &principal, err) < 0 ||
        json_want_text(body, "properties.principalType", TEXT("User"), &type, err) < 0 ||
        json_want_text(body, "properties.condition", TEXT(""), &condition, err) < 0)
        return -1;
    if (condition.n > 0)
        return err_code(err, ERR_INVALID, "ConditionsNotSupported",
                        "properties.condition: conditions are not evaluated yet, and an assignment "
                        "without its condition would give too much");
    if ((found = find_role(role)) == NULL)
        return err_code(err, ERR_NOT_FOUND, "RoleDefinitionDoesNotExist",
                        "The specified role definition with ID '%.*s' does not exist.",
                        TEXT_ARG(text_first(role, 150)));
    if (!id_is(principal) || !identity_principal_exists(identity, principal))
        return err_code(err, ERR_INVALID, "PrincipalNotFound",
                        "Principal %.*s does not exist in the directory.",
                        TEXT_ARG(text_first(principal, 60)));
    c->now.role_definition = text_of(found->id);
    (void)text_copy(principal, c->now.principal, sizeof(c->now.principal));
    c->now.principal_type = type;
    return 0;
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

int
assignment_put(void *room, struct exchange *x, struct err *err)
{
    struct change c = { .rs = room, .x = x };
    struct exchange_note note = { .status = 201 };
    struct text name = exchange_param(x, "assignment");
    OWN_JSON body = NULL;
    const char *detail;

    if (!id_is(name))
        return err_code(err, ERR_INVALID, "InvalidRoleAssignmentId",
                        "The role assignment ID '%.*s' is not valid. The role assignment ID must "
                        "be a GUID.",
                        TEXT_ARG(text_first(name, 60)));
    for (size_t i = 0; i < ID_LEN; i++)
        c.now.id[i] = lower(name.p[i]);
    c.now.scope = scope_of(x);
    c.now.created_at_us = clock_now_us();
    c.now.created_by = text_of(x->caller.id);
    if (check_scope(room, c.now.scope, err) < 0 || sent_document_read(x, &body, err) < 0 ||
        read_assignment(&c, body, err) < 0)
        return -1;
    detail = arena_printf(x->arena, "%s for %s", access_role_find(c.now.role_definition)->name,
                          c.now.principal);
    note.detail = text_of(detail);
    note.target = text_of(c.now.id);
    if (exchange_change(x, write_assignment, &c, &note, err) < 0 ||
        access_changed(x->world->access, err) < 0)
        return -1;
    return answer_assignment(room, x, &c.now, 201, err);
}

/* Somebody must be able to undo what is done: an Owner of the subscription stays. */
struct owners {
    const struct resources *rs;
    const char *leaving;
    bool leaves;
    size_t others;
};

static int
count_owner(void *arg, const struct assignment *a, struct err *err)
{
    struct owners *o = arg;
    const struct role *role = access_role_find(a->role_definition);
    struct text scope = a->scope;

    (void)err;
    if (role == NULL || strcmp(role->name, "Owner") != 0 ||
        !text_starts_nocase(scope, "/subscriptions/") ||
        !text_is_nocase(text_after(scope, 15), o->rs->world->subscription_id))
        return 0;
    if (text_equal_nocase(text_of(a->id), text_of(o->leaving)))
        o->leaves = true;
    else
        o->others++;
    return 0;
}

static int
write_unassignment(struct db *db, void *arg, struct err *err)
{
    const struct change *c = arg;
    struct owners o = { .rs = c->rs, .leaving = c->now.id };

    if (access_each(db, count_owner, &o, err) < 0)
        return -1;
    if (o.leaves && o.others == 0)
        return err_code(err, ERR_CONFLICT, "LastOwnerCannotBeRemoved",
                        "this is the last Owner of the subscription: nobody could give roles any "
                        "more.  Make another principal Owner first");
    return access_unassign(db, text_of(c->now.id), err) < 0 ? -1 : 0;
}

int
assignment_delete(void *room, struct exchange *x, struct err *err)
{
    struct resources *rs = room;
    struct change c = { .rs = rs, .x = x };
    struct exchange_note note = { .status = 200, .detail = TEXT("deleted") };
    struct search s;

    if (find(database_reader(rs->database), x, &s, err) < 0)
        return -1;
    if (!s.found) {
        resource_answer(x, 204, NULL);
        return 0;
    }
    c.now = s.a;
    note.target = text_of(c.now.id);
    if (exchange_change(x, write_unassignment, &c, &note, err) < 0 ||
        access_changed(x->world->access, err) < 0)
        return -1;
    return answer_assignment(rs, x, &s.a, 200, err);
}

struct listing {
    struct resources *rs;
    struct exchange *x;
    json_t *values;
    bool at_scope; /* this scope and above only */
    struct text principal;
};

/* Is ${below} the same scope as ${above}, or under it? */
static bool
covers(struct text above, struct text below)
{
    return below.n >= above.n && text_equal_nocase(text_first(below, above.n), above) &&
           (below.n == above.n || below.p[above.n] == '/');
}

static int
add_to_list(void *arg, const struct assignment *a, struct err *err)
{
    const struct listing *l = arg;
    struct text scope = scope_of(l->x);
    bool wanted = covers(a->scope, scope) || (!l->at_scope && covers(scope, a->scope));

    if (!wanted || (l->principal.n > 0 && !text_is_nocase(l->principal, a->principal)))
        return 0;
    return json_array_append_new(l->values, assignment_document(l->rs, l->x->arena, a)) < 0
               ? err_memory(err)
               : 0;
}

static int
read_filter(struct listing *l, struct err *err)
{
    struct filter f;

    if (filter_parse(exchange_query(l->x, "$filter"), &f, err) < 0)
        return -1;
    for (size_t i = 0; i < f.n; i++) {
        const struct filter_clause *c = &f.clauses[i];

        if (c->op == FILTER_CALL && text_is_nocase(c->field, "atScope"))
            l->at_scope = true;
        else if ((c->op == FILTER_EQ && text_is_nocase(c->field, "principalId")) ||
                 (c->op == FILTER_CALL && text_is_nocase(c->field, "assignedTo")))
            l->principal = c->value;
        else
            return err_code(err, ERR_INVALID, "InvalidFilterInQueryString",
                            "$filter: atScope(), assignedTo('ID') and principalId eq 'ID' are "
                            "possible here");
    }
    return 0;
}

int
assignment_list(void *room, struct exchange *x, struct err *err)
{
    OWN_JSON doc = json_pack("{s:[]}", "value");
    struct listing l = { .rs = room, .x = x };

    if (doc == NULL)
        return err_memory(err);
    l.values = json_object_get(doc, "value");
    if (read_filter(&l, err) < 0 ||
        access_each(database_reader(l.rs->database), add_to_list, &l, err) < 0)
        return -1;
    resource_answer(x, 200, doc);
    return 0;
}
