/*
 * A group that is accepted can be planned within the runner's limits (G1); its stripped document
 * holds no secret (G3) and is accepted again, as a client sends back what it was shown.
 */
#include "../property.h"
#include "instances/admission.h"
#include "wire/json.h"

#define MEMORY_MAX ((size_t)64 * 1024 * 1024)

static void
plan_it(const struct group *group, struct arena *arena, struct err *err)
{
    static struct text cmd[] = { { "/bin/true", 9 } };
    struct admitted *a = arena_take(arena, group->container_count * sizeof(*a));
    struct image_layer *layer = arena_take(arena, sizeof(*layer));
    struct deployment d;

    if (a == NULL || layer == NULL)
        return;
    for (size_t i = 0; i < group->container_count; i++) {
        a[i].image.layers = layer;
        a[i].image.layer_count = 1;
        a[i].image.cmd = cmd;
        a[i].image.cmd_count = 1;
    }
    if (admission_deploy(group, a, arena, &d, err) == 0)
        PROPERTY(d.layer_count == 1 && d.plan.n > 0);
    else
        PROPERTY(err->kind == ERR_TOO_LARGE || err->kind == ERR_NO_SPACE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN(arena) arena = arena_new(MEMORY_MAX);
    OWN_JSON tree = NULL;
    struct err err = { 0 };
    struct group group;

    if ((tree = json_read(text_from(data, n), &err)) == NULL)
        return 0;
    if (group_read(&group, tree, arena, &err) != 0) {
        PROPERTY(err.kind != ERR_OK && err.msg[0] != '\0');
        return 0;
    }
    PROPERTY(group.container_count > 0 && group.container_count <= GROUP_CONTAINERS_MAX);
    plan_it(&group, arena, &err);
    err_clear(&err);
    group_strip(tree);
    PROPERTY(group_read(&group, tree, arena, &err) == 0);
    for (size_t i = 0; i < group.container_count; i++)
        for (size_t k = 0; k < group.containers[i].env_count; k++)
            PROPERTY(!group.containers[i].env[k].secret);
    for (size_t i = 0; i < group.credential_count; i++)
        PROPERTY(group.credentials[i].password.n == 0);
    return 0;
}
