/*
 * octet.h - classes of single bytes, shared by the grammars of this room.
 *
 * Source: RFC 9110, 5.6.2 (token); RFC 3986, 2.3 (unreserved); RFC 5234, B.1.
 */
#ifndef WIRE_OCTET_H
#define WIRE_OCTET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum octet_class {
    OCTET_DIGIT = 1,
    OCTET_ALPHA = 2,
    OCTET_HEX = 4,         /* either case */
    OCTET_TOKEN = 8,       /* tchar: field names, methods */
    OCTET_UNRESERVED = 16, /* letters, digits, "-._~" */
    OCTET_VISIBLE = 32,    /* 0x21 to 0x7e */
    OCTET_VALUE = 64,      /* field values: visible, space, tab, 0x80 and above */
    OCTET_LOWER = 128,     /* a to z and digits */
};

extern const uint8_t octet_classes[256];

static inline bool
octet_is(char c, int classes)
{
    return (octet_classes[(uint8_t)c] & classes) != 0;
}

/* octet_all(t, classes): true for the empty text, too. */
static inline bool
octet_all(struct text t, int classes)
{
    for (size_t i = 0; i < t.n; i++)
        if (!octet_is(t.p[i], classes))
            return false;
    return true;
}

/* octet_hex(c): 0 to 15, or -1. */
static inline int
octet_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* octet_is_control(c): 0x00 to 0x1f and 0x7f. */
static inline bool
octet_is_control(char c)
{
    return (uint8_t)c < 0x20 || c == 0x7f;
}

#endif /* WIRE_OCTET_H */
