/* audit list, verify, checkpoint */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/arm.h"
#include "cli/screen.h"
#include "wire/json.h"
#include "wire/url.h"

#define PROVIDER       "/providers/Holdfast.Audit"
#define PATH_BYTES     ((size_t)8192)
#define CHECKPOINT_MAX ((size_t)64 * 1024)
#define LIST_DEFAULT   50
#define PAGE           1000

static const struct column record_columns[] = {
    { "Record", "seq" },      { "Time", "time" },     { "Caller", "caller.name" },
    { "Address", "address" }, { "Action", "action" }, { "Target", "target" },
    { "Verdict", "verdict" }, { "Role", "role" },     { "Result", "result" },
    { "Count", "count" },     { NULL, NULL },
};

static const struct column finding_columns[] = {
    { "Fault", "fault" }, { "First", "first" }, { "Last", "last" },
    { "What", "text" },   { NULL, NULL },
};

static const struct column checkpoint_columns[] = {
    { "Records", "size" },
    { "Time", "time" },
    { "Root", "root" },
    { NULL, NULL },
};

/* ---- list ---- */

/* One clause of $filter per option; the form is in the README of the resource room. */
static const struct {
    const char *option;
    const char *clause; /* "%s" is the value, quoted */
} clauses[] = {
    { "since", "time ge %s" },
    { "until", "time lt %s" },
    { "kind", "kind eq %s" },
    { "caller", "caller eq %s" },
    { "verdict", "verdict eq %s" },
    { "result", "result eq %s" },
    { "digest", "digest eq %s" },
    { "request-id", "requestId eq %s" },
    { "scope", "scope eq %s" },
    { "action", "startswith(action, %s)" },
    { "target", "startswith(target, %s)" },
    { "text", "substringof(%s, text)" },
};

/* OData: a quote within a text is written twice. */
static void
quote(struct buf *out, const char *value)
{
    buf_char(out, '\'');
    for (; *value != '\0'; value++) {
        if (*value == '\'')
            buf_char(out, '\'');
        buf_char(out, *value);
    }
    buf_char(out, '\'');
}

static void
add_clauses(const struct cli *cli, struct buf *filter)
{
    for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++) {
        const char *value = arguments_get(&cli->arguments, clauses[i].option);
        const char *at = strstr(clauses[i].clause, "%s");

        if (value == NULL)
            continue;
        if (filter->n > 0)
            buf_str(filter, " and ");
        buf_add(filter, clauses[i].clause, (size_t)(at - clauses[i].clause));
        quote(filter, value);
        buf_str(filter, at + 2);
    }
}

static int
wanted_count(const struct cli *cli, uint64_t *out, struct err *err)
{
    const char *top = arguments_get(&cli->arguments, "top");

    *out = arguments_has(&cli->arguments, "all") ? UINT32_MAX : LIST_DEFAULT;
    if (top != NULL && (!text_to_u64(text_of(top), UINT32_MAX, out) || *out == 0))
        return err_code(err, ERR_INVALID, CLI_USAGE, "--top is a number of records");
    return 0;
}

/* Newest first; pages until there are enough. */
static int
gather(struct cli *cli, const char *base, uint64_t want, json_t *all, struct err *err)
{
    OWN_BUF(path, PATH_BYTES);
    OWN_ANSWER answer = { 0 };
    struct text link;

    buf_str(&path, base);
    for (;;) {
        if (buf_check(&path, err) != 0 ||
            arm_ask(cli, "GET", path.p, ARM_HOLDFAST, NULL, &answer, err) != 0)
            return -1;
        if (json_array_extend(all, json_object_get(answer.document, "value")) != 0)
            return err_set(err, ERR_IO, "the server's answer is not a list");
        link = json_text(json_object_get(answer.document, "nextLink"));
        if (link.p == NULL || json_array_size(all) >= want)
            return 0;
        if (arm_follow(link, &path, err) != 0)
            return -1;
    }
}

static int
list(struct cli *cli, struct err *err)
{
    OWN_BUF(filter, PATH_BYTES / 2);
    OWN_BUF(path, PATH_BYTES);
    OWN_JSON all = json_array();
    uint64_t want;

    if (wanted_count(cli, &want, err) != 0)
        return -1;
    add_clauses(cli, &filter);
    buf_printf(&path, PROVIDER "/records?%%24top=%u", (unsigned)(want < PAGE ? want : PAGE));
    if (filter.n > 0) {
        buf_str(&path, "&%24filter=");
        url_encode_query(&path, buf_view(&filter));
    }
    if (buf_check(&path, err) != 0 || gather(cli, path.p, want, all, err) != 0)
        return -1;
    while (json_array_size(all) > want)
        (void)json_array_remove(all, json_array_size(all) - 1);
    return cli_print(cli, all, record_columns, err);
}

/* ---- verify, checkpoint ---- */

static int
read_kept(struct cli *cli, json_t *body, struct err *err)
{
    const char *path = arguments_get(&cli->arguments, "checkpoint");
    OWN_BUF(bytes, CHECKPOINT_MAX);
    OWN_JSON kept = NULL;
    int rc;

    if (path == NULL)
        return 0;
    rc = file_read(AT_FDCWD, path, &bytes, err);
    if (rc == 1)
        return err_code(err, ERR_INVALID, CLI_USAGE, "there is no file %s", path);
    if (rc != 0)
        return -1;
    if ((kept = json_read(buf_view(&bytes), err)) == NULL)
        return err_note(err, "%s is no checkpoint: holdfast audit checkpoint prints one", path);
    return json_object_set(body, "checkpoint", kept) != 0 ? err_memory(err) : 0;
}

static int
judge(struct cli *cli, const json_t *report, struct err *err)
{
    const json_t *findings = json_object_get(report, "findings");
    OWN_BUF(records, 32);
    OWN_BUF(checkpoints, 32);

    output_at(report, "records", &records);
    output_at(report, "checkpoints", &checkpoints);
    if (cli->format != OUTPUT_TABLE) {
        if (cli_print(cli, report, finding_columns, err) != 0)
            return -1;
    } else if (json_array_size(findings) > 0) {
        if (cli_print(cli, findings, finding_columns, err) != 0)
            return -1;
    } else if (json_is_true(json_object_get(report, "valid"))) {
        (void)printf("%.*s records and %.*s checkpoints are what was written\n",
                     TEXT_ARG(buf_view(&records)), TEXT_ARG(buf_view(&checkpoints)));
    }
    if (json_is_true(json_object_get(report, "valid")))
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "the log is not what was written: compare with a backup, and find out who had"
                   " access to the database");
}

static int
verify(struct cli *cli, struct err *err)
{
    OWN_JSON body = json_object();
    OWN_ANSWER answer = { 0 };

    if (read_kept(cli, body, err) != 0 ||
        arm_ask(cli, "POST", PROVIDER "/verify", ARM_HOLDFAST, body, &answer, err) != 0)
        return -1;
    return judge(cli, answer.document, err);
}

/* To be kept elsewhere, so it is the whole document, whatever format a table would be. */
static int
checkpoint(struct cli *cli, struct err *err)
{
    OWN_JSON body = json_object();
    OWN_ANSWER answer = { 0 };

    if (arm_ask(cli, "POST", PROVIDER "/checkpoint", ARM_HOLDFAST, body, &answer, err) != 0)
        return -1;
    if (cli->format == OUTPUT_TABLE && !arguments_has(&cli->arguments, "output"))
        cli->format = OUTPUT_JSON;
    return cli_print(cli, answer.document, checkpoint_columns, err);
}

static const struct argument list_arguments[] = {
    { "top", 0, ARGUMENT_VALUE, "N", "the newest N records (50)" },
    { "all", 0, ARGUMENT_FLAG, NULL, "all of them" },
    { "since", 0, ARGUMENT_VALUE, "TIME", "2026-11-22T16:00:00Z, and later" },
    { "until", 0, ARGUMENT_VALUE, "TIME", "before it" },
    { "kind", 0, ARGUMENT_VALUE, "KIND", "change, refusal or read" },
    { "caller", 0, ARGUMENT_VALUE, "WHO", "name or object id" },
    { "action", 0, ARGUMENT_VALUE, "ACTION", "action, or its beginning" },
    { "scope", 0, ARGUMENT_VALUE, "ID", "this resource and what lies below it" },
    { "target", 0, ARGUMENT_VALUE, "WHAT", "within the scope: app/web:1, or its beginning" },
    { "verdict", 0, ARGUMENT_VALUE, "VERDICT", "allowed, refused or challenged" },
    { "result", 0, ARGUMENT_VALUE, "RESULT", "succeeded, or an error's code" },
    { "digest", 0, ARGUMENT_VALUE, "DIGEST", "of the content concerned" },
    { "request-id", 0, ARGUMENT_VALUE, "ID", "of one request" },
    { "text", 0, ARGUMENT_VALUE, "WORD", "somewhere in the record" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};

static const struct argument verify_arguments[] = {
    { "checkpoint", 0, ARGUMENT_VALUE, "FILE", "the log must extend this one, kept elsewhere" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};

const struct verb verbs_audit[] = {
    { "audit list", "who asked what, and what was decided",
      "  holdfast audit list --verdict refused --since 2026-11-22T00:00:00Z\n"
      "  holdfast audit list --digest sha256:4f53...\n",
      list_arguments, list },
    { "audit verify", "is the log what was written?",
      "  holdfast audit verify --checkpoint kept.json\n", verify_arguments, verify },
    { "audit checkpoint", "print a signed checkpoint to keep elsewhere",
      "  holdfast audit checkpoint > kept.json\n", NULL, checkpoint },
    { NULL, NULL, NULL, NULL, NULL },
};
