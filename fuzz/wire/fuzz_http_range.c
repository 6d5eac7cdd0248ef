/* A range that is satisfiable lies inside; one of an upload has its ends in order. */
#include "../property.h"
#include <string.h>

#include "wire/http.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint64_t size = 0, first = 0, last = 0;
    struct text value;
    int got;

    if (n < 2)
        return 0;
    /* Small sizes matter most; a set top bit makes a huge one. */
    size = data[0] & 0x80 ? UINT64_MAX - data[1] : (uint64_t)data[0] << 8 | data[1];
    value = text_from(data + 2, n - 2);
    got = http_range_parse(value, size, &first, &last);
    PROPERTY(got >= -1 && got <= 1);
    PROPERTY(got != 1 || (first <= last && last < size));
    if (http_chunk_range_parse(value, &first, &last))
        PROPERTY(first <= last && last <= INT64_MAX);
    return 0;
}
