#include "cli/output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/screen.h"
#include "wire/json.h"

#define OUTPUT_MAX  ((size_t)256 * 1024 * 1024)
#define CELL_MAX    ((size_t)4096)
#define COLUMNS_MAX 12

static const char *const format_words[] = {
    [OUTPUT_TABLE] = "table", [OUTPUT_JSON] = "json", [OUTPUT_YAML] = "yaml", [OUTPUT_TSV] = "tsv"
};

bool
output_format(const char *word, enum output_format *out)
{
    for (size_t i = 0; i < sizeof(format_words) / sizeof(format_words[0]); i++)
        if (strcmp(word, format_words[i]) == 0) {
            *out = (enum output_format)i;
            return true;
        }
    return false;
}

static void
scalar(const json_t *value, struct buf *out)
{
    switch (json_typeof(value)) {
    case JSON_STRING: buf_text(out, json_text(value)); break;
    case JSON_INTEGER: buf_printf(out, "%lld", (long long)json_integer_value(value)); break;
    case JSON_REAL: buf_printf(out, "%g", json_real_value(value)); break;
    case JSON_TRUE: buf_str(out, "true"); break;
    case JSON_FALSE: buf_str(out, "false"); break;
    case JSON_NULL: break;
    case JSON_OBJECT:
    case JSON_ARRAY: buf_str(out, "..."); break;
    }
}

/* ${path} is at most six steps deep: the recursion follows our own column tables. */
static void
walk(const json_t *value, struct text path, struct buf *out)
{
    struct text step;
    char key[128];
    uint64_t index;

    if (value == NULL)
        return;
    if (!text_cut(&path, '.', &step) || step.n == 0) {
        scalar(value, out);
        return;
    }
    if (text_is(step, "*")) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i > 0)
                buf_char(out, ',');
            walk(json_array_get(value, i), path, out);
        }
        return;
    }
    if (text_to_u64(step, 1000000, &index) && json_is_array(value)) {
        walk(json_array_get(value, (size_t)index), path, out);
        return;
    }
    if (text_copy(step, key, sizeof(key)))
        walk(json_object_get(value, key), path, out);
}

void
output_at(const json_t *document, const char *path, struct buf *out)
{
    walk(document, text_of(path), out);
}

static void
cell(const json_t *row, const struct column *column, struct buf *out)
{
    OWN_BUF(raw, CELL_MAX);

    output_at(row, column->path, &raw);
    screen_clean(out, buf_view(&raw), false);
}

static size_t
rows_of(const json_t *document)
{
    return json_is_array(document) ? json_array_size(document) : 1;
}

static const json_t *
row_at(const json_t *document, size_t i)
{
    return json_is_array(document) ? json_array_get(document, i) : document;
}

static void
pad(struct buf *out, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        buf_char(out, ' ');
}

static void
measure(const json_t *document, const struct column *columns, size_t *widths)
{
    for (size_t c = 0; columns[c].title != NULL && c < COLUMNS_MAX; c++) {
        widths[c] = strlen(columns[c].title);
        for (size_t i = 0; i < rows_of(document); i++) {
            OWN_BUF(text, CELL_MAX * 4);
            size_t n;

            cell(row_at(document, i), &columns[c], &text);
            n = screen_width(buf_view(&text));
            widths[c] = n > widths[c] ? n : widths[c];
        }
    }
}

static void
end_line(struct buf *out)
{
    while (out->n > 0 && out->p[out->n - 1] == ' ')
        out->n--;
    buf_char(out, '\n');
}

static void
table(const json_t *document, const struct column *columns, struct buf *out)
{
    size_t widths[COLUMNS_MAX] = { 0 };

    measure(document, columns, widths);
    for (size_t c = 0; columns[c].title != NULL && c < COLUMNS_MAX; c++) {
        buf_str(out, columns[c].title);
        pad(out, strlen(columns[c].title), widths[c] + 2);
    }
    end_line(out);
    for (size_t c = 0; columns[c].title != NULL && c < COLUMNS_MAX; c++) {
        for (size_t i = 0; i < widths[c]; i++)
            buf_char(out, '-');
        pad(out, 0, 2);
    }
    end_line(out);
    for (size_t i = 0; i < rows_of(document); i++) {
        for (size_t c = 0; columns[c].title != NULL && c < COLUMNS_MAX; c++) {
            OWN_BUF(text, CELL_MAX * 4);

            cell(row_at(document, i), &columns[c], &text);
            buf_text(out, buf_view(&text));
            pad(out, screen_width(buf_view(&text)), widths[c] + 2);
        }
        end_line(out);
    }
}

static void
tsv(const json_t *document, const struct column *columns, struct buf *out)
{
    for (size_t i = 0; i < rows_of(document); i++) {
        for (size_t c = 0; columns[c].title != NULL; c++) {
            if (c > 0)
                buf_char(out, '\t');
            cell(row_at(document, i), &columns[c], out);
        }
        buf_char(out, '\n');
    }
}

/* json_dumps() escapes what is below a space; the rest is left to screen_clean(). */
static int
indented(const json_t *document, struct buf *out, struct err *err)
{
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_ENCODE_ANY);

    if (text == NULL)
        return err_memory(err);
    screen_clean(out, text_of(text), true);
    buf_char(out, '\n');
    mem_free(text);
    return 0;
}

int
output_print(enum output_format format, const json_t *document, const struct column *columns,
             struct err *err)
{
    OWN_BUF(out, OUTPUT_MAX);

    switch (format) {
    case OUTPUT_TABLE:
        if (json_is_object(document) || json_array_size(document) > 0)
            table(document, columns, &out);
        break;
    case OUTPUT_TSV: tsv(document, columns, &out); break;
    case OUTPUT_YAML: output_yaml(document, &out); break;
    case OUTPUT_JSON:
        if (indented(document, &out, err) != 0)
            return -1;
        break;
    }
    if (buf_check(&out, err) != 0)
        return -1;
    if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
        return err_sys(err, errno, "cannot write the answer");
    return 0;
}
