/* What YAML becomes is JSON that our own reader accepts and finds equal (Y1, Y3). */
#include "../property.h"
#include "wire/yaml.h"

#define PRINT_MAX ((size_t)64 * 1024 * 1024)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN_BUF(b, PRINT_MAX);
    OWN_JSON tree = NULL;
    OWN_JSON again = NULL;
    struct err err = { 0 };

    if ((tree = yaml_read(text_from(data, n), &err)) == NULL) {
        PROPERTY(err.kind == ERR_INVALID || err.kind == ERR_TOO_LARGE);
        return 0;
    }
    PROPERTY(json_print(tree, &b, &err) == 0);
    again = json_read(buf_view(&b), &err);
    PROPERTY(again != NULL && json_equal(tree, again));
    return 0;
}
