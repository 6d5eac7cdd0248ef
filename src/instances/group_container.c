/* One element of "containers". */
#include "instances/group_priv.h"
#include "instances/member.h"
#include "wire/json.h"

#define BYTES_PER_GB (1024.0 * 1024.0 * 1024.0)

static const struct member container_members[] = {
    { "name", MEMBER_TAKEN, NULL },
    { "properties", MEMBER_TAKEN, NULL },
    { NULL, MEMBER_TAKEN, NULL },
};

static const struct member property_members[] = {
    { "image", MEMBER_TAKEN, NULL },
    { "command", MEMBER_TAKEN, NULL },
    { "ports", MEMBER_TAKEN, NULL },
    { "environmentVariables", MEMBER_TAKEN, NULL },
    { "resources", MEMBER_TAKEN, NULL },
    { "instanceView", MEMBER_READ_ONLY, NULL },
    { "volumeMounts", MEMBER_NOT_YET, "volumes are not supported yet; leave volumeMounts out" },
    { "livenessProbe", MEMBER_NOT_YET, "probes are not supported yet; leave livenessProbe out" },
    { "readinessProbe", MEMBER_NOT_YET, "probes are not supported yet; leave readinessProbe out" },
    { "securityContext", MEMBER_NOT_YET,
      "security contexts are not supported yet; the defaults drop every capability" },
    { NULL, MEMBER_TAKEN, NULL },
};

static const struct member env_members[] = {
    { "name", MEMBER_TAKEN, NULL },
    { "value", MEMBER_TAKEN, NULL },
    { "secureValue", MEMBER_TAKEN, NULL },
    { "secureValueReference", MEMBER_NOT_YET, "references to a vault are not supported yet" },
    { NULL, MEMBER_TAKEN, NULL },
};

static const struct member port_members[] = {
    { "port", MEMBER_TAKEN, NULL },
    { "protocol", MEMBER_TAKEN, NULL },
    { NULL, MEMBER_TAKEN, NULL },
};

static const struct member resources_members[] = {
    { "requests", MEMBER_TAKEN, NULL },
    { "limits", MEMBER_TAKEN, NULL },
    { NULL, MEMBER_TAKEN, NULL },
};

static const struct member amount_members[] = {
    { "cpu", MEMBER_TAKEN, NULL },
    { "memoryInGB", MEMBER_TAKEN, NULL },
    { "gpu", MEMBER_NOT_YET, "GPUs are not supported" },
    { NULL, MEMBER_TAKEN, NULL },
};

bool
group_label_ok(struct text t)
{
    if (t.n == 0 || t.n > PLAN_NAME_MAX || t.p[0] == '-' || t.p[t.n - 1] == '-')
        return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
        if (c == '-' && t.p[i - 1] == '-')
            return false;
    }
    return true;
}

int
group_port_read(const json_t *object, uint16_t *out, struct err *err)
{
    struct text protocol;
    int64_t port;

    if (!json_is_object(object))
        return err_set(err, ERR_INVALID, "must be an object with a port");
    if (member_check(object, port_members, err) != 0 ||
        json_need_int(object, "port", 1, 65535, &port, err) != 0 ||
        json_want_text(object, "protocol", TEXT("TCP"), &protocol, err) != 0)
        return -1;
    if (text_is_nocase(protocol, "UDP"))
        return json_refuse(err, "protocol", "UDP ports are not supported yet; use TCP");
    if (!text_is_nocase(protocol, "TCP"))
        return json_refuse(err, "protocol", "must be TCP");
    *out = (uint16_t)port;
    return 0;
}

static int
ports_check(const json_t *properties, struct err *err)
{
    json_t *ports;
    uint16_t port;

    if (json_want_array(properties, "ports", &ports, err) != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(ports); i++)
        if (group_port_read(json_array_get(ports, i), &port, err) != 0)
            return json_within(err, "ports[%zu]", i);
    return 0;
}

static int
command_read(struct group_container *out, const json_t *properties, struct arena *arena,
             struct err *err)
{
    struct text *words;
    json_t *command;
    size_t n;

    if (json_want_array(properties, "command", &command, err) != 0)
        return -1;
    n = json_array_size(command);
    if (n > GROUP_COMMAND_MAX)
        return json_refuse(err, "command", "has more than %d words", GROUP_COMMAND_MAX);
    if (n == 0)
        return 0;
    if ((words = arena_take(arena, n * sizeof(*words))) == NULL)
        return err_memory(err);
    for (size_t i = 0; i < n; i++) {
        words[i] = json_text(json_array_get(command, i));
        if (words[i].p == NULL || words[i].n > PLAN_STRING_MAX)
            return json_refuse(err, "command", "word %zu must be a text of at most %d bytes", i,
                               PLAN_STRING_MAX);
    }
    if (words[0].n == 0)
        return json_refuse(err, "command", "begins with an empty word; name a program");
    out->command = words;
    out->command_count = n;
    return 0;
}

static int
env_one(struct group_env *out, const json_t *object, struct err *err)
{
    struct text plain, secret;

    if (!json_is_object(object))
        return err_set(err, ERR_INVALID, "must be an object with name and value");
    if (member_check(object, env_members, err) != 0 ||
        json_need_text(object, "name", &out->name, err) != 0 ||
        json_want_text(object, "value", (struct text){ NULL, 0 }, &plain, err) != 0 ||
        json_want_text(object, "secureValue", (struct text){ NULL, 0 }, &secret, err) != 0)
        return -1;
    if (out->name.n == 0 || out->name.n > GROUP_ENV_NAME_MAX || text_find(out->name, '=') >= 0)
        return json_refuse(err, "name", "must be 1 to %d bytes without '='", GROUP_ENV_NAME_MAX);
    if (plain.p != NULL && secret.p != NULL)
        return json_refuse(err, "secureValue", "give value or secureValue, not both");
    out->secret = secret.p != NULL;
    out->value = out->secret ? secret : plain;
    if (out->name.n + 1 + out->value.n > PLAN_STRING_MAX)
        return json_refuse(err, "value", "is longer than the kernel takes");
    return 0;
}

static int
env_read(struct group_container *out, const json_t *properties, struct arena *arena,
         struct err *err)
{
    struct group_env *env;
    json_t *list;
    size_t n;

    if (json_want_array(properties, "environmentVariables", &list, err) != 0)
        return -1;
    n = json_array_size(list);
    if (n > GROUP_ENV_MAX)
        return json_refuse(err, "environmentVariables", "has more than %d entries", GROUP_ENV_MAX);
    if (n == 0)
        return 0;
    if ((env = arena_take(arena, n * sizeof(*env))) == NULL)
        return err_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (env_one(&env[i], json_array_get(list, i), err) != 0)
            return json_within(err, "environmentVariables[%zu]", i);
        for (size_t j = 0; j < i; j++)
            if (text_equal(env[j].name, env[i].name))
                return json_refuse(err, "environmentVariables", "the name \"%.*s\" is given twice",
                                   TEXT_ARG(env[i].name));
    }
    out->env = env;
    out->env_count = n;
    return 0;
}

struct amounts {
    double cpu;
    double memory_gb;
};

/* ${least} of what was requested before: a limit may not be below it. */
static int
amounts_read(struct amounts *out, const json_t *object, struct err *err)
{
    if (member_check(object, amount_members, err) != 0 ||
        json_want_number(object, "cpu", 0.0, GROUP_CPU_MAX, 0.0, &out->cpu, err) != 0 ||
        json_want_number(object, "memoryInGB", 0.0, GROUP_MEMORY_GB_MAX, 0.0, &out->memory_gb,
                         err) != 0)
        return -1;
    if (out->memory_gb > 0.0 && out->memory_gb < GROUP_MEMORY_GB_MIN)
        return json_refuse(err, "memoryInGB", "must be at least %.3f", GROUP_MEMORY_GB_MIN);
    if (out->cpu > 0.0 && out->cpu < 0.01)
        return json_refuse(err, "cpu", "must be at least 0.01");
    return 0;
}

static int
limits_read(struct amounts *all, const json_t *resources, struct err *err)
{
    struct amounts limits = { 0 };
    json_t *object;

    if (json_want_object(resources, "limits", &object, err) != 0)
        return -1;
    if (object == NULL)
        return 0;
    if (amounts_read(&limits, object, err) != 0)
        return json_within(err, "limits");
    if (limits.cpu > 0.0 && limits.cpu < all->cpu)
        return json_refuse(err, "limits.cpu", "is less than requests.cpu");
    if (limits.memory_gb > 0.0 && limits.memory_gb < all->memory_gb)
        return json_refuse(err, "limits.memoryInGB", "is less than requests.memoryInGB");
    if (limits.cpu > 0.0)
        all->cpu = limits.cpu;
    if (limits.memory_gb > 0.0)
        all->memory_gb = limits.memory_gb;
    return 0;
}

static int
resources_read(struct group_container *out, const json_t *properties, struct err *err)
{
    struct amounts all = { 0 };
    json_t *resources, *requests;

    if (json_need_object(properties, "resources", &resources, err) != 0)
        return -1;
    if (member_check(resources, resources_members, err) != 0 ||
        json_need_object(resources, "requests", &requests, err) != 0)
        return json_within(err, "resources");
    if (amounts_read(&all, requests, err) != 0)
        return json_within(err, "resources.requests");
    if (all.cpu <= 0.0 || all.memory_gb <= 0.0)
        return json_refuse(err, "resources.requests", "needs cpu and memoryInGB, both above 0");
    if (limits_read(&all, resources, err) != 0)
        return json_within(err, "resources");
    out->cpu_millis = (uint32_t)(all.cpu * 1000.0 + 0.5);
    out->memory_bytes = (uint64_t)(all.memory_gb * BYTES_PER_GB);
    return 0;
}

static int
properties_read(struct group_container *out, const json_t *properties, struct arena *arena,
                struct err *err)
{
    if (member_check(properties, property_members, err) != 0 ||
        json_need_text(properties, "image", &out->image, err) != 0 ||
        command_read(out, properties, arena, err) != 0 || ports_check(properties, err) != 0 ||
        env_read(out, properties, arena, err) != 0)
        return -1;
    return resources_read(out, properties, err);
}

int
group_container_read(struct group_container *out, const json_t *object, struct arena *arena,
                     struct err *err)
{
    json_t *properties;

    *out = (struct group_container){ 0 };
    if (!json_is_object(object))
        return err_set(err, ERR_INVALID, "must be an object with name and properties");
    if (member_check(object, container_members, err) != 0 ||
        json_need_text(object, "name", &out->name, err) != 0 ||
        json_need_object(object, "properties", &properties, err) != 0)
        return -1;
    if (!group_label_ok(out->name))
        return json_refuse(err, "name",
                           "must be 1 to %d of a-z, 0-9 and single '-', not at either end",
                           PLAN_NAME_MAX);
    if (properties_read(out, properties, arena, err) != 0)
        return json_within(err, "properties");
    return 0;
}
