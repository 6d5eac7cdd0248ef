/*
 * arguments.h - the words behind a verb, read by its table.
 *
 * As az: "--name value", "-n value", and lists that go on until the next option
 * ("--ports 80 443", "-e A=1 B=2").
 */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define ARGUMENTS_MAX 512 /* values of one call */
#define ARGUMENT_ROWS 48  /* rows of a verb's table and the common one */

enum argument_kind {
    ARGUMENT_FLAG,
    ARGUMENT_VALUE, /* the last one counts */
    ARGUMENT_LIST,
};

struct argument {
    const char *name; /* NULL ends the table; "" names the words that belong to no option */
    char letter;      /* or 0 */
    enum argument_kind kind;
    const char *value; /* what to call it in --help: "NAME"; NULL for a flag */
    const char *help;
};

struct arguments {
    struct {
        const char *name;
        const char *value; /* "" for a flag */
    } items[ARGUMENTS_MAX];
    size_t n;
};

extern const struct argument arguments_common[]; /* --help, --output ... of every verb */

/* arguments_read(out, table, argc, argv, err): all of argv; ERR_INVALID says what is wrong. */
MUST_CHECK int arguments_read(struct arguments *out, const struct argument *table, int argc,
                              char **argv, struct err *err);

const char *arguments_get(const struct arguments *a, const char *name); /* the last, or NULL */
const char *arguments_nth(const struct arguments *a, const char *name, size_t nth); /* or NULL */
bool arguments_has(const struct arguments *a, const char *name);

/* arguments_need(a, name, err): the value, or NULL with "--NAME is needed". */
const char *arguments_need(const struct arguments *a, const char *name, struct err *err);

#endif /* CLI_ARGUMENTS_H */
