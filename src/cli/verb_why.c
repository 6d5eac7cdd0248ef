/* why: the chain from push to run, for people. */
#include <stdio.h>

#include "base/buf.h"
#include "cli/arm.h"
#include "cli/screen.h"
#include "cli/verb_container.h"
#include "wire/json.h"

#define STORY_MAX ((size_t)1024 * 1024)

static void
field(struct buf *out, const json_t *object, const char *path)
{
    OWN_BUF(raw, 4096);

    output_at(object, path, &raw);
    screen_clean(out, buf_view(&raw), false);
}

/* "2026-11-22T17:43:18.000000Z  admin (Owner, assignment 1234) from 127.0.0.1, record 17" */
static void
tell_record(struct buf *out, const char *what, const json_t *r)
{
    buf_printf(out, "  %-9s ", what);
    if (!json_is_object(r)) {
        buf_str(out, "no record tells\n");
        return;
    }
    field(out, r, "time");
    buf_str(out, "  by ");
    field(out, r, "caller");
    buf_str(out, " from ");
    field(out, r, "address");
    buf_str(out, ": role ");
    field(out, r, "role");
    buf_str(out, ", assignment ");
    field(out, r, "assignment");
    buf_str(out, ", record ");
    field(out, r, "record");
    buf_char(out, '\n');
}

static void
tell_state(struct buf *out, const json_t *c)
{
    buf_str(out, "  now       ");
    field(out, c, "currentState.state");
    if (json_object_get(json_object_get(c, "currentState"), "startTime") != NULL) {
        buf_str(out, " since ");
        field(out, c, "currentState.startTime");
    }
    if (json_object_get(json_object_get(c, "currentState"), "exitCode") != NULL) {
        buf_str(out, ", exit code ");
        field(out, c, "currentState.exitCode");
    }
    buf_str(out, ", restarts ");
    field(out, c, "restartCount");
    buf_char(out, '\n');
}

static void
tell_container(struct buf *out, const json_t *c)
{
    buf_str(out, "container ");
    field(out, c, "name");
    buf_str(out, ": ");
    field(out, c, "image");
    buf_str(out, "\n  digest    ");
    field(out, c, "digest");
    buf_char(out, '\n');
    tell_record(out, "pushed", json_object_get(c, "pushed"));
    tell_record(out, "tagged", json_object_get(c, "tagged"));
    tell_record(out, "admitted", json_object_get(c, "admitted"));
    tell_state(out, c);
}

static void
tell(struct buf *out, const json_t *document)
{
    const json_t *containers = json_object_get(document, "containers");
    const json_t *checks = json_object_get(document, "checks");

    buf_str(out, "container group ");
    field(out, document, "name");
    buf_str(out, ": ");
    field(out, document, "state");
    buf_char(out, '\n');
    tell_record(out, "deployed", json_object_get(document, "deployed"));
    for (size_t i = 0; i < json_array_size(containers); i++)
        tell_container(out, json_array_get(containers, i));
    buf_str(out, "checked on the way\n");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        OWN_BUF(step, 64);

        field(&step, json_array_get(checks, i), "step");
        buf_printf(out, "  %-9.*s ", TEXT_ARG(buf_view(&step)));
        field(out, json_array_get(checks, i), "checked");
        buf_char(out, '\n');
    }
}

static int
why(struct cli *cli, struct err *err)
{
    OWN_BUF(path, CONTAINER_PATH_BYTES);
    OWN_BUF(story, STORY_MAX);
    OWN_ANSWER answer = { 0 };

    if (container_path(cli, "/why", &path, err) != 0 ||
        arm_ask(cli, "GET", path.p, ARM_INSTANCES, NULL, &answer, err) != 0)
        return -1;
    if (cli->format != OUTPUT_TABLE)
        return cli_print(cli, answer.document, container_columns, err);
    tell(&story, answer.document);
    if (buf_check(&story, err) != 0)
        return -1;
    return fwrite(story.p, 1, story.n, stdout) == story.n && fflush(stdout) == 0
               ? 0
               : err_sys(err, errno, "cannot write the answer");
}

static const struct argument why_arguments[] = {
    { "", 0, ARGUMENT_VALUE, "CONTAINERGROUP", "which one" },
    { "name", 'n', ARGUMENT_VALUE, "NAME", "the same, as az would" },
    { "resource-group", 'g', ARGUMENT_VALUE, "GROUP", "its resource group (\"default\")" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};

const struct verb verbs_why[] = {
    { "why", "why a container group is allowed to run: from push to run", "  holdfast why app\n",
      why_arguments, why },
    { NULL, NULL, NULL, NULL, NULL },
};
