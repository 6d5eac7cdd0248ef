#include "wire/url.h"

#include <string.h>

#include "wire/octet.h"

int
url_split(struct text target, struct text *path_raw, struct text *query_raw)
{
    struct text path;

    if (target.n == 0 || target.p[0] != '/' || !text_cut(&target, '?', &path))
        return -1;
    *path_raw = path;
    *query_raw = target;
    return 0;
}

/*
 * The bytes ${raw} stands for.  Without anything to decode this is ${raw} itself.  ${plus}: "+" is
 * a space.  The output is never longer than the input.
 */
static int
decode(struct text raw, struct arena *arena, bool plus, struct text *out, struct err *err)
{
    char *p;
    size_t n = 0;

    if (text_find(raw, '%') < 0 && !(plus && text_find(raw, '+') >= 0)) {
        *out = raw;
        return 0;
    }
    if ((p = arena_take(arena, raw.n)) == NULL)
        return err_set(err, ERR_TOO_LARGE, "the URL or form does not fit into a request's memory");
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];

        if (c == '%') {
            int high = i + 2 < raw.n ? octet_hex(raw.p[i + 1]) : -1;
            int low = i + 2 < raw.n ? octet_hex(raw.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return err_set(err, ERR_INVALID, "\"%%\" without two hexadecimal digits in a URL");
            c = (char)(high << 4 | low);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        p[n++] = c;
    }
    *out = text_from(p, n);
    return 0;
}

static bool
is_dots(struct text segment)
{
    return text_is(segment, ".") || text_is(segment, "..");
}

static int
check_path(struct text path, struct err *err)
{
    struct text rest = path, segment;

    if (path.n == 0 || path.p[0] != '/')
        return err_set(err, ERR_INVALID, "the path does not begin with \"/\"");
    for (size_t i = 0; i < path.n; i++)
        if (octet_is_control(path.p[i]))
            return err_set(err, ERR_INVALID, "a control character in the path");
    if (!text_is_utf8(path))
        return err_set(err, ERR_INVALID, "the path is not UTF-8");
    while (text_cut(&rest, '/', &segment))
        if (is_dots(segment))
            return err_set(err, ERR_INVALID, "\".\" and \"..\" are not accepted in a path");
    return 0;
}

static int
collapse(struct text *path, struct arena *arena, struct err *err)
{
    char *p;
    size_t n = 0;

    if (memmem(path->p, path->n, "//", 2) == NULL)
        return 0;
    if ((p = arena_take(arena, path->n)) == NULL)
        return err_set(err, ERR_TOO_LARGE, "the URL does not fit into a request's memory");
    for (size_t i = 0; i < path->n; i++)
        if (path->p[i] != '/' || n == 0 || p[n - 1] != '/')
            p[n++] = path->p[i];
    *path = text_from(p, n);
    return 0;
}

int
url_path_decode(struct text raw, struct arena *arena, bool collapse_slashes, struct text *out,
                struct err *err)
{
    struct text path;

    if (decode(raw, arena, false, &path, err) != 0 || check_path(path, err) != 0 ||
        (collapse_slashes && collapse(&path, arena, err) != 0))
        return -1;
    *out = path;
    return 0;
}

static int
decode_value(struct text raw, struct arena *arena, bool plus, struct text *out, struct err *err)
{
    if (decode(raw, arena, plus, out, err) != 0)
        return -1;
    if (text_find(*out, '\0') >= 0 || !text_is_utf8(*out))
        return err_set(err, ERR_INVALID, "a query or form value is not UTF-8, or has a NUL");
    return 0;
}

/* "name=value" into the next free pair, which may be garbage after a failure: n says what counts.
 */
static int
add_pair(struct url_query *q, struct text part, struct arena *arena, bool plus, struct err *err)
{
    struct url_pair *pair;
    struct text name, value = { NULL, 0 };

    if (q->n == URL_PAIRS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d query parameters or form fields",
                       URL_PAIRS_MAX);
    (void)text_cut(&part, '=', &name);
    value = part.p != NULL ? part : text_after(name, name.n);
    pair = &q->pairs[q->n];
    if (decode_value(name, arena, plus, &pair->name, err) != 0 ||
        decode_value(value, arena, plus, &pair->value, err) != 0)
        return -1;
    q->n++;
    return 0;
}

int
url_query_parse(struct text raw, struct arena *arena, bool form_plus, struct url_query *out,
                struct err *err)
{
    struct text part;

    out->n = 0;
    while (text_cut(&raw, '&', &part))
        if (part.n > 0 && add_pair(out, part, arena, form_plus, err) != 0) {
            out->n = 0;
            return -1;
        }
    return 0;
}

bool
url_query_get(const struct url_query *q, const char *name, size_t nth, struct text *value)
{
    for (size_t i = 0; i < q->n; i++)
        if (text_is(q->pairs[i].name, name) && nth-- == 0) {
            *value = q->pairs[i].value;
            return true;
        }
    return false;
}

static void
encode(struct buf *b, struct text t, const char *also)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        char escape[3] = { '%', digits[(uint8_t)c >> 4], digits[(uint8_t)c & 15] };

        if (octet_is(c, OCTET_UNRESERVED) || (c != '\0' && strchr(also, c) != NULL))
            buf_char(b, c);
        else
            buf_add(b, escape, sizeof(escape));
    }
}

void
url_encode_segment(struct buf *b, struct text t)
{
    encode(b, t, ":@");
}

void
url_encode_query(struct buf *b, struct text t)
{
    encode(b, t, ":@/");
}
