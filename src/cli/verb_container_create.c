/* container create: from a file as `az container create --file` takes it, or from options. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/arm.h"
#include "cli/screen.h"
#include "cli/verb_container.h"
#include "wire/json.h"
#include "wire/yaml.h"

#define FILE_MAX ((size_t)4 * 1024 * 1024)

static json_t *
read_document(const char *path, struct err *err)
{
    OWN_BUF(bytes, FILE_MAX);
    json_t *document;
    int rc = strcmp(path, "-") == 0 ? file_read(AT_FDCWD, "/dev/stdin", &bytes, err)
                                    : file_read(AT_FDCWD, path, &bytes, err);

    if (rc == 1)
        (void)err_code(err, ERR_INVALID, CLI_USAGE, "there is no file %s", path);
    if (rc != 0)
        return NULL;
    /* JSON is YAML, but our JSON reader says more precisely what is wrong with it. */
    document = bytes.n > 0 && bytes.p[0] == '{' ? json_read(buf_view(&bytes), err)
                                                : yaml_read(buf_view(&bytes), err);
    if (document == NULL)
        (void)err_note(err, "%s", path);
    else if (!json_is_object(document)) {
        json_decref(document);
        (void)err_set(err, ERR_INVALID, "%s does not describe a container group", path);
        return NULL;
    }
    return document;
}

/* ---- from options ---- */

static int
add_env(json_t *list, const char *pair, const char *key, struct err *err)
{
    const char *eq = strchr(pair, '=');

    if (eq == NULL || eq == pair)
        return err_code(err, ERR_INVALID, CLI_USAGE, "\"%s\" is not NAME=VALUE", pair);
    return json_array_append_new(
               list, json_pack("{s:s%, s:s}", "name", pair, (size_t)(eq - pair), key, eq + 1)) != 0
               ? err_memory(err)
               : 0;
}

static int
make_env(struct cli *cli, json_t *properties, struct err *err)
{
    OWN_JSON list = json_array();
    const char *pair;

    for (size_t i = 0; (pair = arguments_nth(&cli->arguments, "environment-variables", i)) != NULL;
         i++)
        if (add_env(list, pair, "value", err) != 0)
            return -1;
    for (size_t i = 0;
         (pair = arguments_nth(&cli->arguments, "secure-environment-variables", i)) != NULL; i++)
        if (add_env(list, pair, "secureValue", err) != 0)
            return -1;
    return json_object_set(properties, "environmentVariables", list) != 0 ? err_memory(err) : 0;
}

static int
number(struct cli *cli, const char *name, double fallback, double *out, struct err *err)
{
    const char *value = arguments_get(&cli->arguments, name);
    char *end;

    *out = fallback;
    if (value == NULL)
        return 0;
    *out = strtod(value, &end);
    if (end == value || *end != '\0' || !(*out > 0.0) || *out > 1e6)
        return err_code(err, ERR_INVALID, CLI_USAGE, "--%s must be a number above 0", name);
    return 0;
}

/* "ls -l 'a b'" as words: quotes keep spaces, a backslash keeps the next character; no shell. */
static int
split_command(const char *line, json_t *words, struct err *err)
{
    OWN_BUF(word, 128 * 1024);
    bool open = false;
    char quote = 0;

    for (const char *p = line;; p++) {
        if (*p == '\0' || (quote == 0 && (*p == ' ' || *p == '\t'))) {
            if (open && json_array_append_new(words, json_from(buf_view(&word))) != 0)
                return err_memory(err);
            buf_clear(&word);
            open = false;
            if (*p == '\0')
                break;
            continue;
        }
        open = true;
        if (quote != 0 ? *p == quote : (*p == '"' || *p == '\''))
            quote = quote != 0 ? 0 : *p;
        else if (*p == '\\' && quote != '\'' && p[1] != '\0')
            buf_char(&word, *++p);
        else
            buf_char(&word, *p);
    }
    return quote != 0
               ? err_code(err, ERR_INVALID, CLI_USAGE, "--command-line: a quote is not closed")
               : 0;
}

static int
make_ports(struct cli *cli, json_t *container, json_t *group, struct err *err)
{
    const char *type = arguments_get(&cli->arguments, "ip-address");
    OWN_JSON ports = json_array();
    const char *port;
    uint64_t n;

    for (size_t i = 0; (port = arguments_nth(&cli->arguments, "ports", i)) != NULL; i++) {
        if (!text_to_u64(text_of(port), 65535, &n) || n == 0)
            return err_code(err, ERR_INVALID, CLI_USAGE, "--ports: \"%s\" is no port", port);
        if (json_array_append_new(ports,
                                  json_pack("{s:s, s:i}", "protocol", "TCP", "port", (int)n)) != 0)
            return err_memory(err);
    }
    if (json_array_size(ports) == 0)
        return 0;
    if (json_object_set(container, "ports", ports) != 0 ||
        json_object_set_new(
            group, "ipAddress",
            json_pack("{s:s, s:O}", "type", type != NULL ? type : "Public", "ports", ports)) != 0)
        return err_memory(err);
    return 0;
}

static int
make_container(struct cli *cli, json_t *container, struct err *err)
{
    const char *image = arguments_need(&cli->arguments, "image", err);
    const char *line = arguments_get(&cli->arguments, "command-line");
    OWN_JSON words = json_array();
    double cpu, memory;

    if (image == NULL || number(cli, "cpu", 1.0, &cpu, err) != 0 ||
        number(cli, "memory", 1.5, &memory, err) != 0 || make_env(cli, container, err) != 0 ||
        (line != NULL && split_command(line, words, err) != 0))
        return -1;
    if (json_object_set_new(container, "image", json_string(image)) != 0 ||
        json_object_set_new(
            container, "resources",
            json_pack("{s:{s:f, s:f}}", "requests", "cpu", cpu, "memoryInGB", memory)) != 0 ||
        (json_array_size(words) > 0 && json_object_set(container, "command", words) != 0))
        return err_memory(err);
    return 0;
}

static json_t *
make_document(struct cli *cli, struct err *err)
{
    const char *name = arguments_need(&cli->arguments, "name", err);
    const char *restart = arguments_get(&cli->arguments, "restart-policy");
    const char *location = arguments_get(&cli->arguments, "location");
    OWN_JSON container = json_object();
    OWN_JSON group = json_pack("{s:s, s:s}", "osType", "Linux", "restartPolicy",
                               restart != NULL ? restart : "Always");
    OWN_JSON document = NULL;

    if (name == NULL || make_container(cli, container, err) != 0 ||
        make_ports(cli, container, group, err) != 0)
        return NULL;
    document = json_pack("{s:O}", "properties", group);
    if (json_object_set_new(group, "containers",
                            json_pack("[{s:s, s:O}]", "name", name, "properties", container)) !=
            0 ||
        document == NULL ||
        (location != NULL &&
         json_object_set_new(document, "location", json_string(location)) != 0)) {
        (void)err_memory(err);
        return NULL;
    }
    return GIVE(document);
}

/* ---- both ---- */

/* The file may say more than ARM takes in a body: name, type and version go into the address. */
static int
choose_path(struct cli *cli, json_t *document, struct buf *path, struct err *err)
{
    const char *name = arguments_get(&cli->arguments, "name");
    static const char *const not_in_body[] = { "name", "type", "apiVersion", "id" };

    if (name == NULL)
        name = json_string_value(json_object_get(document, "name"));
    if (name == NULL)
        return err_code(err, ERR_INVALID, CLI_USAGE,
                        "the file has no name: put \"name: ...\" in it, or give -n");
    if (arm_path(cli, CONTAINER_TYPE, name, path, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(not_in_body) / sizeof(not_in_body[0]); i++)
        (void)json_object_del(document, not_in_body[i]);
    return 0;
}

static void
tell_events_of(const char *who, const json_t *events)
{
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *e = json_array_get(events, i);
        OWN_BUF(line, 4096);

        if (!text_is(json_text(json_object_get(e, "type")), "Warning"))
            continue;
        screen_clean(&line, json_text(json_object_get(e, "name")), false);
        buf_str(&line, ": ");
        screen_clean(&line, json_text(json_object_get(e, "message")), false);
        cli_say("%s: %s", who, line.p != NULL ? line.p : "");
    }
}

void
container_tell_events(const json_t *document)
{
    const json_t *properties = json_object_get(document, "properties");
    const json_t *containers = json_object_get(properties, "containers");

    tell_events_of("group", json_object_get(json_object_get(properties, "instanceView"), "events"));
    for (size_t i = 0; i < json_array_size(containers); i++) {
        const json_t *one = json_array_get(containers, i);
        const json_t *view = json_object_get(json_object_get(one, "properties"), "instanceView");
        OWN_BUF(name, 256);

        screen_clean(&name, json_text(json_object_get(one, "name")), false);
        tell_events_of(name.p != NULL ? name.p : "", json_object_get(view, "events"));
    }
}

static int
judge(const json_t *document, struct err *err)
{
    OWN_BUF(state, 64);

    output_at(document, "properties.provisioningState", &state);
    if (!text_is(buf_view(&state), "Failed"))
        return 0;
    container_tell_events(document);
    return err_set(err, ERR_IO, "the container group was stored, but cannot be run: see above");
}

int
container_create(struct cli *cli, struct err *err)
{
    const char *file = arguments_get(&cli->arguments, "file");
    OWN_JSON document = file != NULL ? read_document(file, err) : make_document(cli, err);
    OWN_BUF(path, CONTAINER_PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    if (document == NULL || choose_path(cli, document, &path, err) != 0 ||
        arm_ask(cli, "PUT", path.p, ARM_INSTANCES, document, &answer, err) != 0)
        return -1;
    if (!arguments_has(&cli->arguments, "no-wait") &&
        (arm_wait(cli, path.p, ARM_INSTANCES, &answer, err) != 0 ||
         arm_ask(cli, "GET", path.p, ARM_INSTANCES, NULL, &answer, err) != 0))
        return -1;
    if (cli_print(cli, answer.document, container_columns, err) != 0)
        return -1;
    return judge(answer.document, err);
}

const struct argument container_create_arguments[] = {
    { "file", 'f', ARGUMENT_VALUE, "FILE", "YAML or JSON as for az; - reads standard input" },
    { "name", 'n', ARGUMENT_VALUE, "NAME", "of the container group" },
    { "resource-group", 'g', ARGUMENT_VALUE, "GROUP", "its resource group (\"default\")" },
    { "image", 0, ARGUMENT_VALUE, "IMAGE", "HOST/NAME:TAG in a registry of this server" },
    { "command-line", 0, ARGUMENT_VALUE, "WORDS", "instead of what the image says" },
    { "ports", 0, ARGUMENT_LIST, "PORT", "publish these TCP ports" },
    { "ip-address", 0, ARGUMENT_VALUE, "TYPE", "Public (default with --ports) or Private" },
    { "cpu", 0, ARGUMENT_VALUE, "CORES", "at most so many (1)" },
    { "memory", 0, ARGUMENT_VALUE, "GB", "at most so much (1.5)" },
    { "environment-variables", 'e', ARGUMENT_LIST, "NAME=VALUE", "as in a shell" },
    { "secure-environment-variables", 0, ARGUMENT_LIST, "NAME=VALUE", "never shown again" },
    { "restart-policy", 0, ARGUMENT_VALUE, "POLICY", "Always (default), OnFailure or Never" },
    { "location", 'l', ARGUMENT_VALUE, "PLACE", "any word" },
    { "no-wait", 0, ARGUMENT_FLAG, NULL, "return before it runs" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};
