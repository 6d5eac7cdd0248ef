#include "base/id.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

/* Kernel randomness per system call is about a microsecond; ids take from a small stock. */
#define STOCK 1024

void
id_random(void *p, size_t n)
{
    uint8_t *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno != EINTR)
            abort(); /* our own mistake: getrandom on a supported kernel cannot fail otherwise */
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

static void
take(uint8_t out[static 16])
{
    static _Thread_local uint8_t stock[STOCK];
    static _Thread_local size_t left;

    if (left == 0) {
        id_random(stock, sizeof(stock));
        left = sizeof(stock);
    }
    for (size_t i = 0; i < 16; i++)
        out[i] = stock[--left];
}

void
id_new(char out[static ID_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t b[16];
    size_t at = 0;

    take(b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = hex[b[i] >> 4];
        out[at++] = hex[b[i] & 15];
    }
    out[at] = '\0';
}

bool
id_is(struct text t)
{
    if (t.n != ID_LEN)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

        if (dash ? c != '-' : !hex)
            return false;
    }
    return true;
}
