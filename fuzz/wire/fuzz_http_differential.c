/*
 * Whatever head we accept, http_parser accepts, and reads with the same method and length: two
 * parsers behind one another cannot be made to disagree about where our requests end.
 */
#include "../property.h"
#include <string.h>

#include "http_oracle.h"
#include "wire/http.h"

/* It takes a field whose name only begins like this for Transfer-Encoding itself. */
static bool
misleads_the_oracle(const struct http_head *head)
{
    for (size_t i = 0; i < head->n_fields; i++)
        if (text_starts_nocase(head->fields[i].name, "transfer-encoding") &&
            head->fields[i].name.n > strlen("transfer-encoding"))
            return true;
    return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct http_head head;
    struct http_oracle oracle;
    struct err err = { 0 };
    size_t used;
    int status;

    if (http_head_parse(&head, text_from(data, n), &used, &status, &err) != 1)
        return 0;
    if (misleads_the_oracle(&head))
        return 0;
    /* It takes no tab around a length, which RFC 9112 allows. */
    if (text_find(text_from(data, used), '\t') >= 0)
        return 0;
    oracle = http_oracle_ask((const char *)data, used);
    if (!oracle.complete)
        (void)fprintf(stderr, "http_parser says %s\n", oracle.problem);
    PROPERTY(oracle.complete);
    PROPERTY(text_is(text_of(http_method_name(head.method)), oracle.method));
    PROPERTY(oracle.minor == head.minor);
    PROPERTY(oracle.chunked == head.chunked);
    PROPERTY(oracle.has_length == head.has_length && oracle.length == head.length);
    return 0;
}
