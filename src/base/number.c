#include "base/number.h"

void
number_put(uint8_t *out, uint64_t v, size_t n)
{
    while (n-- > 0) {
        out[n] = (uint8_t)v;
        v >>= 8;
    }
}

uint64_t
number_get(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | *p++;
    return v;
}
