/* Decoded paths keep U1; what is decoded, encoded and decoded again is the same (U4). */
#include "../property.h"
#include "base/arena.h"
#include "base/buf.h"
#include "wire/octet.h"
#include "wire/url.h"

#define ARENA_MAX ((size_t)4 * 1024 * 1024)

static void
check_path(struct text raw, bool collapse)
{
    OWN(arena) arena = arena_new(ARENA_MAX);
    OWN_BUF(b, ARENA_MAX);
    struct err err = { 0 };
    struct text path, rest, segment, again;

    if (url_path_decode(raw, arena, collapse, &path, &err) != 0) {
        PROPERTY(err.kind == ERR_INVALID || err.kind == ERR_TOO_LARGE);
        return;
    }
    PROPERTY(path.n > 0 && path.n <= raw.n && path.p[0] == '/' && text_is_utf8(path));
    for (size_t i = 0; i < path.n; i++)
        PROPERTY(!octet_is_control(path.p[i]));
    for (rest = text_after(path, 1); text_cut(&rest, '/', &segment);) {
        PROPERTY(!text_is(segment, ".") && !text_is(segment, ".."));
        PROPERTY(!collapse || segment.n > 0 || rest.p == NULL);
        buf_char(&b, '/');
        url_encode_segment(&b, segment);
    }
    PROPERTY(url_path_decode(buf_view(&b), arena, false, &again, &err) == 0);
    PROPERTY(text_equal(path, again));
}

static void
check_query(struct text raw, bool plus)
{
    static struct url_query q, again;
    OWN(arena) arena = arena_new(ARENA_MAX);
    OWN_BUF(b, ARENA_MAX);
    struct err err = { 0 };

    if (url_query_parse(raw, arena, plus, &q, &err) != 0) {
        PROPERTY(err.kind == ERR_INVALID || err.kind == ERR_TOO_LARGE);
        return;
    }
    for (size_t i = 0; i < q.n; i++) {
        PROPERTY(text_is_utf8(q.pairs[i].name) && text_is_utf8(q.pairs[i].value));
        buf_char(&b, '&');
        url_encode_query(&b, q.pairs[i].name);
        buf_char(&b, '=');
        url_encode_query(&b, q.pairs[i].value);
    }
    PROPERTY(url_query_parse(buf_view(&b), arena, plus, &again, &err) == 0 && again.n == q.n);
    for (size_t i = 0; i < q.n; i++)
        PROPERTY(text_equal(q.pairs[i].name, again.pairs[i].name) &&
                 text_equal(q.pairs[i].value, again.pairs[i].value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct text target = text_from(data, n), path, query;

    if (url_split(target, &path, &query) != 0) {
        check_query(target, true);
        return 0;
    }
    check_path(path, false);
    check_path(path, true);
    check_query(query, false);
    check_query(query, true);
    return 0;
}
