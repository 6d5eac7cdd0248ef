/* What is read and printed reads as the same tree; equal trees have one canonical print (J1, J4).
 */
#include "../property.h"
#include "wire/json.h"

#define PRINT_MAX ((size_t)16 * 1024 * 1024)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN_BUF(plain, PRINT_MAX);
    OWN_BUF(one, PRINT_MAX);
    OWN_BUF(two, PRINT_MAX);
    OWN_JSON tree = NULL;
    OWN_JSON again = NULL;
    OWN_JSON sorted = NULL;
    struct err err = { 0 };

    if ((tree = json_read(text_from(data, n), &err)) == NULL) {
        PROPERTY(err.kind == ERR_INVALID || err.kind == ERR_TOO_LARGE);
        return 0;
    }
    PROPERTY(json_print(tree, &plain, &err) == 0 && json_canonical(tree, &one, &err) == 0);
    PROPERTY(text_is_utf8(buf_view(&plain)));
    again = json_read(buf_view(&plain), &err);
    sorted = json_read(buf_view(&one), &err);
    PROPERTY(again != NULL && json_equal(tree, again));
    PROPERTY(sorted != NULL && json_equal(tree, sorted));
    PROPERTY(json_canonical(again, &two, &err) == 0);
    PROPERTY(text_equal(buf_view(&one), buf_view(&two)));
    return 0;
}
