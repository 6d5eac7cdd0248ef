#include "daemon/options.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "wire/json.h"
#include "wire/yaml.h"

#define CONFIG_MAX ((size_t)256 * 1024)

typedef int option_set(struct options *o, const char *value, struct arena *arena, struct err *err);

static int
set_domain(struct options *o, const char *value, struct arena *arena, struct err *err)
{
    (void)arena;
    if (value[0] == '\0' || strlen(value) > 200)
        return err_set(err, ERR_INVALID, "--domain: \"%s\" is not a domain name", value);
    o->domain = value;
    return 0;
}

static int
set_log_level(struct options *o, const char *value, struct arena *arena, struct err *err)
{
    (void)arena;
    if (!log_level_parse(text_of(value), &o->log_level))
        return err_set(err, ERR_INVALID, "--log-level is debug, info, warning or error, not \"%s\"",
                       value);
    return 0;
}

static int
set_name(struct options *o, const char *value, struct arena *arena, struct err *err)
{
    (void)arena;
    if (o->n_names == OPTIONS_NAMES_MAX)
        return err_set(err, ERR_INVALID, "--name: at most %d further names", OPTIONS_NAMES_MAX);
    o->names[o->n_names++] = value;
    return 0;
}

/* HOST:PORT, [HOST]:PORT */
static int
parse_address(const char *word, const char *value, struct arena *arena, struct listen_address *out,
              struct err *err)
{
    const char *colon = strrchr(value, ':');
    struct text host;
    uint64_t port;

    if (colon == NULL || !text_to_u64(text_of(colon + 1), 65535, &port))
        return err_set(err, ERR_INVALID, "%s is HOST:PORT, not \"%s\"", word, value);
    host = text_from(value, (size_t)(colon - value));
    if (text_starts(host, "[") && text_ends(host, "]"))
        host = text_first(text_after(host, 1), host.n - 2);
    *out = (struct listen_address){ arena_cstr(arena, host), (uint16_t)port, false };
    return out->host != NULL ? 0 : err_memory(err);
}

static int
set_listen(struct options *o, const char *value, struct arena *arena, struct err *err)
{
    if (o->n_listen == OPTIONS_LISTEN_MAX)
        return err_set(err, ERR_INVALID, "--listen: at most %d addresses", OPTIONS_LISTEN_MAX);
    if (parse_address("--listen", value, arena, &o->listen[o->n_listen], err) < 0)
        return -1;
    o->n_listen++;
    return 0;
}

static bool
is_loopback(const char *host)
{
    struct in6_addr six;
    struct in_addr four;

    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int
set_http(struct options *o, const char *value, struct arena *arena, struct err *err)
{
    struct listen_address *a = &o->http[o->n_http];

    if (o->n_http == OPTIONS_LISTEN_MAX)
        return err_set(err, ERR_INVALID, "--http: at most %d addresses", OPTIONS_LISTEN_MAX);
    if (parse_address("--http", value, arena, a, err) < 0)
        return -1;
    if (!is_loopback(a->host))
        return err_set(err, ERR_INVALID,
                       "--http %s: plain HTTP is served on loopback addresses only; use --listen",
                       value);
    o->n_http++;
    return 0;
}

static const struct {
    const char *word; /* of the command line */
    const char *key;  /* of the configuration file */
    const char *value;
    const char *text;
    option_set *set; /* NULL: the text as it is, at ${at} in struct options */
    bool list;       /* may be given again; the file has an array */
    size_t at;
} table[] = {
    { "--data", "data", "DIR", "where everything is kept", NULL, false,
      offsetof(struct options, data) },
    { "--listen", "listen", "HOST:PORT", "serve TLS here (default 127.0.0.1:8443 and [::1]:8443)",
      set_listen, true, 0 },
    { "--http", "http", "HOST:PORT", "also serve plain HTTP here; loopback only", set_http, true,
      0 },
    { "--domain", "domain", "NAME", "our names are NAME.azurecr.DOMAIN ... (default localhost)",
      set_domain, false, 0 },
    { "--name", "names", "HOST", "a further name of this machine, served as localhost is", set_name,
      true, 0 },
    { "--log-level", "logLevel", "LEVEL", "debug, info, warning or error (default info)",
      set_log_level, false, 0 },
    { "--runner-state", "runnerState", "DIR", "where layers and containers are kept", NULL, false,
      offsetof(struct options, runner_state) },
    { "--runner-run", "runnerRun", "DIR", "where running containers are mounted", NULL, false,
      offsetof(struct options, runner_run) },
    { "--crash-at", NULL, "STEP:COUNT", NULL, NULL, false, offsetof(struct options, crash_at) },
    { "--runner-crash-at", NULL, "STEP:COUNT", NULL, NULL, false,
      offsetof(struct options, runner_crash_at) },
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

static int
set_option(struct options *o, size_t row, const char *value, struct arena *arena, struct err *err)
{
    if (table[row].set != NULL)
        return table[row].set(o, value, arena, err);
    memcpy((char *)o + table[row].at, &value, sizeof(value));
    return 0;
}

const char *
options_usage(struct arena *arena)
{
    OWN_BUF(out, 8192);

    buf_str(&out, "usage: holdfastd [option ...]\n\n"
                  "A container registry and container runner.  Started by root it also runs "
                  "containers.\n\n"
                  "  --config FILE           read options from a YAML file first\n");
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        char head[64];

        if (table[i].text == NULL)
            continue;
        (void)snprintf(head, sizeof(head), "%s %s", table[i].word, table[i].value);
        buf_printf(&out, "  %-23s %s\n", head, table[i].text);
    }
    buf_str(&out, "  --help, --version\n\n"
                  "Example: holdfastd --data /var/lib/holdfast --listen 0.0.0.0:8443 "
                  "--name registry.example.org\n");
    return arena_cstr(arena, buf_view(&out));
}

static int
read_file(const char *path, struct buf *out, struct err *err)
{
    OWN_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return err_set(err, ERR_INVALID, "--config %s: cannot be read (errno %d)", path, errno);
    do {
        char *room = buf_room(out, 4096);

        if (room == NULL)
            return err_set(err, ERR_INVALID, "--config %s: larger than %zu bytes", path,
                           CONFIG_MAX);
        if ((n = read(fd, room, 4096)) < 0)
            return err_set(err, ERR_INVALID, "--config %s: cannot be read (errno %d)", path, errno);
        buf_used(out, (size_t)n);
    } while (n > 0);
    return 0;
}

/* One value of the file, or each of an array. */
static int
set_from_file(struct options *o, size_t row, const json_t *value, struct arena *arena,
              struct err *err)
{
    const json_t *item;
    size_t i;

    if (json_is_string(value)) {
        char *copy = arena_cstr(arena, json_text(value));

        return copy != NULL ? set_option(o, row, copy, arena, err) : err_memory(err);
    }
    if (!table[row].list || !json_is_array(value))
        return err_set(err, ERR_INVALID, "%s: \"%s\" is a text%s", o->config, table[row].key,
                       table[row].list ? ", or a list of texts" : "");
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item))
            return err_set(err, ERR_INVALID, "%s: \"%s\" is a list of texts", o->config,
                           table[row].key);
        if (set_from_file(o, row, item, arena, err) < 0)
            return -1;
    }
    return 0;
}

/* What the command line gives (bit per row of the table) the file does not: it replaces lists. */
static int
read_config(struct options *o, unsigned given, struct arena *arena, struct err *err)
{
    OWN_BUF(bytes, CONFIG_MAX);
    OWN_JSON document = NULL;
    const char *key;
    json_t *value;

    if (read_file(o->config, &bytes, err) < 0)
        return -1;
    if ((document = yaml_read(buf_view(&bytes), err)) == NULL)
        return err_note(err, "%s", o->config);
    if (!json_is_object(document))
        return err_set(err, ERR_INVALID, "%s: is not a list of \"key: value\"", o->config);
    json_object_foreach(document, key, value)
    {
        size_t row = 0;

        while (row < TABLE_ROWS && (table[row].key == NULL || strcmp(table[row].key, key) != 0))
            row++;
        if (row == TABLE_ROWS)
            return err_set(err, ERR_INVALID, "%s: nobody knows the key \"%.60s\"", o->config, key);
        if ((given & 1u << row) == 0 && set_from_file(o, row, value, arena, err) < 0)
            return -1;
    }
    return 0;
}

/* The value of ${word}: behind "=", or the next argument. */
static const char *
value_of(const char *word, int argc, char **argv, int *i)
{
    size_t n = strlen(word);

    if (strncmp(argv[*i], word, n) != 0)
        return NULL;
    if (argv[*i][n] == '=')
        return argv[*i] + n + 1;
    if (argv[*i][n] != '\0')
        return NULL;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

/* The row of the table that argument ${i} names, and its value; TABLE_ROWS when none does. */
static size_t
row_of(int argc, char **argv, int *i, const char **value)
{
    for (size_t row = 0; row < TABLE_ROWS; row++)
        if ((*value = value_of(table[row].word, argc, argv, i)) != NULL)
            return row;
    return TABLE_ROWS;
}

/* First pass: what is not in the table, and which rows are ${given}. */
static int
look_at_arguments(struct options *o, int argc, char **argv, unsigned *given, struct err *err)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value;
        size_t row;

        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            o->help = true;
        else if (strcmp(word, "--version") == 0)
            o->version = true;
        else if ((value = value_of("--config", argc, argv, &i)) != NULL)
            o->config = value;
        else if ((row = row_of(argc, argv, &i, &value)) < TABLE_ROWS)
            *given |= 1u << row;
        else
            return err_set(err, ERR_INVALID,
                           "nobody knows the option \"%.60s\", or it lacks its value; "
                           "see holdfastd --help",
                           word);
    }
    return 0;
}

static int
take_arguments(struct options *o, int argc, char **argv, struct arena *arena, struct err *err)
{
    for (int i = 1; i < argc; i++) {
        const char *value;
        size_t row = row_of(argc, argv, &i, &value);

        if (row < TABLE_ROWS) {
            if (set_option(o, row, value, arena, err) < 0)
                return -1;
        } else {
            (void)value_of("--config", argc, argv, &i);
        }
    }
    return 0;
}

static int
default_data(struct options *o, struct arena *arena, struct err *err)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (geteuid() == 0)
        o->data = "/var/lib/holdfast";
    else if (xdg != NULL && xdg[0] == '/')
        o->data = arena_printf(arena, "%s/holdfast", xdg);
    else if (home != NULL && home[0] == '/')
        o->data = arena_printf(arena, "%s/.local/share/holdfast", home);
    else
        return err_set(err, ERR_INVALID, "say where to keep things: --data DIR");
    return o->data != NULL ? 0 : err_memory(err);
}

static int
fill_defaults(struct options *o, struct arena *arena, struct err *err)
{
    if (o->n_listen == 0) {
        o->listen[o->n_listen++] = (struct listen_address){ "127.0.0.1", 8443, false };
        o->listen[o->n_listen++] = (struct listen_address){ "::1", 8443, true };
    }
    if (o->domain == NULL)
        o->domain = "localhost";
    if (o->runner_state == NULL)
        o->runner_state = "/var/lib/holdfast-runner";
    if (o->runner_run == NULL)
        o->runner_run = "/run/holdfast";
    return o->data != NULL ? 0 : default_data(o, arena, err);
}

int
options_read(struct options *o, int argc, char **argv, struct arena *arena, struct err *err)
{
    unsigned given = 0;

    *o = (struct options){ .log_level = LOG_LEVEL_INFO };
    if (look_at_arguments(o, argc, argv, &given, err) < 0)
        return -1;
    if (o->config != NULL && read_config(o, given, arena, err) < 0)
        return -1;
    if (take_arguments(o, argc, argv, arena, err) < 0)
        return -1;
    return fill_defaults(o, arena, err);
}
