/*
 * url.h - request targets: paths, queries and web forms, decoded once (RFC 3986; forms: WHATWG
 * URL).
 *
 * Invariants:
 *   U1  a decoded path begins with "/", is UTF-8 without control bytes, and has no "." or ".."
 *       segment, however it was spelled;
 *   U2  an escape is "%" and two hex digits; anything else is refused, never passed through;
 *   U3  pairs keep their order, repeated names included; a decoded NUL or bad UTF-8 is refused;
 *   U4  what an encoder prints decodes to what it was given.
 * Decoding happens once, here.  Nobody decodes again.  Texts live in the arena, or in the input
 * where nothing had to be decoded: both must outlive them.
 */
#ifndef WIRE_URL_H
#define WIRE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define URL_PAIRS_MAX 64

/* url_split(target, path_raw, query_raw): cut at the first "?"; -1 unless it begins with "/". */
MUST_CHECK int url_split(struct text target, struct text *path_raw, struct text *query_raw);

/*
 * url_path_decode(raw, arena, collapse_slashes, out, err): the whole path, escapes decoded - an
 * escaped slash becomes a separator.  ${collapse_slashes}: several slashes in a row become one.
 * ERR_INVALID for a bad path, ERR_TOO_LARGE when the arena is full.
 */
MUST_CHECK int url_path_decode(struct text raw, struct arena *arena, bool collapse_slashes,
                               struct text *out, struct err *err);

struct url_pair {
    struct text name;
    struct text value; /* empty for "name" without "=" */
};

struct url_query {
    struct url_pair pairs[URL_PAIRS_MAX];
    size_t n;
};

/*
 * url_query_parse(raw, arena, form_plus, out, err): the pairs of a query, or of a body that is
 * application/x-www-form-urlencoded.  ${form_plus}: "+" is a space.  Empty pairs ("a=1&&b") are
 * dropped.  ERR_TOO_LARGE for more than URL_PAIRS_MAX pairs or a full arena.
 */
MUST_CHECK int url_query_parse(struct text raw, struct arena *arena, bool form_plus,
                               struct url_query *out, struct err *err);

/* url_query_get(q, name, nth, value): the ${nth} (from 0) pair of that name; false: none, untouched
 */
bool url_query_get(const struct url_query *q, const char *name, size_t nth, struct text *value);

/* Everything but letters, digits, "-._~" and ":@" ("/" too in a query) becomes %XX. */
void url_encode_segment(struct buf *b, struct text t);
void url_encode_query(struct buf *b, struct text t);

#endif /* WIRE_URL_H */
