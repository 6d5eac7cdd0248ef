/* container list, show, logs, delete, start, stop, restart; create is in verb_container_create.c */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/arm.h"
#include "cli/screen.h"
#include "cli/verb_container.h"
#include "wire/json.h"
#include "wire/url.h"

#define FOLLOW_MS 500

const struct column container_columns[] = {
    { "Name", "name" },
    { "Status", "properties.instanceView.state" },
    { "Image", "properties.containers.*.properties.image" },
    { "IP", "properties.ipAddress.ip" },
    { "Ports", "properties.ipAddress.ports.*.port" },
    { "Restarts", "properties.containers.*.properties.instanceView.restartCount" },
    { "Provisioning", "properties.provisioningState" },
    { NULL, NULL },
};

int
container_path(struct cli *cli, const char *below, struct buf *out, struct err *err)
{
    const char *name = arguments_get(&cli->arguments, "name");

    if (name == NULL)
        name = arguments_get(&cli->arguments, "");
    if (name == NULL)
        name = arguments_need(&cli->arguments, "name", err);
    if (name == NULL || arm_path(cli, CONTAINER_TYPE, name, out, err) != 0)
        return -1;
    buf_str(out, below);
    return buf_check(out, err);
}

static int
list(struct cli *cli, struct err *err)
{
    OWN_BUF(path, CONTAINER_PATH_BYTES);
    OWN_JSON all = NULL;

    if (arguments_has(&cli->arguments, "resource-group")) {
        if (arm_path(cli, CONTAINER_TYPE, NULL, &path, err) != 0)
            return -1;
    } else {
        if (arm_subscription(cli, &path, err) != 0)
            return -1;
        buf_str(&path, "/providers/" CONTAINER_TYPE);
    }
    if (arm_list(cli, path.p, ARM_INSTANCES, &all, err) != 0)
        return -1;
    return cli_print(cli, all, container_columns, err);
}

static int
show(struct cli *cli, struct err *err)
{
    OWN_BUF(path, CONTAINER_PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    if (container_path(cli, "", &path, err) != 0 ||
        arm_ask(cli, "GET", path.p, ARM_INSTANCES, NULL, &answer, err) != 0 ||
        cli_print(cli, answer.document, container_columns, err) != 0)
        return -1;
    if (cli->format == OUTPUT_TABLE)
        container_tell_events(answer.document);
    return 0;
}

static int
post(struct cli *cli, const char *what, struct err *err)
{
    OWN_BUF(path, CONTAINER_PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    if (container_path(cli, what, &path, err) != 0)
        return -1;
    return arm_ask(cli, "POST", path.p, ARM_INSTANCES, NULL, &answer, err);
}

static int
start(struct cli *cli, struct err *err)
{
    return post(cli, "/start", err);
}

static int
stop(struct cli *cli, struct err *err)
{
    return post(cli, "/stop", err);
}

static int
restart(struct cli *cli, struct err *err)
{
    return post(cli, "/restart", err);
}

static int delete (struct cli *cli, struct err *err)
{
    OWN_BUF(path, CONTAINER_PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    if (!arguments_has(&cli->arguments, "yes"))
        return err_code(err, ERR_INVALID, CLI_USAGE,
                        "this ends the containers and deletes the group: say --yes (-y)");
    if (container_path(cli, "", &path, err) != 0 ||
        arm_ask(cli, "DELETE", path.p, ARM_INSTANCES, NULL, &answer, err) != 0)
        return -1;
    if (answer.status == 204) {
        cli_say("there was no such container group");
        return 0;
    }
    return answer.status == 202 ? arm_wait_gone(cli, path.p, ARM_INSTANCES, err) : 0;
}

/* ---- logs ---- */

/* --container-name, or the only or first container of the group. */
static int
choose_container(struct cli *cli, struct buf *out, struct err *err)
{
    const char *named = arguments_get(&cli->arguments, "container-name");
    OWN_BUF(path, CONTAINER_PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    if (named != NULL) {
        url_encode_segment(out, text_of(named));
        return buf_check(out, err);
    }
    if (container_path(cli, "", &path, err) != 0 ||
        arm_ask(cli, "GET", path.p, ARM_INSTANCES, NULL, &answer, err) != 0)
        return -1;
    output_at(answer.document, "properties.containers.0.name", out);
    return buf_check(out, err);
}

static int
logs_path(struct cli *cli, struct buf *path, struct err *err)
{
    const char *tail = arguments_get(&cli->arguments, "tail");
    OWN_BUF(container, 256);
    uint64_t lines;

    if (container_path(cli, "/containers/", path, err) != 0 ||
        choose_container(cli, &container, err) != 0)
        return -1;
    buf_printf(path, "%s/logs?timestamps=%s", container.p,
               arguments_has(&cli->arguments, "timestamps") ? "true" : "false");
    if (tail != NULL && !text_to_u64(text_of(tail), UINT32_MAX, &lines))
        return err_code(err, ERR_INVALID, CLI_USAGE, "--tail is a number of lines");
    if (tail != NULL)
        buf_printf(path, "&tail=%s", tail);
    return buf_check(path, err);
}

/*
 * What is new since the last look: the answer without what it begins with that was shown.  Where
 * the old text is not at its beginning any more, the log was cut or begun anew: show all of it.
 */
static void
show_new(struct buf *shown, struct text content)
{
    struct text fresh = content;

    if (shown->n <= content.n && memcmp(shown->p, content.p, shown->n) == 0)
        fresh = text_after(content, shown->n);
    screen_text(stdout, fresh);
    (void)fflush(stdout);
    buf_clear(shown);
    buf_text(shown, content);
}

static int
logs(struct cli *cli, struct err *err)
{
    OWN_BUF(path, CONTAINER_PATH_BYTES);
    OWN_BUF(shown, CLIENT_ANSWER_MAX);
    bool follow = arguments_has(&cli->arguments, "follow");
    struct timespec pause = { 0, FOLLOW_MS * 1000000L };

    buf_str(&shown, "");
    if (logs_path(cli, &path, err) != 0)
        return -1;
    do {
        OWN_ANSWER answer = { 0 };
        struct text content;

        if (arm_ask(cli, "GET", path.p, ARM_INSTANCES, NULL, &answer, err) != 0 ||
            json_need_text(answer.document, "content", &content, err) != 0)
            return -1;
        if (content.n > 0)
            show_new(&shown, content);
    } while (follow && nanosleep(&pause, NULL) == 0 && !ferror(stdout));
    return 0;
}

#define NAME_ROWS                                                                                  \
    { "name", 'n', ARGUMENT_VALUE, "NAME", "the container group" },                                \
    {                                                                                              \
        "resource-group", 'g', ARGUMENT_VALUE, "GROUP", "its resource group (\"default\")"         \
    }
#define LAST_ROW                                                                                   \
    {                                                                                              \
        NULL, 0, ARGUMENT_FLAG, NULL, NULL                                                         \
    }

static const struct argument list_arguments[] = {
    { "resource-group", 'g', ARGUMENT_VALUE, "GROUP", "only of this resource group" },
    LAST_ROW,
};
static const struct argument name_arguments[] = { NAME_ROWS, LAST_ROW };
static const struct argument delete_arguments[] = {
    NAME_ROWS,
    { "yes", 'y', ARGUMENT_FLAG, NULL, "do not ask" },
    LAST_ROW,
};
static const struct argument logs_arguments[] = {
    NAME_ROWS,
    { "container-name", 0, ARGUMENT_VALUE, "NAME", "which container (default: the first)" },
    { "follow", 0, ARGUMENT_FLAG, NULL, "go on until interrupted" },
    { "tail", 0, ARGUMENT_VALUE, "LINES", "only the last lines" },
    { "timestamps", 0, ARGUMENT_FLAG, NULL, "with the time of each line" },
    LAST_ROW,
};

const struct verb verbs_container[] = {
    { "container create", "run containers", CONTAINER_CREATE_EXAMPLE, container_create_arguments,
      container_create },
    { "container list", "the container groups", "  holdfast container list\n", list_arguments,
      list },
    { "container show", "one container group and what happened to it",
      "  holdfast container show -n app -o yaml\n", name_arguments, show },
    { "container logs", "what a container wrote",
      "  holdfast container logs -n app --container-name web --tail 100 --follow\n", logs_arguments,
      logs },
    { "container delete", "end and delete a container group",
      "  holdfast container delete -n app -y\n", delete_arguments, delete },
    { "container start", "start a container group that ended or was stopped",
      "  holdfast container start -n app\n", name_arguments, start },
    { "container stop", "stop a container group", "  holdfast container stop -n app\n",
      name_arguments, stop },
    { "container restart", "run the containers of a group anew",
      "  holdfast container restart -n app\n", name_arguments, restart },
    { NULL, NULL, NULL, NULL, NULL },
};
