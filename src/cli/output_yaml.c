/* YAML for people: block style, and quotes wherever a plain scalar could mean something else. */
#include <string.h>

#include "cli/output.h"
#include "cli/screen.h"
#include "wire/json.h"

static bool
is_plain(struct text t)
{
    static const char *const words[] = { "null", "true", "false", "yes", "no", "on", "off", "~" };
    bool letter = false;

    if (t.n == 0 || t.p[0] == '-' || t.p[0] == ' ' || t.p[t.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (text_is_nocase(t, words[i]))
            return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        letter = letter || (word && c != 'e' && c != 'E' && c != 'x' && c != 'o');
        if (!word && !(c >= '0' && c <= '9') && strchr("-_./ ", c) == NULL)
            return false;
    }
    return letter;
}

static void
text(struct text t, struct buf *out)
{
    OWN_BUF(clean, t.n * 4 + 16);

    screen_clean(&clean, t, true);
    if (is_plain(t)) {
        buf_text(out, t);
        return;
    }
    buf_char(out, '"');
    for (size_t i = 0; i < clean.n; i++) {
        char c = clean.p[i];

        if (c == '\n')
            buf_str(out, "\\n");
        else if (c == '\t')
            buf_str(out, "\\t");
        else {
            if (c == '"' || c == '\\')
                buf_char(out, '\\');
            buf_char(out, c);
        }
    }
    buf_char(out, '"');
}

static void
indent(struct buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_str(out, "  ");
}

static void node(const json_t *value, unsigned depth, struct buf *out);

/* The value behind "key:" or "-". */
static void
below(const json_t *value, unsigned depth, struct buf *out)
{
    bool empty = json_is_object(value) ? json_object_size(value) == 0 : json_array_size(value) == 0;

    if (!json_is_object(value) && !json_is_array(value)) {
        buf_char(out, ' ');
        node(value, depth, out);
        buf_char(out, '\n');
    } else if (empty) {
        buf_str(out, json_is_object(value) ? " {}\n" : " []\n");
    } else {
        buf_char(out, '\n');
        node(value, depth, out);
    }
}

/* Recursion as deep as the document: json_read() bounds it. */
static void
node(const json_t *value, unsigned depth, struct buf *out)
{
    if (json_is_object(value)) {
        json_t *walked = (json_t *)(uintptr_t)value;

        for (void *i = json_object_iter(walked); i; i = json_object_iter_next(walked, i)) {
            indent(out, depth);
            text(text_of(json_object_iter_key(i)), out);
            buf_char(out, ':');
            below(json_object_iter_value(i), depth + 1, out);
        }
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            indent(out, depth);
            buf_char(out, '-');
            below(json_array_get(value, i), depth + 1, out);
        }
    } else if (json_is_string(value)) {
        text(json_text(value), out);
    } else if (json_is_null(value)) {
        buf_str(out, "null");
    } else {
        output_at(value, "", out);
    }
}

void
output_yaml(const json_t *document, struct buf *out)
{
    below(document, 0, out);
    /* below() begins with the line end or space that follows a key. */
    buf_drop(out, 1);
}
