#include "base/text.h"

#include <string.h>

struct text
text_of(const char *s)
{
    return (struct text){ s, s != NULL ? strlen(s) : 0 };
}

struct text
text_from(const void *p, size_t n)
{
    return (struct text){ p, n };
}

struct text
text_after(struct text t, size_t n)
{
    if (n > t.n)
        n = t.n;
    return (struct text){ t.p != NULL ? t.p + n : NULL, t.n - n };
}

struct text
text_first(struct text t, size_t n)
{
    return (struct text){ t.p, n < t.n ? n : t.n };
}

struct text
text_trim(struct text t)
{
    while (t.n > 0 && (t.p[0] == ' ' || t.p[0] == '\t'))
        t = text_after(t, 1);
    while (t.n > 0 && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t'))
        t.n--;
    return t;
}

bool
text_equal(struct text a, struct text b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
text_is(struct text a, const char *s)
{
    return text_equal(a, text_of(s));
}

static char
fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
text_equal_nocase(struct text a, struct text b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    return true;
}

bool
text_is_nocase(struct text a, const char *s)
{
    return text_equal_nocase(a, text_of(s));
}

bool
text_starts(struct text t, const char *prefix)
{
    size_t n = strlen(prefix);

    return t.n >= n && text_is(text_first(t, n), prefix);
}

bool
text_starts_nocase(struct text t, const char *prefix)
{
    size_t n = strlen(prefix);

    return t.n >= n && text_is_nocase(text_first(t, n), prefix);
}

bool
text_ends(struct text t, const char *suffix)
{
    size_t n = strlen(suffix);

    return t.n >= n && text_is(text_after(t, t.n - n), suffix);
}

int
text_compare(struct text a, struct text b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

    if (order != 0)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

ptrdiff_t
text_find(struct text t, char c)
{
    const char *at = t.n > 0 ? memchr(t.p, c, t.n) : NULL;

    return at != NULL ? at - t.p : -1;
}

bool
text_cut(struct text *rest, char sep, struct text *out)
{
    ptrdiff_t at;

    if (rest->p == NULL)
        return false;
    if ((at = text_find(*rest, sep)) < 0) {
        *out = *rest;
        *rest = (struct text){ NULL, 0 };
        return true;
    }
    *out = text_first(*rest, (size_t)at);
    *rest = text_after(*rest, (size_t)at + 1);
    return true;
}

bool
text_to_u64(struct text t, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (t.n == 0)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        uint64_t digit = (uint64_t)(t.p[i] - '0');

        if (t.p[i] < '0' || t.p[i] > '9' || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (v > max)
        return false;
    *out = v;
    return true;
}

bool
text_copy(struct text t, char *out, size_t cap)
{
    size_t n = t.n < cap ? t.n : cap - 1;

    if (n > 0)
        memcpy(out, t.p, n);
    out[n] = '\0';
    return n == t.n;
}

/* Bytes of the sequence that starts at p, or 0 when it is not well-formed (Unicode, table 3-7). */
static size_t
sequence_length(const unsigned char *p, size_t left)
{
    size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p <= 0xdf ? 2 : (*p & 0xf0) == 0xe0 ? 3 : 4;

    if (n == 1)
        return 1;
    if (n > left || (n == 4 && (*p < 0xf0 || *p > 0xf4)))
        return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool
text_is_utf8(struct text t)
{
    const unsigned char *p = (const unsigned char *)t.p;

    for (size_t i = 0, n; i < t.n; i += n)
        if ((n = sequence_length(p + i, t.n - i)) == 0)
            return false;
    return true;
}

void
text_mend_utf8(char *s)
{
    for (size_t left = strlen(s), n; left > 0; s += n, left -= n)
        if ((n = sequence_length((const unsigned char *)s, left)) == 0) {
            *s = '?';
            n = 1;
        }
}

/* FNV-1a over the bytes, started from a seed so that collisions cannot be prepared. */
uint64_t
text_hash(struct text t, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325U ^ seed;

    for (size_t i = 0; i < t.n; i++)
        h = (h ^ (uint8_t)t.p[i]) * 0x100000001b3U;
    return h ^ (h >> 29);
}
