/* property.h - what a fuzz target says about its parser; a property that fails ends the program. */
#ifndef FUZZ_PROPERTY_H
#define FUZZ_PROPERTY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PROPERTY(holds)                                                                            \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif /* FUZZ_PROPERTY_H */
