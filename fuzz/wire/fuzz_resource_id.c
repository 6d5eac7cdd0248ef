/* An id that parses has no empty part but the last name (R2), and prints to the same parts (R3). */
#include "../property.h"
#include "wire/resource_id.h"

static void
are_same(const struct resource_id *a, const struct resource_id *b)
{
    PROPERTY(text_equal(a->subscription, b->subscription) && text_equal(a->group, b->group));
    PROPERTY(a->n == b->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct resource_id_provider *p = &a->providers[i], *q = &b->providers[i];

        PROPERTY(text_equal(p->namespace, q->namespace) && p->n == q->n);
        for (size_t k = 0; k < p->n; k++)
            PROPERTY(text_equal(p->levels[k].type, q->levels[k].type) &&
                     text_equal(p->levels[k].name, q->levels[k].name));
    }
}

static void
check_parts(const struct resource_id *id)
{
    PROPERTY(id->subscription.n > 0 && id->n <= RESOURCE_ID_EXTENSIONS_MAX);
    for (size_t i = 0; i < id->n; i++) {
        const struct resource_id_provider *p = &id->providers[i];

        PROPERTY(p->namespace.n > 0 && p->n > 0 && p->n <= RESOURCE_ID_LEVELS_MAX);
        for (size_t k = 0; k < p->n; k++)
            PROPERTY(p->levels[k].type.n > 0 &&
                     (p->levels[k].name.n > 0 || (i + 1 == id->n && k + 1 == p->n)));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN_BUF(b, n + 100);
    OWN_BUF(thing, n + 100);
    struct resource_id id, again;
    struct err err = { 0 };

    if (resource_id_parse(text_from(data, n), &id, &err) != 0) {
        PROPERTY(err.kind == ERR_INVALID && text_is_utf8(text_of(err.msg)));
        return 0;
    }
    check_parts(&id);
    resource_id_print(&id, &b);
    PROPERTY(resource_id_parse(buf_view(&b), &again, &err) == 0);
    are_same(&id, &again);
    resource_id_print_thing(&id, &thing);
    PROPERTY(resource_id_parse(buf_view(&thing), &again, &err) == 0);
    PROPERTY(resource_id_names_thing(&again));
    return 0;
}
