/* number.h - unsigned numbers as bytes, most significant first: what we keep on disk and hash. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* number_put(out, v, n): the low ${n} (1 to 8) bytes of ${v}; number_get() reads them back. */
void number_put(uint8_t *out, uint64_t v, size_t n);
uint64_t number_get(const uint8_t *p, size_t n);

#endif /* BASE_NUMBER_H */
