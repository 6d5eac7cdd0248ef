#include "cli/arguments.h"

#include <getopt.h>
#include <string.h>

#define LONG_BASE 1000 /* what getopt_long() returns for row n: LONG_BASE + n */

const struct argument arguments_common[] = {
    { "help", 'h', ARGUMENT_FLAG, NULL, "show this" },
    { "output", 'o', ARGUMENT_VALUE, "FORMAT", "table (default), json, yaml or tsv" },
    { "server", 0, ARGUMENT_VALUE, "URL", "another server than the one logged in to" },
    { "ca", 0, ARGUMENT_VALUE, "FILE", "trust this certificate authority ($HOLDFAST_CA)" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};

struct reading {
    const struct argument *rows[ARGUMENT_ROWS];
    struct option options[ARGUMENT_ROWS + 1];
    char letters[ARGUMENT_ROWS * 2 + 3];
    size_t n;
};

static void
add_rows(struct reading *r, const struct argument *table)
{
    size_t at = strlen(r->letters);

    for (; table != NULL && table->name != NULL && r->n < ARGUMENT_ROWS; table++) {
        if (table->name[0] == '\0')
            continue;
        r->rows[r->n] = table;
        r->options[r->n] =
            (struct option){ table->name,
                             table->kind == ARGUMENT_FLAG ? no_argument : required_argument, NULL,
                             LONG_BASE + (int)r->n };
        if (table->letter != 0) {
            r->letters[at++] = table->letter;
            if (table->kind != ARGUMENT_FLAG)
                r->letters[at++] = ':';
            r->letters[at] = '\0';
        }
        r->n++;
    }
}

static const struct argument *
row_of(const struct reading *r, int got)
{
    for (size_t i = 0; i < r->n; i++)
        if (got == LONG_BASE + (int)i || (r->rows[i]->letter != 0 && got == r->rows[i]->letter))
            return r->rows[i];
    return NULL;
}

static int
keep(struct arguments *out, const char *name, const char *value, struct err *err)
{
    if (out->n == ARGUMENTS_MAX)
        return err_set(err, ERR_INVALID, "too many arguments");
    out->items[out->n].name = name;
    out->items[out->n++].value = value;
    return 0;
}

static int
take(struct arguments *out, const struct argument *row, int argc, char **argv, struct err *err)
{
    if (keep(out, row->name, row->kind == ARGUMENT_FLAG ? "" : optarg, err) != 0)
        return -1;
    while (row->kind == ARGUMENT_LIST && optind < argc && argv[optind][0] != '-')
        if (keep(out, row->name, argv[optind++], err) != 0)
            return -1;
    return 0;
}

static bool
takes_words(const struct argument *table)
{
    for (; table != NULL && table->name != NULL; table++)
        if (table->name[0] == '\0')
            return true;
    return false;
}

int
arguments_read(struct arguments *out, const struct argument *table, int argc, char **argv,
               struct err *err)
{
    struct reading r = { .letters = "+:" };

    add_rows(&r, table);
    add_rows(&r, arguments_common);
    opterr = 0;
    optind = 1;
    for (;;) {
        int got = getopt_long(argc, argv, r.letters, r.options, NULL);
        const struct argument *row = row_of(&r, got);

        if (got == -1 && optind >= argc)
            return 0;
        if (got == -1) {
            if (!takes_words(table))
                return err_set(err, ERR_INVALID, "\"%s\" means nothing here", argv[optind]);
            if (keep(out, "", argv[optind++], err) != 0)
                return -1;
            continue;
        }
        if (got == ':')
            return err_set(err, ERR_INVALID, "%s needs a value", argv[optind - 1]);
        if (row == NULL)
            return err_set(err, ERR_INVALID, "there is no option %s here", argv[optind - 1]);
        if (take(out, row, argc, argv, err) != 0)
            return -1;
    }
}

const char *
arguments_get(const struct arguments *a, const char *name)
{
    for (size_t i = a->n; i-- > 0;)
        if (strcmp(a->items[i].name, name) == 0)
            return a->items[i].value;
    return NULL;
}

const char *
arguments_nth(const struct arguments *a, const char *name, size_t nth)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->items[i].name, name) == 0 && nth-- == 0)
            return a->items[i].value;
    return NULL;
}

bool
arguments_has(const struct arguments *a, const char *name)
{
    return arguments_get(a, name) != NULL;
}

const char *
arguments_need(const struct arguments *a, const char *name, struct err *err)
{
    const char *value = arguments_get(a, name);

    if (value == NULL || value[0] == '\0') {
        (void)err_code(err, ERR_INVALID, "Usage", "--%s is needed", name);
        return NULL;
    }
    return value;
}
