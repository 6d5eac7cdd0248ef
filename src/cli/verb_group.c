/* group create, list, show, delete */
#include "cli/arm.h"
#include "wire/json.h"
#include "wire/url.h"

#define PATH_BYTES ((size_t)4096)

static const struct column columns[] = {
    { "Name", "name" },
    { "Location", "location" },
    { "Status", "properties.provisioningState" },
    { NULL, NULL },
};

static int
group_path(struct cli *cli, struct buf *out, struct err *err)
{
    const char *name = arguments_need(&cli->arguments, "name", err);

    if (name == NULL || arm_subscription(cli, out, err) != 0)
        return -1;
    buf_str(out, "/resourceGroups/");
    url_encode_segment(out, text_of(name));
    return buf_check(out, err);
}

static int
create(struct cli *cli, struct err *err)
{
    const char *location = arguments_get(&cli->arguments, "location");
    OWN_JSON body = json_pack("{s:s}", "location", location != NULL ? location : "local");
    OWN_BUF(path, PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    if (group_path(cli, &path, err) != 0 ||
        arm_ask(cli, "PUT", path.p, ARM_GROUPS, body, &answer, err) != 0)
        return -1;
    return cli_print(cli, answer.document, columns, err);
}

static int
list(struct cli *cli, struct err *err)
{
    OWN_BUF(path, PATH_BYTES);
    OWN_JSON all = NULL;

    if (arm_subscription(cli, &path, err) != 0)
        return -1;
    buf_str(&path, "/resourcegroups");
    if (arm_list(cli, path.p, ARM_GROUPS, &all, err) != 0)
        return -1;
    return cli_print(cli, all, columns, err);
}

static int
show(struct cli *cli, struct err *err)
{
    OWN_BUF(path, PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    if (group_path(cli, &path, err) != 0 ||
        arm_ask(cli, "GET", path.p, ARM_GROUPS, NULL, &answer, err) != 0)
        return -1;
    return cli_print(cli, answer.document, columns, err);
}

static int delete (struct cli *cli, struct err *err)
{
    OWN_BUF(path, PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    if (!arguments_has(&cli->arguments, "yes"))
        return err_code(err, ERR_INVALID, CLI_USAGE,
                        "this deletes the group and everything in it: say --yes (-y)");
    if (group_path(cli, &path, err) != 0 ||
        arm_ask(cli, "DELETE", path.p, ARM_GROUPS, NULL, &answer, err) != 0)
        return -1;
    return arguments_has(&cli->arguments, "no-wait") ? 0
                                                     : arm_wait_gone(cli, path.p, ARM_GROUPS, err);
}

#define NAME_ROW                                                                                   \
    {                                                                                              \
        "name", 'n', ARGUMENT_VALUE, "NAME", "the resource group"                                  \
    }
#define LAST_ROW                                                                                   \
    {                                                                                              \
        NULL, 0, ARGUMENT_FLAG, NULL, NULL                                                         \
    }

static const struct argument create_arguments[] = {
    NAME_ROW,
    { "location", 'l', ARGUMENT_VALUE, "PLACE", "any word (default \"local\")" },
    LAST_ROW,
};
static const struct argument name_arguments[] = { NAME_ROW, LAST_ROW };
static const struct argument delete_arguments[] = {
    NAME_ROW,
    { "yes", 'y', ARGUMENT_FLAG, NULL, "do not ask" },
    { "no-wait", 0, ARGUMENT_FLAG, NULL, "return before it is gone" },
    LAST_ROW,
};

const struct verb verbs_group[] = {
    { "group create", "make a resource group", "  holdfast group create -n web -l local\n",
      create_arguments, create },
    { "group list", "the resource groups", "  holdfast group list\n", NULL, list },
    { "group show", "one resource group", "  holdfast group show -n default\n", name_arguments,
      show },
    { "group delete", "delete a resource group and what is in it",
      "  holdfast group delete -n web -y\n", delete_arguments, delete },
    { NULL, NULL, NULL, NULL, NULL },
};
