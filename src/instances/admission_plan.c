/* The plan of a deployment: the group's wishes over the image's defaults. */
#include "base/buf.h"
#include "instances/admission.h"
#include "wire/json.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static struct text
env_name(struct text entry)
{
    ptrdiff_t at = text_find(entry, '=');

    return at < 0 ? entry : text_first(entry, (size_t)at);
}

static bool
group_sets(const struct group_container *c, struct text name)
{
    for (size_t i = 0; i < c->env_count; i++)
        if (text_equal(c->env[i].name, name))
            return true;
    return false;
}

/* The image's environment, with the group's over it, and a PATH if nobody gave one. */
static int
make_env(struct plan_container *out, const struct group_container *c, const struct image *image,
         struct arena *arena, struct err *err)
{
    struct text *env = arena_take(arena, (c->env_count + image->env_count + 1) * sizeof(*env));
    bool path = group_sets(c, TEXT("PATH"));
    size_t n = 0;

    if (env == NULL)
        return err_memory(err);
    for (size_t i = 0; i < image->env_count; i++) {
        struct text name = env_name(image->env[i]);

        if (name.n == 0 || name.n == image->env[i].n || group_sets(c, name))
            continue; /* an entry without a name or a '=' means nothing to any program */
        path = path || text_is(name, "PATH");
        env[n++] = image->env[i];
    }
    for (size_t i = 0; i < c->env_count; i++)
        env[n++] = text_of(
            arena_printf(arena, "%.*s=%.*s", TEXT_ARG(c->env[i].name), TEXT_ARG(c->env[i].value)));
    if (!path)
        env[n++] = TEXT(DEFAULT_PATH);
    out->env = env;
    out->env_count = n;
    return arena_full(arena) ? err_memory(err) : 0;
}

static int
make_args(struct plan_container *out, const struct group_container *c, const struct image *image,
          struct arena *arena, struct err *err)
{
    struct text *args;
    size_t n = 0;

    if (c->command_count > 0) {
        out->args = c->command;
        out->arg_count = c->command_count;
        return 0;
    }
    if (image->entrypoint_count + image->cmd_count == 0)
        return err_set(err, ERR_INVALID, "command: the image names no program; give a command");
    args = arena_take(arena, (image->entrypoint_count + image->cmd_count) * sizeof(*args));
    if (args == NULL)
        return err_memory(err);
    for (size_t i = 0; i < image->entrypoint_count; i++)
        args[n++] = image->entrypoint[i];
    for (size_t i = 0; i < image->cmd_count; i++)
        args[n++] = image->cmd[i];
    out->args = args;
    out->arg_count = n;
    return 0;
}

static int
make_container(struct plan_container *out, const struct group_container *c,
               const struct admitted *a, struct arena *arena, struct err *err)
{
    const struct image *image = &a->image;
    struct digest *layers = arena_take(arena, image->layer_count * sizeof(*layers));

    if (layers == NULL)
        return err_memory(err);
    for (size_t i = 0; i < image->layer_count; i++)
        layers[i] = image->layers[i].diff_id;
    *out = (struct plan_container){
        .name = c->name,
        .layers = layers,
        .layer_count = image->layer_count,
        .cwd = image->cwd,
        .user = image->user,
        .stop_signal = image->stop_signal,
        .cpu_millis = c->cpu_millis,
        .memory_bytes = c->memory_bytes,
    };
    if (make_args(out, c, image, arena, err) != 0)
        return -1;
    return make_env(out, c, image, arena, err);
}

static bool
layer_listed(const struct deployment_layer *layers, size_t n, const struct digest *diff_id)
{
    for (size_t i = 0; i < n; i++)
        if (digest_equal(&layers[i].diff_id, diff_id))
            return true;
    return false;
}

/* Every layer once, however many containers stand on it. */
static int
list_layers(struct deployment *out, const struct group *group, const struct admitted *admitted,
            struct arena *arena, struct err *err)
{
    struct deployment_layer *layers;
    size_t max = 0, n = 0;

    for (size_t i = 0; i < group->container_count; i++)
        max += admitted[i].image.layer_count;
    if ((layers = arena_take(arena, max * sizeof(*layers))) == NULL)
        return err_memory(err);
    for (size_t i = 0; i < group->container_count; i++)
        for (size_t k = 0; k < admitted[i].image.layer_count; k++) {
            const struct image_layer *layer = &admitted[i].image.layers[k];

            if (!layer_listed(layers, n, &layer->diff_id))
                layers[n++] = (struct deployment_layer){
                    layer->diff_id,         layer->blob, layer->media, admitted[i].registry,
                    admitted[i].repository,
                };
        }
    out->layers = layers;
    out->layer_count = n;
    return 0;
}

static int
make_ports(struct plan *plan, const struct group *group, struct deployment *out,
           struct arena *arena, struct err *err)
{
    struct plan_port *ports;
    uint16_t *host_ports;

    if (!group->published || group->port_count == 0)
        return 0;
    ports = arena_take(arena, group->port_count * sizeof(*ports));
    host_ports = arena_take(arena, group->port_count * sizeof(*host_ports));
    if (ports == NULL || host_ports == NULL)
        return err_memory(err);
    for (size_t i = 0; i < group->port_count; i++) {
        ports[i] = (struct plan_port){ { 0, 0, 0, 0 }, group->ports[i], group->ports[i] };
        host_ports[i] = group->ports[i];
    }
    plan->ports = ports;
    plan->port_count = group->port_count;
    out->ports = host_ports;
    out->port_count = group->port_count;
    return 0;
}

int
admission_deploy(const struct group *group, const struct admitted *admitted, struct arena *arena,
                 struct deployment *out, struct err *err)
{
    OWN_BUF(bytes, PLAN_BYTES_MAX);
    struct deployment d = { .state = DEPLOYMENT_CREATING };
    struct plan plan = { .restart = group->restart };
    struct plan_container *containers =
        arena_take(arena, group->container_count * sizeof(*containers));

    if (containers == NULL)
        return err_memory(err);
    id_new(d.id);
    (void)text_copy(text_of(d.id), plan.id, sizeof(plan.id));
    plan.containers = containers;
    plan.container_count = group->container_count;
    for (size_t i = 0; i < group->container_count; i++)
        if (make_container(&containers[i], &group->containers[i], &admitted[i], arena, err) != 0)
            return json_within(err, "properties.containers[%zu].properties", i);
    if (make_ports(&plan, group, &d, arena, err) != 0 ||
        list_layers(&d, group, admitted, arena, err) != 0 || plan_encode(&plan, &bytes, err) != 0)
        return -1;
    d.plan = arena_text(arena, buf_view(&bytes));
    if (arena_full(arena))
        return err_memory(err);
    *out = d;
    return 0;
}
