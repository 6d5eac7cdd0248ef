/* definition.c - Microsoft.Authorization/roleDefinitions: the built-in roles, to be read. */
#include "access/access.h"
#include "resource/resource_priv.h"
#include "wire/filter.h"

#define TYPE "Microsoft.Authorization/roleDefinitions"

static json_t *
words(const char *const *list)
{
    json_t *array = json_array();

    for (; list != NULL && *list != NULL; list++)
        (void)json_array_append_new(array, json_string(*list));
    return array;
}

static json_t *
definition_document(const struct resources *rs, const struct role *r)
{
    return json_pack("{s:s+++, s:s, s:s, s:{s:s, s:s, s:s, s:[s], s:[{s:o, s:o, s:[], s:[]}]}}",
                     "id", "/subscriptions/", rs->world->subscription_id, "/providers/" TYPE "/",
                     r->id, "name", r->id, "type", TYPE, "properties", "roleName", r->name, "type",
                     "BuiltInRole", "description", r->description, "assignableScopes", "/",
                     "permissions", "actions", words(r->actions), "notActions",
                     words(r->not_actions), "dataActions", "notDataActions");
}

int
definition_get(void *room, struct exchange *x, struct err *err)
{
    struct text name = exchange_param(x, "definition");
    const struct role *r = id_is(name) ? access_role_find(name) : NULL;
    OWN_JSON doc = NULL;

    if (r == NULL)
        return err_code(err, ERR_NOT_FOUND, "RoleDefinitionDoesNotExist",
                        "The specified role definition with ID '%.*s' does not exist.",
                        TEXT_ARG(text_first(name, 60)));
    if ((doc = definition_document(room, r)) == NULL)
        return err_memory(err);
    resource_answer(x, 200, doc);
    return 0;
}

static int
matches(const struct role *r, const struct filter *f, bool *out, struct err *err)
{
    *out = true;
    for (size_t i = 0; i < f->n; i++) {
        const struct filter_clause *c = &f->clauses[i];

        if (c->op == FILTER_EQ && text_is_nocase(c->field, "roleName"))
            *out = *out && text_is_nocase(c->value, r->name);
        else if (c->op == FILTER_EQ && text_is_nocase(c->field, "type"))
            *out = *out && text_is_nocase(c->value, "BuiltInRole");
        else if (c->op != FILTER_CALL || !text_is_nocase(c->field, "atScopeAndBelow"))
            return err_code(err, ERR_INVALID, "InvalidFilterInQueryString",
                            "$filter: roleName eq 'NAME' and type eq 'BuiltInRole' are possible "
                            "here");
    }
    return 0;
}

int
definition_list(void *room, struct exchange *x, struct err *err)
{
    OWN_JSON doc = json_pack("{s:[]}", "value");
    struct filter f;
    size_t n;
    const struct role *roles = access_roles(&n);
    bool wanted;

    if (doc == NULL)
        return err_memory(err);
    if (filter_parse(exchange_query(x, "$filter"), &f, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (matches(&roles[i], &f, &wanted, err) < 0)
            return -1;
        if (wanted && json_array_append_new(json_object_get(doc, "value"),
                                            definition_document(room, &roles[i])) < 0)
            return err_memory(err);
    }
    resource_answer(x, 200, doc);
    return 0;
}
