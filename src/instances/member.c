#include "instances/member.h"

#include <string.h>

#include "wire/json.h"

static bool
asks_for_nothing(const json_t *value)
{
    if (json_is_array(value))
        return json_array_size(value) == 0;
    if (json_is_object(value))
        return json_object_size(value) == 0;
    return json_is_null(value);
}

static const struct member *
find(const struct member *table, const char *name)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

int
member_check(const json_t *object, const struct member *table, struct err *err)
{
    /* jansson's iterator wants a mutable object and changes nothing. */
    json_t *walked = json_incref((json_t *)(uintptr_t)object);
    int rc = 0;

    for (void *i = json_object_iter(walked); i != NULL; i = json_object_iter_next(walked, i)) {
        const char *name = json_object_iter_key(i);
        const struct member *row = find(table, name);

        if (row == NULL)
            rc = json_refuse(err, name, "there is no such property here; check its spelling");
        else if (row->rule == MEMBER_NOT_YET && !asks_for_nothing(json_object_iter_value(i)))
            rc = json_refuse(err, name, "%s", row->why);
        if (rc != 0)
            break;
    }
    json_decref(walked);
    return rc;
}
