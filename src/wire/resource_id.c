#include "wire/resource_id.h"

#include <string.h>

#define QUOTED_MAX 100

static bool
part_is_good(struct text part)
{
    for (size_t i = 0; i < part.n; i++) {
        unsigned char c = (unsigned char)part.p[i];

        if (c < 0x20 || c == 0x7f || strchr("<>%&?\\\"'", c) != NULL)
            return false;
    }
    return part.n > 0;
}

static int
refuse(struct text part, const char *what, struct err *err)
{
    return err_code(err, ERR_INVALID, "InvalidResourceId", "\"%.*s\" cannot be %s of a resource id",
                    TEXT_ARG(text_first(part, QUOTED_MAX)), what);
}

static int
take_part(struct text *rest, const char *what, struct text *out, struct err *err)
{
    struct text part = { NULL, 0 };

    if (!text_cut(rest, '/', &part) || !part_is_good(part))
        return refuse(part, what, err);
    *out = part;
    return 0;
}

static bool
takes_the_rest(const struct resource_id_provider *p, struct text type)
{
    return text_is_nocase(p->namespace, "Microsoft.ContainerRegistry") && p->n == 1 &&
           text_is_nocase(p->levels[0].type, "registries") && text_is_nocase(type, "repositories");
}

/* Is what follows the extension that is asked for at a repository: who may do what there? */
static bool
assignments_follow(struct text rest)
{
    struct text part;

    return text_cut(&rest, '/', &part) && text_is_nocase(part, "providers") &&
           text_cut(&rest, '/', &part) && text_is_nocase(part, "Microsoft.Authorization");
}

/* "app/web": good parts between single slashes. */
static int
take_rest(struct text *rest, struct text *out, struct err *err)
{
    struct text all = *rest, part = { NULL, 0 };

    do {
        if (take_part(rest, "part of a repository", &part, err) < 0)
            return -1;
    } while (rest->p != NULL && !assignments_follow(*rest));
    *out = text_from(all.p, (size_t)(part.p + part.n - all.p));
    return 0;
}

static int
take_level(struct resource_id_provider *p, struct text type, struct text *rest, struct err *err)
{
    struct resource_id_level *level = &p->levels[p->n];
    bool greedy = takes_the_rest(p, type);

    if (p->n == RESOURCE_ID_LEVELS_MAX)
        return refuse(type, "one more level", err);
    level->type = type;
    level->name = (struct text){ NULL, 0 };
    p->n++;
    if (rest->p == NULL)
        return 0;
    return greedy ? take_rest(rest, &level->name, err)
                  : take_part(rest, "a name", &level->name, err);
}

/* TYPE/NAME pairs up to the end or the next "providers". */
static int
take_provider(struct resource_id *id, struct text *rest, struct err *err)
{
    struct resource_id_provider *p = &id->providers[id->n];
    struct text type;

    if (id->n == RESOURCE_ID_EXTENSIONS_MAX)
        return err_code(err, ERR_INVALID, "InvalidResourceId",
                        "the resource id is nested too deep");
    p->n = 0;
    id->n++;
    if (take_part(rest, "a namespace", &p->namespace, err) < 0)
        return -1;
    do {
        if (take_part(rest, "a type", &type, err) < 0)
            return -1;
        if (p->n > 0 && text_is_nocase(type, "providers"))
            return take_provider(id, rest, err);
        if (take_level(p, type, rest, err) < 0)
            return -1;
    } while (rest->p != NULL);
    return 0;
}

static int
take_literal(struct text *rest, const char *literal, struct err *err)
{
    struct text part;

    if (take_part(rest, "a part", &part, err) < 0)
        return -1;
    return text_is_nocase(part, literal)
               ? 0
               : err_code(err, ERR_INVALID, "InvalidResourceId",
                          "\"%.*s\" stands where a resource id has \"%s\"",
                          TEXT_ARG(text_first(part, QUOTED_MAX)), literal);
}

static int
take_group(struct resource_id *id, struct text *rest, struct err *err)
{
    struct text ahead = *rest, part = { NULL, 0 };

    if (!text_cut(&ahead, '/', &part) || !text_is_nocase(part, "resourceGroups"))
        return 0;
    *rest = ahead;
    return take_part(rest, "a resource group", &id->group, err);
}

int
resource_id_parse(struct text t, struct resource_id *out, struct err *err)
{
    struct resource_id id = { .n = 0 };
    struct text rest;

    if (!text_starts(t, "/"))
        return err_code(err, ERR_INVALID, "InvalidResourceId", "a resource id begins with \"/\"");
    if (text_ends(t, "/"))
        t.n--;
    rest = text_after(t, 1);
    if (take_literal(&rest, "subscriptions", err) < 0 ||
        take_part(&rest, "a subscription", &id.subscription, err) < 0 ||
        take_group(&id, &rest, err) < 0)
        return -1;
    if (rest.p != NULL &&
        (take_literal(&rest, "providers", err) < 0 || take_provider(&id, &rest, err) < 0))
        return -1;
    *out = id;
    return 0;
}

bool
resource_id_names_thing(const struct resource_id *id)
{
    const struct resource_id_provider *p;

    if (id->n == 0)
        return true;
    p = &id->providers[id->n - 1];
    return p->levels[p->n - 1].name.n > 0;
}

static void
print_provider(const struct resource_id_provider *p, bool things_only, struct buf *out)
{
    if (things_only && p->levels[0].name.n == 0)
        return;
    buf_str(out, "/providers/");
    buf_text(out, p->namespace);
    for (size_t i = 0; i < p->n; i++) {
        if (things_only && p->levels[i].name.n == 0)
            return;
        buf_char(out, '/');
        buf_text(out, p->levels[i].type);
        if (p->levels[i].name.n > 0) {
            buf_char(out, '/');
            buf_text(out, p->levels[i].name);
        }
    }
}

static void
print(const struct resource_id *id, bool things_only, struct buf *out)
{
    buf_str(out, "/subscriptions/");
    buf_text(out, id->subscription);
    if (id->group.n > 0) {
        buf_str(out, "/resourceGroups/");
        buf_text(out, id->group);
    }
    for (size_t i = 0; i < id->n; i++)
        print_provider(&id->providers[i], things_only, out);
}

void
resource_id_print(const struct resource_id *id, struct buf *out)
{
    print(id, false, out);
}

void
resource_id_print_thing(const struct resource_id *id, struct buf *out)
{
    print(id, true, out);
}
