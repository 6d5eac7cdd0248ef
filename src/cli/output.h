/* output.h - answers for people (table) and for programs (json, yaml, tsv). */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum output_format {
    OUTPUT_TABLE,
    OUTPUT_JSON,
    OUTPUT_YAML,
    OUTPUT_TSV,
};

/* ${path}: members joined by dots; a number is an index; "*" takes all and joins them by commas. */
struct column {
    const char *title; /* NULL ends the table */
    const char *path;
};

/* output_format(word, out): false for a word nobody knows. */
bool output_format(const char *word, enum output_format *out);

/* output_print(format, document, columns, err): an array is rows, an object one row. */
MUST_CHECK int output_print(enum output_format format, const json_t *document,
                            const struct column *columns, struct err *err);

/* output_yaml(document, out): every text that could be read as something else is quoted. */
void output_yaml(const json_t *document, struct buf *out);

/* output_at(document, path, out): the value at a path as text, appended. */
void output_at(const json_t *document, const char *path, struct buf *out);

#endif /* CLI_OUTPUT_H */
