#include "wire/reference.h"

#include "wire/octet.h"

/* The separators between runs of letters and digits: one ".", one or two "_", any number of "-". */
static bool
is_separator(struct text t)
{
    if (text_is(t, ".") || text_is(t, "_") || text_is(t, "__"))
        return true;
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] != '-')
            return false;
    return t.n > 0;
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
static bool
is_component(struct text t)
{
    size_t i = 0;

    if (t.n == 0)
        return false;
    for (;;) {
        size_t start = i;

        while (i < t.n && octet_is(t.p[i], OCTET_LOWER))
            i++;
        if (i == start)
            return false;
        if (i == t.n)
            return true;
        start = i;
        while (i < t.n && !octet_is(t.p[i], OCTET_LOWER))
            i++;
        if (!is_separator(text_from(t.p + start, i - start)))
            return false;
    }
}

bool
reference_name_ok(struct text name)
{
    struct text component;

    if (name.n == 0 || name.n > REFERENCE_NAME_MAX)
        return false;
    while (text_cut(&name, '/', &component))
        if (!is_component(component))
            return false;
    return true;
}

bool
reference_tag_ok(struct text tag)
{
    if (tag.n == 0 || tag.n > REFERENCE_TAG_MAX || tag.p[0] == '.' || tag.p[0] == '-')
        return false;
    for (size_t i = 0; i < tag.n; i++)
        if (tag.p[i] == '~' || (!octet_is(tag.p[i], OCTET_UNRESERVED)))
            return false;
    return true;
}

/* name[:port]; letters, digits, "-" and "." (and a bracketed IPv6 address). */
static bool
is_host(struct text host)
{
    ptrdiff_t end = host.n > 0 && host.p[0] == '[' ? text_find(host, ']') : -1;
    size_t i = 0;

    if (host.n == 0 || host.n > REFERENCE_NAME_MAX)
        return false;
    if (host.p[0] == '[') {
        if (end < 3)
            return false;
        for (i = 1; i < (size_t)end; i++)
            if (!octet_is(host.p[i], OCTET_HEX) && host.p[i] != ':' && host.p[i] != '.')
                return false;
        i = (size_t)end + 1;
    }
    while (i < host.n && host.p[0] != '[' &&
           (octet_is(host.p[i], OCTET_DIGIT | OCTET_ALPHA) || host.p[i] == '-' || host.p[i] == '.'))
        i++;
    if (i == 0 || i == host.n)
        return i != 0;
    host = text_after(host, i);
    return host.p[0] == ':' && host.n > 1 && host.n <= 6 &&
           octet_all(text_after(host, 1), OCTET_DIGIT);
}

static bool
names_a_host(struct text first)
{
    return text_is(first, "localhost") || text_find(first, '.') >= 0 || text_find(first, ':') >= 0;
}

/* Take "@digest" off the end of ${t}. */
static int
cut_digest(struct text *t, struct reference *r, struct err *err)
{
    struct text front;

    if (text_find(*t, '@') < 0)
        return 0;
    (void)text_cut(t, '@', &front);
    if (digest_parse(&r->digest, *t, err) != 0)
        return -1;
    r->has_digest = true;
    *t = front;
    return 0;
}

int
reference_parse(struct reference *out, struct text t, struct err *err)
{
    struct reference r = { 0 };
    struct text rest, first;
    ptrdiff_t colon;

    if (cut_digest(&t, &r, err) != 0)
        return -1;
    rest = t;
    if (t.n > 0 && text_find(t, '/') >= 0 && text_cut(&rest, '/', &first) && names_a_host(first)) {
        if (!is_host(first))
            return err_set(err, ERR_INVALID, "the image name's host is not HOST or HOST:PORT");
        r.host = first;
        t = rest;
    }
    if ((colon = text_find(t, ':')) >= 0) {
        r.tag = text_after(t, (size_t)colon + 1);
        t = text_first(t, (size_t)colon);
        if (!reference_tag_ok(r.tag))
            return err_code(err, ERR_INVALID, "TAG_INVALID",
                            "the image's tag is not 1 to %d letters, digits, \"_\", \".\" or \"-\"",
                            REFERENCE_TAG_MAX);
    }
    if (!reference_name_ok(t))
        return err_code(
            err, ERR_INVALID, "NAME_INVALID",
            "the image name is not lower-case words joined by \"/\", \".\", \"_\" or \"-\"");
    r.name = t;
    *out = r;
    return 0;
}

void
reference_print(const struct reference *r, struct buf *b)
{
    char digest[DIGEST_TEXT_MAX + 1];

    if (r->host.n > 0) {
        buf_text(b, r->host);
        buf_char(b, '/');
    }
    buf_text(b, r->name);
    if (r->tag.n > 0) {
        buf_char(b, ':');
        buf_text(b, r->tag);
    }
    if (r->has_digest) {
        (void)digest_text(&r->digest, digest);
        buf_char(b, '@');
        buf_str(b, digest);
    }
}
