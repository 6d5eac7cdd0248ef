#include "wire/base64.h"

#include <stdint.h>
#include <string.h>

static const char *
alphabet(enum base64_variant variant)
{
    return variant == BASE64_URL
               ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
               : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

void
base64_print(struct buf *b, enum base64_variant variant, const void *p, size_t n)
{
    const char *letters = alphabet(variant);
    const uint8_t *in = p;

    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16 | (have > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (have > 2 ? (uint32_t)in[i + 2] : 0);
        char out[4] = { letters[bits >> 18], letters[bits >> 12 & 63], letters[bits >> 6 & 63],
                        letters[bits & 63] };

        if (have < 3)
            out[3] = '=';
        if (have < 2)
            out[2] = '=';
        buf_add(b, out, variant == BASE64_URL ? have + 1 : 4);
    }
}

/* Characters without padding; SIZE_MAX when the padding is not what the variant has. */
static size_t
letters_of(enum base64_variant variant, struct text t)
{
    size_t n = t.n;

    if (variant == BASE64_URL)
        return n % 4 != 1 ? n : SIZE_MAX;
    if (n % 4 != 0)
        return SIZE_MAX;
    if (n > 0 && t.p[n - 1] == '=')
        n -= t.p[n - 2] == '=' ? 2 : 1;
    return n;
}

size_t
base64_size(enum base64_variant variant, struct text t)
{
    size_t n = letters_of(variant, t);

    return n == SIZE_MAX ? 0 : n / 4 * 3 + (n % 4 > 1 ? n % 4 - 1 : 0);
}

/* 0 to 63, or 64 for what is not in the alphabet. */
static uint32_t
value_of(enum base64_variant variant, char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    if (c == (variant == BASE64_URL ? '-' : '+'))
        return 62;
    return c == (variant == BASE64_URL ? '_' : '/') ? 63 : 64;
}

static bool
is_canonical(enum base64_variant variant, struct text t, size_t letters)
{
    uint32_t last;

    for (size_t i = 0; i < letters; i++)
        if (value_of(variant, t.p[i]) == 64)
            return false;
    if (letters % 4 == 0)
        return true;
    last = value_of(variant, t.p[letters - 1]);
    return letters % 4 == 2 ? (last & 15) == 0 : (last & 3) == 0;
}

bool
base64_parse(enum base64_variant variant, struct text t, void *out, size_t max, size_t *n)
{
    size_t letters = letters_of(variant, t);
    size_t size = base64_size(variant, t);
    uint8_t *to = out;
    uint32_t bits = 0;
    size_t at = 0;

    if (letters == SIZE_MAX || size > max || !is_canonical(variant, t, letters))
        return false;
    for (size_t i = 0; i < letters; i++) {
        bits = bits << 6 | value_of(variant, t.p[i]);
        if (i % 4 > 0)
            to[at++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    *n = size;
    return true;
}
