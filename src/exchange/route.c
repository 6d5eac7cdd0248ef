#include "exchange/route.h"

#include <string.h>

#include "base/mem.h"

#define PATTERN_SEGMENTS_MAX 20
#define PATH_SEGMENTS_MAX    160 /* a repository name of 255 bytes has at most 128 */

enum segment_kind {
    SEGMENT_LITERAL,
    SEGMENT_ONE,  /* {name} */
    SEGMENT_MANY, /* {name*} */
};

struct segment {
    enum segment_kind kind;
    struct text text; /* the literal, or the parameter's name */
};

struct pattern {
    struct segment segments[PATTERN_SEGMENTS_MAX];
    size_t n;
    size_t many;     /* index of the {name*} segment, or n */
    size_t literals; /* for R3 */
};

struct row {
    const struct route *route;
    void *room;
    struct pattern pattern;
};

struct routes {
    struct row *rows;
    size_t n;
    size_t cap;
};

/* A decoded path, cut at its slashes; a trailing slash gives an empty last segment. */
struct path {
    struct text segments[PATH_SEGMENTS_MAX];
    size_t n;
};

static bool
cut_path(struct text path, struct path *out)
{
    struct text rest, part;

    out->n = 0;
    if (!text_starts(path, "/"))
        return false;
    for (rest = text_after(path, 1); text_cut(&rest, '/', &part);) {
        if (out->n == PATH_SEGMENTS_MAX)
            return false;
        out->segments[out->n++] = part;
    }
    return true;
}

static bool
compile_segment(struct text part, struct segment *out)
{
    if (!text_starts(part, "{")) {
        *out = (struct segment){ SEGMENT_LITERAL, part };
        return true;
    }
    if (!text_ends(part, "}") || part.n < 3)
        return false;
    part = text_first(text_after(part, 1), part.n - 2);
    *out = (struct segment){ SEGMENT_ONE, part };
    if (text_ends(part, "*"))
        *out = (struct segment){ SEGMENT_MANY, text_first(part, part.n - 1) };
    return true;
}

static bool
compile(const char *pattern, struct pattern *out)
{
    struct text rest = text_of(pattern), part;
    bool many = false;

    *out = (struct pattern){ .n = 0 };
    if (!text_starts(rest, "/"))
        return false;
    for (rest = text_after(rest, 1); text_cut(&rest, '/', &part);) {
        struct segment *s = &out->segments[out->n];

        if (out->n == PATTERN_SEGMENTS_MAX || !compile_segment(part, s))
            return false;
        if (s->kind == SEGMENT_MANY) {
            if (many)
                return false;
            many = true;
            out->many = out->n;
        }
        out->literals += s->kind == SEGMENT_LITERAL;
        out->n++;
    }
    if (!many)
        out->many = out->n;
    return true;
}

static bool
segment_matches(const struct segment *s, struct text part, bool fold)
{
    if (s->kind != SEGMENT_LITERAL)
        return part.n > 0;
    return fold ? text_equal_nocase(s->text, part) : text_equal(s->text, part);
}

/* The text from the start of segment ${first} to the end of segment ${last}. */
static struct text
span(const struct path *path, size_t first, size_t last)
{
    const char *from = path->segments[first].p;
    const char *to = path->segments[last].p + path->segments[last].n;

    return text_from(from, (size_t)(to - from));
}

static bool
shape_matches(const struct pattern *p, const struct path *path, bool fold)
{
    bool many = p->many < p->n;
    size_t behind = many ? p->n - p->many - 1 : 0;

    if (many ? path->n < p->n : path->n != p->n)
        return false;
    for (size_t i = 0; i < p->many; i++)
        if (!segment_matches(&p->segments[i], path->segments[i], fold))
            return false;
    for (size_t i = 0; i < behind; i++)
        if (!segment_matches(&p->segments[p->n - 1 - i], path->segments[path->n - 1 - i], fold))
            return false;
    return true;
}

static void
take_params(const struct pattern *p, const struct path *path, struct route_params *out)
{
    size_t extra = path->n - p->n; /* segments that {name*} takes beyond one */
    size_t at = 0;

    out->n = 0;
    for (size_t i = 0; i < p->n; i++) {
        size_t last = at + (p->segments[i].kind == SEGMENT_MANY ? extra : 0);

        if (p->segments[i].kind != SEGMENT_LITERAL && out->n < ROUTE_PARAMS_MAX) {
            out->items[out->n].name = p->segments[i].text;
            out->items[out->n++].value = span(path, at, last);
        }
        at = last + 1;
    }
}

bool
route_matches(const struct route *r, struct text path, struct route_params *params)
{
    struct pattern p;
    struct path cut;

    if (!compile(r->pattern, &p) || !cut_path(path, &cut) ||
        !shape_matches(&p, &cut, r->dialect == DIALECT_ARM))
        return false;
    take_params(&p, &cut, params);
    return true;
}

struct routes *
routes_new(void)
{
    return mem_zalloc(sizeof(struct routes));
}

void
routes_free(struct routes *rs)
{
    if (rs == NULL)
        return;
    mem_free(rs->rows);
    mem_free(rs);
}

static int
add_row(struct routes *rs, const struct route *r, void *room, struct err *err)
{
    struct row row = { .route = r, .room = room };

    if (r->action == NULL || r->action[0] == '\0')
        return err_set(err, ERR_INVALID, "the route %s %s has no action",
                       http_method_name(r->method), r->pattern);
    if (!compile(r->pattern, &row.pattern))
        return err_set(err, ERR_INVALID, "the pattern %s is not one", r->pattern);
    if (rs->n == rs->cap) {
        size_t cap = rs->cap > 0 ? rs->cap * 2 : 64;
        struct row *rows = mem_grow(rs->rows, cap * sizeof(*rows));

        if (rows == NULL)
            return err_memory(err);
        rs->rows = rows;
        rs->cap = cap;
    }
    rs->rows[rs->n++] = row;
    return 0;
}

int
routes_mount(struct routes *rs, const struct route *table, void *room, struct err *err)
{
    for (const struct route *r = table; r->pattern != NULL; r++)
        if (add_row(rs, r, room, err) < 0)
            return -1;
    return 0;
}

/* An exact method beats a GET row that serves HEAD; then R3. */
static bool
beats(const struct row *row, const struct row *best, enum http_method method)
{
    bool exact = row->route->method == method;

    if (best == NULL)
        return true;
    if (row->pattern.literals != best->pattern.literals)
        return row->pattern.literals > best->pattern.literals;
    return exact && best->route->method != method;
}

const struct route *
routes_find(const struct routes *rs, enum http_method method, struct text path,
            struct route_params *params, void **room, unsigned *allowed)
{
    const struct row *best = NULL;
    struct path cut;

    *allowed = 0;
    if (!cut_path(path, &cut))
        return NULL;
    for (size_t i = 0; i < rs->n; i++) {
        const struct row *row = &rs->rows[i];
        enum http_method serves = row->route->method;

        if (!shape_matches(&row->pattern, &cut, row->route->dialect == DIALECT_ARM))
            continue;
        *allowed |= 1u << serves;
        if (serves == HTTP_GET)
            *allowed |= 1u << HTTP_HEAD;
        if ((serves == method || (method == HTTP_HEAD && serves == HTTP_GET)) &&
            beats(row, best, method))
            best = row;
    }
    if (best == NULL)
        return NULL;
    take_params(&best->pattern, &cut, params);
    *room = best->room;
    return best->route;
}

void
routes_each(const struct routes *rs, void (*visit)(void *arg, const struct route *r), void *arg)
{
    for (size_t i = 0; i < rs->n; i++)
        visit(arg, rs->rows[i].route);
}
