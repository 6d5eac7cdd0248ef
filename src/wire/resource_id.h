/*
 * resource_id.h - Azure resource ids, cut into their parts.
 *
 *   /subscriptions/S
 *   /subscriptions/S/resourceGroups/G
 *   /subscriptions/S[/resourceGroups/G]/providers/NS/TYPE/NAME[/TYPE/NAME]...
 *   any of these followed by /providers/NS/TYPE/NAME[/TYPE/NAME]... (an extension resource)
 *
 * The last TYPE may lack its NAME: then the path is that of a collection, or of an action.  Under
 * Microsoft.ContainerRegistry/registries/R, "repositories" takes all that follows as one name, up
 * to "/providers/Microsoft.Authorization": names of repositories hold slashes.
 *
 * Invariants:
 *   R1  literals match without regard to ASCII case; every text points into what was given;
 *   R2  no part is empty, and none has a character that ids never have (control, <>%&?\\ and
 *       quotes);
 *   R3  what resource_id_print() writes parses to the same parts.
 */
#ifndef WIRE_RESOURCE_ID_H
#define WIRE_RESOURCE_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define RESOURCE_ID_LEVELS_MAX     4 /* TYPE/NAME pairs behind one namespace */
#define RESOURCE_ID_EXTENSIONS_MAX 3

struct resource_id_level {
    struct text type;
    struct text name; /* empty only in the last level of all: a collection or an action */
};

struct resource_id_provider {
    struct text namespace;
    struct resource_id_level levels[RESOURCE_ID_LEVELS_MAX];
    size_t n;
};

struct resource_id {
    struct text subscription;
    struct text group; /* empty: none */
    struct resource_id_provider providers[RESOURCE_ID_EXTENSIONS_MAX];
    size_t n;
};

/* resource_id_parse(t, out, err): all of ${t}; a "/" at the end is left away. */
MUST_CHECK int resource_id_parse(struct text t, struct resource_id *out, struct err *err);

/* resource_id_names_thing(id): no name is missing: a thing, not a collection or an action. */
bool resource_id_names_thing(const struct resource_id *id);

/* resource_id_print(id, out): with the literals as Azure spells them; a missing name ends it. */
void resource_id_print(const struct resource_id *id, struct buf *out);

/* resource_id_print_thing(id, out): as above, but only up to the last named thing. */
void resource_id_print_thing(const struct resource_id *id, struct buf *out);

#endif /* WIRE_RESOURCE_ID_H */
