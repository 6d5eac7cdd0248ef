/*
 * text.h - a view of bytes that someone else owns; never NUL-terminated by promise.
 *
 * The one string type of parsed input.  Comparisons are on bytes; the *_nocase ones fold ASCII
 * only and never consult the locale.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *p; /* borrowed; may be NULL when n is 0 */
    size_t n;
};

/* TEXT("literal") in code and initialisers; TEXT_ARG(t) for a "%.*s" conversion. */
#define TEXT(lit)   ((struct text){ (lit), sizeof(lit) - 1 })
#define TEXT_ARG(t) (int)(t).n, ((t).p != NULL ? (t).p : "")

struct text text_of(const char *s); /* of a C string; NULL gives the empty text */
struct text text_from(const void *p, size_t n);
struct text text_after(struct text t, size_t n); /* without the first ${n} bytes */
struct text text_first(struct text t, size_t n); /* at most the first ${n} bytes */
struct text text_trim(struct text t);            /* without surrounding spaces and tabs */

bool text_equal(struct text a, struct text b);
bool text_is(struct text a, const char *s);
bool text_equal_nocase(struct text a, struct text b);
bool text_is_nocase(struct text a, const char *s);
bool text_starts(struct text t, const char *prefix);
bool text_starts_nocase(struct text t, const char *prefix);
bool text_ends(struct text t, const char *suffix);
int text_compare(struct text a, struct text b); /* as memcmp(), a prefix sorts first */

/* text_find(t, c): index of the first ${c}, or -1. */
ptrdiff_t text_find(struct text t, char c);

/*
 * text_cut(rest, sep, out): take the part of ${rest} before ${sep} (all of it when there is none)
 * and move ${rest} behind the separator.  Return false when ${rest} was already used up
 * (rest->p == NULL).  "a,,b" gives "a", "", "b".
 */
bool text_cut(struct text *rest, char sep, struct text *out);

/* text_to_u64(t, max, out): decimal digits only, no sign, no space, at most ${max}. */
bool text_to_u64(struct text t, uint64_t max, uint64_t *out);

/* text_copy(t, out, cap): a C string cut off at cap - 1 bytes; false when it did not fit. */
bool text_copy(struct text t, char *out, size_t cap);

/* text_is_utf8(t): well-formed UTF-8 (RFC 3629): shortest forms, no surrogates.  NUL passes. */
bool text_is_utf8(struct text t);

/* text_mend_utf8(s): in place, every byte that is no part of well-formed UTF-8 becomes "?". */
void text_mend_utf8(char *s);

uint64_t text_hash(struct text t, uint64_t seed); /* for tables; seed them at random */

#endif /* BASE_TEXT_H */
