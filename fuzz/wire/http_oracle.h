/*
 * http_oracle.h - what http_parser, the library, makes of a request head.
 *
 * A file of its own: the library's header has names (enum http_method, HTTP_GET) that are ours,
 * too.
 */
#ifndef FUZZ_HTTP_ORACLE_H
#define FUZZ_HTTP_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_oracle {
    bool complete; /* accepted, and the head is complete */
    const char *problem;
    const char *method;
    int minor;
    bool has_length;
    uint64_t length;
    bool chunked;
};

struct http_oracle http_oracle_ask(const char *p, size_t n);

#endif /* FUZZ_HTTP_ORACLE_H */
