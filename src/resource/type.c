/* type.c - what can be put: registered types, and the rows that serve them. */
#include <string.h>

#include "base/mem.h"
#include "resource/resource_priv.h"

#define NAMES_MAX ((size_t)256 * 1024)

const struct registered *
registered_type(const struct resources *rs, struct text type)
{
    for (size_t i = 0; i < rs->n_types; i++)
        if (text_is_nocase(type, rs->types[i].type->type))
            return &rs->types[i];
    return NULL;
}

int
resources_register(struct resources *rs, const struct resource_type *type, void *room,
                   struct err *err)
{
    if (rs->n_types == TYPES_MAX || rs->rows != NULL)
        return err_set(err, ERR_INVALID, "the type %s comes too late or is one too many",
                       type->type);
    if (registered_type(rs, text_of(type->type)) != NULL)
        return err_set(err, ERR_INVALID, "the type %s is registered twice", type->type);
    rs->types[rs->n_types++] = (struct registered){ type, room };
    return 0;
}

int
resources_observe(struct resources *rs, const char *type, resource_removed *removed, void *room,
                  struct err *err)
{
    if (rs->n_observers == RESOURCE_OBSERVERS_MAX)
        return err_set(err, ERR_INVALID, "too many rooms observe resources");
    rs->observers[rs->n_observers++] = (struct observer){ type, removed, room };
    return 0;
}

int
remove_row(struct resources *rs, struct db *db, const struct resource *r, struct err *err)
{
    for (size_t i = 0; i < rs->n_observers; i++)
        if (text_is_nocase(r->type, rs->observers[i].type) &&
            rs->observers[i].removed(rs->observers[i].room, db, r, err) < 0)
            return -1;
    return resource_remove(db, r->id, err);
}

/* The rows of one type: %s is "NS/TYPE" in the patterns, the action prefix in the actions. */
static const struct template
{
    enum http_method method;
    const char *pattern;
    const char *action;
    route_handler *handler;
    unsigned flags;
    uint64_t max_body;
}
templates[] = {
    { HTTP_GET, "/subscriptions/{subscription}/providers/%s", "%s/read", resource_list,
      ROUTE_DECIDES, 0 },
    { HTTP_GET, "/subscriptions/{subscription}/resourceGroups/{group}/providers/%s", "%s/read",
      resource_list, ROUTE_DECIDES, 0 },
    { HTTP_GET, "/subscriptions/{subscription}/resourceGroups/{group}/providers/%s/{name}",
      "%s/read", resource_get, 0, 0 },
    { HTTP_PUT, "/subscriptions/{subscription}/resourceGroups/{group}/providers/%s/{name}",
      "%s/write", resource_replace, 0, RESOURCE_DOCUMENT_MAX },
    { HTTP_PATCH, "/subscriptions/{subscription}/resourceGroups/{group}/providers/%s/{name}",
      "%s/write", resource_patch, 0, RESOURCE_DOCUMENT_MAX },
    { HTTP_DELETE, "/subscriptions/{subscription}/resourceGroups/{group}/providers/%s/{name}",
      "%s/delete", resource_delete, 0, 0 },
};

#define TEMPLATES (sizeof(templates) / sizeof(templates[0]))

static char *
filled(struct arena *names, const char *format, const char *word)
{
    struct text before = text_of(format);
    ptrdiff_t at = text_find(before, '%');

    if (at < 0)
        return arena_cstr(names, before);
    return arena_printf(names, "%.*s%s%s", (int)at, format, word, format + at + 2);
}

static void
add_type(struct resources *rs, const struct resource_type *type, struct route **next)
{
    for (size_t i = 0; i < TEMPLATES; i++) {
        const struct template *t = &templates[i];

        *(*next)++ = (struct route){
            .method = t->method,
            .pattern = filled(rs->names, t->pattern, type->type),
            .action = filled(rs->names, t->action, type->action_prefix),
            .dialect = DIALECT_ARM,
            .handler = t->handler,
            .flags = t->flags,
            .max_body = t->max_body,
        };
    }
}

static size_t
fixed_count(void)
{
    size_t n = 0;

    while (fixed_rows[n].pattern != NULL)
        n++;
    return n;
}

const struct route *
resources_routes(struct resources *rs)
{
    static const struct route none[] = { { .pattern = NULL } };
    size_t fixed = fixed_count();
    struct route *next;

    if (rs->rows != NULL)
        return rs->rows;
    rs->rows = next = mem_zalloc((fixed + rs->n_types * TEMPLATES + 1) * sizeof(*next));
    if (next == NULL)
        return none;
    memcpy(next, fixed_rows, fixed * sizeof(*next));
    next += fixed;
    for (size_t i = 0; i < rs->n_types; i++)
        if (!text_is(text_of(rs->types[i].type->type), TYPE_GROUP))
            add_type(rs, rs->types[i].type, &next);
    if (arena_full(rs->names))
        return none;
    return rs->rows;
}

struct resources *
resources_open(struct database *database, const struct exchange_world *world, struct err *err)
{
    OWN(resources) rs = mem_zalloc(sizeof(*rs));

    if (rs == NULL || (rs->names = arena_new(NAMES_MAX)) == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    rs->database = database;
    rs->world = world;
    if (resources_register(rs, &registry_type, rs, err) < 0)
        return NULL;
    return GIVE(rs);
}

void
resources_free(struct resources *rs)
{
    if (rs == NULL)
        return;
    mem_free(rs->rows);
    arena_free(rs->names);
    mem_free(rs);
}
