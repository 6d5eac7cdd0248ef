#include "wire/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* jansson calls some failed allocations a syntax error; this tells the two apart. */
static _Thread_local bool starved;

static void *
take(size_t n)
{
    void *p = mem_zalloc(n);

    starved = starved || p == NULL;
    return p;
}

void
json_start(void)
{
    json_set_alloc_funcs(take, mem_free);
    json_object_seed(0);
}

/* Deeper than we allow?  Strings are skipped; whether the rest is JSON is for the parser to say. */
static bool
is_too_deep(struct text t)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{') && ++depth > JSON_DEPTH_MAX)
            return true;
        else if (!quoted && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return false;
}

json_t *
json_read(struct text bytes, struct err *err)
{
    json_error_t what = { 0 };
    json_t *tree;

    if (is_too_deep(bytes)) {
        (void)err_set(err, ERR_TOO_LARGE, "JSON nested deeper than %d", JSON_DEPTH_MAX);
        return NULL;
    }
    starved = false;
    tree = json_loadb(bytes.p != NULL ? bytes.p : "", bytes.n, JSON_REJECT_DUPLICATES, &what);
    if (tree != NULL && !starved)
        return tree;
    /* jansson's lexer drops the characters it has no room for and goes on: such a tree is not the
     * document. */
    json_decref(tree);
    if (starved)
        (void)err_memory(err);
    else
        (void)err_set(err, ERR_INVALID, "bad JSON in line %d, column %d: %s", what.line,
                      what.column, what.text);
    return NULL;
}

static int
append(const char *p, size_t n, void *buf)
{
    buf_add(buf, p, n);
    return buf_failed(buf) ? -1 : 0;
}

static int
print(const json_t *tree, size_t flags, struct buf *out, struct err *err)
{
    if (json_dump_callback(tree, append, out, flags | JSON_COMPACT | JSON_ENCODE_ANY) == 0)
        return 0;
    if (buf_check(out, err) != 0)
        return -1;
    return err_set(err, ERR_NO_SPACE, "the JSON could not be printed");
}

int
json_print(const json_t *tree, struct buf *out, struct err *err)
{
    return print(tree, 0, out, err);
}

int
json_canonical(const json_t *tree, struct buf *out, struct err *err)
{
    return print(tree, JSON_SORT_KEYS, out, err);
}

int
json_refuse(struct err *err, const char *path, const char *fmt, ...)
{
    char what[sizeof(err->msg)];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return err_set(err, ERR_INVALID, "%s: %s", path, what);
}

int
json_within(struct err *err, const char *fmt, ...)
{
    char outer[sizeof(err->msg)];
    char inner[sizeof(err->msg)];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(outer, sizeof(outer), fmt, ap);
    va_end(ap);
    (void)text_copy(text_of(err->msg), inner, sizeof(inner));
    /* What does not fit is cut off at the end, where it hurts least. */
    if (snprintf(err->msg, sizeof(err->msg), "%s.%s", outer, inner) < 0)
        err->msg[0] = '\0';
    text_mend_utf8(err->msg);
    return -1;
}

/*
 * The member at ${path}.  0: ${out} is it, NULL when it or an object on the way is absent or null;
 * -1: something on the way is not an object.
 */
static int
find(const json_t *object, const char *path, json_t **out, struct err *err)
{
    struct text rest = text_of(path), key;
    json_t *at = NULL;

    while (object != NULL && !json_is_null(object) && text_cut(&rest, '.', &key)) {
        char name[128];

        if (!json_is_object(object) || !text_copy(key, name, sizeof(name)))
            return json_refuse(err, path, "what it is in must be an object");
        at = json_object_get(object, name);
        object = at;
    }
    *out = at != NULL && !json_is_null(at) ? at : NULL;
    return 0;
}

/* As find(), and the member has to be there. */
static int
need(const json_t *object, const char *path, json_t **out, struct err *err)
{
    json_t *at = NULL;

    if (find(object, path, &at, err) != 0)
        return -1;
    if (at == NULL)
        return json_refuse(err, path, "is missing");
    *out = at;
    return 0;
}

struct text
json_text(const json_t *value)
{
    if (!json_is_string(value))
        return (struct text){ NULL, 0 };
    return text_from(json_string_value(value), json_string_length(value));
}

static int
read_text(const json_t *at, const char *path, struct text *out, struct err *err)
{
    if (!json_is_string(at))
        return json_refuse(err, path, "must be a text");
    *out = json_text(at);
    return 0;
}

int
json_need_text(const json_t *object, const char *path, struct text *out, struct err *err)
{
    json_t *at = NULL;

    return need(object, path, &at, err) != 0 ? -1 : read_text(at, path, out, err);
}

int
json_want_text(const json_t *object, const char *path, struct text fallback, struct text *out,
               struct err *err)
{
    json_t *at = NULL;

    if (find(object, path, &at, err) != 0)
        return -1;
    if (at != NULL)
        return read_text(at, path, out, err);
    *out = fallback;
    return 0;
}

static int
read_int(const json_t *at, const char *path, int64_t min, int64_t max, int64_t *out,
         struct err *err)
{
    if (!json_is_integer(at))
        return json_refuse(err, path, "must be a whole number");
    if (json_integer_value(at) < min || json_integer_value(at) > max)
        return json_refuse(err, path, "must be from %lld to %lld", (long long)min, (long long)max);
    *out = json_integer_value(at);
    return 0;
}

int
json_need_int(const json_t *object, const char *path, int64_t min, int64_t max, int64_t *out,
              struct err *err)
{
    json_t *at = NULL;

    return need(object, path, &at, err) != 0 ? -1 : read_int(at, path, min, max, out, err);
}

int
json_want_int(const json_t *object, const char *path, int64_t min, int64_t max, int64_t fallback,
              int64_t *out, struct err *err)
{
    json_t *at = NULL;

    if (find(object, path, &at, err) != 0)
        return -1;
    if (at != NULL)
        return read_int(at, path, min, max, out, err);
    *out = fallback;
    return 0;
}

int
json_want_number(const json_t *object, const char *path, double min, double max, double fallback,
                 double *out, struct err *err)
{
    json_t *at = NULL;

    if (find(object, path, &at, err) != 0)
        return -1;
    if (at == NULL) {
        *out = fallback;
        return 0;
    }
    if (!json_is_number(at))
        return json_refuse(err, path, "must be a number");
    if (!(json_number_value(at) >= min && json_number_value(at) <= max))
        return json_refuse(err, path, "must be from %g to %g", min, max);
    *out = json_number_value(at);
    return 0;
}

int
json_want_bool(const json_t *object, const char *path, bool fallback, bool *out, struct err *err)
{
    json_t *at = NULL;

    if (find(object, path, &at, err) != 0)
        return -1;
    if (at != NULL && !json_is_boolean(at))
        return json_refuse(err, path, "must be true or false");
    *out = at != NULL ? json_is_true(at) : fallback;
    return 0;
}

/* A tree of one type; ${at} NULL when it is absent and may be. */
static int
give_tree(json_t *at, json_type type, const char *path, json_t **out, struct err *err)
{
    if (at != NULL && json_typeof(at) != type)
        return json_refuse(err, path,
                           type == JSON_OBJECT ? "must be an object" : "must be an array");
    *out = at;
    return 0;
}

int
json_need_object(const json_t *object, const char *path, json_t **out, struct err *err)
{
    json_t *at = NULL;

    return need(object, path, &at, err) != 0 ? -1 : give_tree(at, JSON_OBJECT, path, out, err);
}

int
json_want_object(const json_t *object, const char *path, json_t **out, struct err *err)
{
    json_t *at = NULL;

    return find(object, path, &at, err) != 0 ? -1 : give_tree(at, JSON_OBJECT, path, out, err);
}

int
json_need_array(const json_t *object, const char *path, json_t **out, struct err *err)
{
    json_t *at = NULL;

    return need(object, path, &at, err) != 0 ? -1 : give_tree(at, JSON_ARRAY, path, out, err);
}

int
json_want_array(const json_t *object, const char *path, json_t **out, struct err *err)
{
    json_t *at = NULL;

    return find(object, path, &at, err) != 0 ? -1 : give_tree(at, JSON_ARRAY, path, out, err);
}

json_t *
json_from(struct text t)
{
    return json_stringn(t.p != NULL ? t.p : "", t.n);
}
