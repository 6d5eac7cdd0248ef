/* role assignment create, list, delete */
#include <string.h>

#include "base/id.h"
#include "cli/arm.h"
#include "wire/json.h"
#include "wire/url.h"

#define PATH_BYTES  ((size_t)4096)
#define ASSIGNMENTS "/providers/Microsoft.Authorization/roleAssignments"
#define DEFINITIONS "/providers/Microsoft.Authorization/roleDefinitions"

static const struct column columns[] = {
    { "Principal", "principalName" },
    { "Type", "properties.principalType" },
    { "Role", "roleDefinitionName" },
    { "Scope", "properties.scope" },
    { "Name", "name" },
    { NULL, NULL },
};

/* --scope, or the resource group of -g, or the subscription. */
static int
scope_of(struct cli *cli, struct buf *out, struct err *err)
{
    const char *scope = arguments_get(&cli->arguments, "scope");
    const char *group = arguments_get(&cli->arguments, "resource-group");

    if (scope != NULL && scope[0] != '/')
        return err_code(err, ERR_INVALID, CLI_USAGE,
                        "--scope is a resource id: /subscriptions/.../resourceGroups/...");
    if (scope != NULL) {
        buf_str(out, scope);
        return buf_check(out, err);
    }
    if (arm_subscription(cli, out, err) != 0)
        return -1;
    if (group != NULL) {
        buf_str(out, "/resourceGroups/");
        url_encode_segment(out, text_of(group));
    }
    return buf_check(out, err);
}

static int
list_definitions(struct cli *cli, json_t **out, struct err *err)
{
    OWN_BUF(path, PATH_BYTES);

    if (arm_subscription(cli, &path, err) != 0)
        return -1;
    buf_str(&path, DEFINITIONS);
    return arm_list(cli, path.p, ARM_AUTHORIZATION, out, err);
}

/* The id of a role by its name, its UUID, or its id. */
static int
find_role(struct cli *cli, const char *wanted, struct buf *out, struct err *err)
{
    OWN_JSON all = NULL;

    if (wanted[0] == '/') {
        buf_str(out, wanted);
        return buf_check(out, err);
    }
    if (list_definitions(cli, &all, err) != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        const json_t *name = json_object_get(json_object_get(one, "properties"), "roleName");

        if (text_is_nocase(json_text(name), wanted) ||
            text_is_nocase(json_text(json_object_get(one, "name")), wanted)) {
            buf_text(out, json_text(json_object_get(one, "id")));
            return buf_check(out, err);
        }
    }
    return err_set(err, ERR_NOT_FOUND,
                   "there is no role \"%s\"; AcrPull, AcrPush, Reader,"
                   " Contributor and Owner are the usual ones",
                   wanted);
}

/* For people: the name of each assignment's role. */
static int
add_role_names(struct cli *cli, json_t *list, struct err *err)
{
    OWN_JSON definitions = NULL;

    if (list_definitions(cli, &definitions, err) != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);
        struct text id =
            json_text(json_object_get(json_object_get(one, "properties"), "roleDefinitionId"));

        for (size_t k = 0; k < json_array_size(definitions); k++) {
            const json_t *d = json_array_get(definitions, k);
            struct text name = json_text(json_object_get(d, "name"));

            if (name.n > 0 && id.n >= name.n &&
                text_equal_nocase(text_after(id, id.n - name.n), name))
                (void)json_object_set(
                    one, "roleDefinitionName",
                    json_object_get(json_object_get(d, "properties"), "roleName"));
        }
        if (json_object_get(one, "principalName") == NULL)
            (void)json_object_set(
                one, "principalName",
                json_object_get(json_object_get(one, "properties"), "principalId"));
    }
    return 0;
}

static int
create(struct cli *cli, struct err *err)
{
    const char *assignee = arguments_get(&cli->arguments, "assignee-object-id");
    const char *role = arguments_need(&cli->arguments, "role", err);
    const char *type = arguments_get(&cli->arguments, "assignee-principal-type");
    OWN_BUF(path, PATH_BYTES);
    OWN_BUF(definition, PATH_BYTES);
    OWN_JSON body = NULL;
    OWN_ANSWER answer = { 0 };
    char id[ID_LEN + 1];

    if (assignee == NULL)
        assignee = arguments_need(&cli->arguments, "assignee", err);
    if (assignee == NULL || role == NULL || find_role(cli, role, &definition, err) != 0 ||
        scope_of(cli, &path, err) != 0)
        return -1;
    id_new(id);
    buf_printf(&path, ASSIGNMENTS "/%s", id);
    body = json_pack("{s:{s:s, s:s, s:s*}}", "properties", "roleDefinitionId", definition.p,
                     "principalId", assignee, "principalType", type);
    if (buf_check(&path, err) != 0 ||
        arm_ask(cli, "PUT", path.p, ARM_AUTHORIZATION, body, &answer, err) != 0 ||
        add_role_names(cli, answer.document, err) != 0)
        return -1;
    return cli_print(cli, answer.document, columns, err);
}

static bool
wanted(const struct cli *cli, const json_t *one)
{
    const char *assignee = arguments_get(&cli->arguments, "assignee");
    const char *role = arguments_get(&cli->arguments, "role");
    const json_t *properties = json_object_get(one, "properties");

    if (assignee != NULL &&
        !text_is_nocase(json_text(json_object_get(properties, "principalId")), assignee) &&
        !text_is_nocase(json_text(json_object_get(one, "principalName")), assignee))
        return false;
    return role == NULL ||
           text_is_nocase(json_text(json_object_get(one, "roleDefinitionName")), role);
}

static int
find_assignments(struct cli *cli, json_t *out, struct err *err)
{
    OWN_BUF(path, PATH_BYTES);
    OWN_JSON all = NULL;

    if (scope_of(cli, &path, err) != 0)
        return -1;
    buf_str(&path, ASSIGNMENTS);
    if (buf_check(&path, err) != 0 || arm_list(cli, path.p, ARM_AUTHORIZATION, &all, err) != 0 ||
        add_role_names(cli, all, err) != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(all); i++)
        if (wanted(cli, json_array_get(all, i)) &&
            json_array_append(out, json_array_get(all, i)) != 0)
            return err_memory(err);
    return 0;
}

static int
list(struct cli *cli, struct err *err)
{
    OWN_JSON found = json_array();

    return find_assignments(cli, found, err) != 0 ? -1 : cli_print(cli, found, columns, err);
}

static int
delete_one(struct cli *cli, const char *id, struct err *err)
{
    OWN_ANSWER answer = { 0 };

    return arm_ask(cli, "DELETE", id, ARM_AUTHORIZATION, NULL, &answer, err);
}

static int delete (struct cli *cli, struct err *err)
{
    OWN_JSON found = json_array();
    const char *ids = arguments_get(&cli->arguments, "ids");

    if (ids != NULL)
        return delete_one(cli, ids, err);
    if (!arguments_has(&cli->arguments, "assignee"))
        return err_code(err, ERR_INVALID, CLI_USAGE,
                        "say which: --ids ID, or --assignee and --role");
    if (find_assignments(cli, found, err) != 0)
        return -1;
    if (json_array_size(found) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such assignment at this scope");
    for (size_t i = 0; i < json_array_size(found); i++)
        if (delete_one(cli, json_string_value(json_object_get(json_array_get(found, i), "id")),
                       err) != 0)
            return -1;
    return 0;
}

#define COMMON_ROWS                                                                                \
    { "assignee", 0, ARGUMENT_VALUE, "ID", "object id of a user or service principal" },           \
        { "role", 0, ARGUMENT_VALUE, "ROLE", "name or id: AcrPull, AcrPush, Reader ..." },         \
        { "scope", 0, ARGUMENT_VALUE, "ID", "resource id (default: the subscription)" },           \
    {                                                                                              \
        "resource-group", 'g', ARGUMENT_VALUE, "GROUP", "instead of --scope"                       \
    }
#define LAST_ROW                                                                                   \
    {                                                                                              \
        NULL, 0, ARGUMENT_FLAG, NULL, NULL                                                         \
    }

static const struct argument create_arguments[] = {
    COMMON_ROWS,
    { "assignee-object-id", 0, ARGUMENT_VALUE, "ID", "as --assignee" },
    { "assignee-principal-type", 0, ARGUMENT_VALUE, "TYPE", "User or ServicePrincipal" },
    LAST_ROW,
};
static const struct argument list_arguments[] = { COMMON_ROWS, LAST_ROW };
static const struct argument delete_arguments[] = {
    COMMON_ROWS,
    { "ids", 0, ARGUMENT_VALUE, "ID", "of the assignment itself" },
    LAST_ROW,
};

const struct verb verbs_role[] = {
    { "role assignment create", "give a role at a scope",
      "  holdfast role assignment create --assignee 0a1b... --role AcrPull \\\n"
      "      --scope /subscriptions/S/resourceGroups/default/providers/"
      "Microsoft.ContainerRegistry/registries/holdfast/repositories/app/web\n",
      create_arguments, create },
    { "role assignment list", "who has which role", "  holdfast role assignment list\n",
      list_arguments, list },
    { "role assignment delete", "take a role away",
      "  holdfast role assignment delete --assignee 0a1b... --role AcrPull\n", delete_arguments,
      delete },
    { NULL, NULL, NULL, NULL, NULL },
};
