/*
 * The bytes of a plan, integers little-endian, a text is its length in 32 bits and its bytes:
 *   "HFPLAN" u16 version | id[36] | u8 restart | text hostname
 *   u32 grace, backoff, backoff cap, backoff reset (ms)
 *   u32 ports: host address[4] u16 host port, u16 container port
 *   u32 containers: text name | u32 layers: u8 algorithm, digest bytes | u32 args: text
 *     u32 env: text | text cwd | text user | u32 stop signal, cpu millis | u64 memory | u8 readonly
 */
#include "runner/plan.h"

#include <string.h>

#define MAGIC          "HFPLAN"
#define MEMORY_MIN     (4u * 1024 * 1024)
#define CPU_MILLIS_MAX (1024u * 1000)
#define SIGNAL_MAX     64

/* ---- printing ---- */

static void
put_int(struct buf *out, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_char(out, (char)(v >> (8 * i) & 0xff));
}

static void
put_text(struct buf *out, struct text t)
{
    put_int(out, t.n, 4);
    buf_text(out, t);
}

static void
put_texts(struct buf *out, const struct text *v, size_t n)
{
    put_int(out, n, 4);
    for (size_t i = 0; i < n; i++)
        put_text(out, v[i]);
}

static void
put_container(struct buf *out, const struct plan_container *c)
{
    put_text(out, c->name);
    put_int(out, c->layer_count, 4);
    for (size_t i = 0; i < c->layer_count; i++) {
        put_int(out, c->layers[i].algorithm, 1);
        buf_add(out, c->layers[i].bytes, digest_size(c->layers[i].algorithm));
    }
    put_texts(out, c->args, c->arg_count);
    put_texts(out, c->env, c->env_count);
    put_text(out, c->cwd);
    put_text(out, c->user);
    put_int(out, c->stop_signal, 4);
    put_int(out, c->cpu_millis, 4);
    put_int(out, c->memory_bytes, 8);
    put_int(out, c->readonly, 1);
}

int
plan_encode(const struct plan *plan, struct buf *out, struct err *err)
{
    if (plan_check(plan, err) != 0)
        return -1;
    buf_str(out, MAGIC);
    put_int(out, PLAN_VERSION, 2);
    buf_add(out, plan->id, ID_LEN);
    put_int(out, plan->restart, 1);
    put_text(out, plan->hostname);
    put_int(out, plan->grace_ms, 4);
    put_int(out, plan->backoff_ms, 4);
    put_int(out, plan->backoff_cap_ms, 4);
    put_int(out, plan->backoff_reset_ms, 4);
    put_int(out, plan->port_count, 4);
    for (size_t i = 0; i < plan->port_count; i++) {
        buf_add(out, plan->ports[i].host_address, 4);
        put_int(out, plan->ports[i].host_port, 2);
        put_int(out, plan->ports[i].container_port, 2);
    }
    put_int(out, plan->container_count, 4);
    for (size_t i = 0; i < plan->container_count; i++)
        put_container(out, &plan->containers[i]);
    return buf_check(out, err);
}

/* ---- parsing: the first wrong byte makes the cursor bad for good, reads then give zero ---- */

struct cursor {
    struct text rest;
    struct arena *arena;
    bool bad;
};

static uint64_t
get_int(struct cursor *in, size_t bytes)
{
    uint64_t v = 0;

    if (in->bad || in->rest.n < bytes) {
        in->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)(uint8_t)in->rest.p[i] << (8 * i);
    in->rest = text_after(in->rest, bytes);
    return v;
}

static void
get_bytes(struct cursor *in, void *out, size_t n)
{
    if (in->bad || in->rest.n < n) {
        in->bad = true;
        return;
    }
    memcpy(out, in->rest.p, n);
    in->rest = text_after(in->rest, n);
}

static struct text
get_text(struct cursor *in)
{
    size_t n = get_int(in, 4);
    struct text t;

    if (in->bad || in->rest.n < n) {
        in->bad = true;
        return (struct text){ 0 };
    }
    t = text_first(in->rest, n);
    in->rest = text_after(in->rest, n);
    return t;
}

/* A count of things that take at least ${least} bytes each, and zeroed room for them. */
static void *
get_array(struct cursor *in, size_t max, size_t least, size_t size, size_t *count)
{
    size_t n = get_int(in, 4);
    void *p;

    *count = 0;
    if (in->bad || n > max || n > in->rest.n / least) {
        in->bad = true;
        return NULL;
    }
    if (n == 0)
        return NULL;
    p = arena_take(in->arena, n * size);
    if (p == NULL)
        in->bad = true;
    else
        *count = n;
    return p;
}

static const struct text *
get_texts(struct cursor *in, size_t *count)
{
    struct text *v = get_array(in, PLAN_STRINGS_MAX, 4, sizeof(*v), count);

    for (size_t i = 0; i < *count; i++)
        v[i] = get_text(in);
    return v;
}

static bool
get_bool(struct cursor *in)
{
    uint64_t v = get_int(in, 1);

    if (v > 1)
        in->bad = true;
    return v == 1;
}

static const struct digest *
get_layers(struct cursor *in, size_t *count)
{
    struct digest *v = get_array(in, PLAN_LAYERS_MAX, 33, sizeof(*v), count);

    for (size_t i = 0; i < *count; i++) {
        uint64_t algorithm = get_int(in, 1);

        if (algorithm > DIGEST_SHA512) {
            in->bad = true;
            break;
        }
        v[i].algorithm = (enum digest_algorithm)algorithm;
        get_bytes(in, v[i].bytes, digest_size(v[i].algorithm));
    }
    return v;
}

static void
get_container(struct cursor *in, struct plan_container *c)
{
    c->name = get_text(in);
    c->layers = get_layers(in, &c->layer_count);
    c->args = get_texts(in, &c->arg_count);
    c->env = get_texts(in, &c->env_count);
    c->cwd = get_text(in);
    c->user = get_text(in);
    c->stop_signal = (uint32_t)get_int(in, 4);
    c->cpu_millis = (uint32_t)get_int(in, 4);
    c->memory_bytes = get_int(in, 8);
    c->readonly = get_bool(in);
}

static void
get_plan(struct cursor *in, struct plan *plan)
{
    char magic[sizeof(MAGIC) - 1] = { 0 };
    struct plan_container *containers;
    struct plan_port *ports;
    uint64_t restart;

    get_bytes(in, magic, sizeof(magic));
    if (memcmp(magic, MAGIC, sizeof(magic)) != 0 || get_int(in, 2) != PLAN_VERSION)
        in->bad = true;
    get_bytes(in, plan->id, ID_LEN);
    restart = get_int(in, 1);
    if (restart > PLAN_RESTART_NEVER)
        in->bad = true;
    plan->restart = (enum plan_restart)restart;
    plan->hostname = get_text(in);
    plan->grace_ms = (uint32_t)get_int(in, 4);
    plan->backoff_ms = (uint32_t)get_int(in, 4);
    plan->backoff_cap_ms = (uint32_t)get_int(in, 4);
    plan->backoff_reset_ms = (uint32_t)get_int(in, 4);
    ports = get_array(in, PLAN_PORTS_MAX, 8, sizeof(*ports), &plan->port_count);
    for (size_t i = 0; i < plan->port_count; i++) {
        get_bytes(in, ports[i].host_address, 4);
        ports[i].host_port = (uint16_t)get_int(in, 2);
        ports[i].container_port = (uint16_t)get_int(in, 2);
    }
    plan->ports = ports;
    containers =
        get_array(in, PLAN_CONTAINERS_MAX, 41, sizeof(*containers), &plan->container_count);
    for (size_t i = 0; i < plan->container_count && !in->bad; i++)
        get_container(in, &containers[i]);
    plan->containers = containers;
}

int
plan_decode(struct plan *out, struct arena *arena, struct text bytes, struct err *err)
{
    struct cursor in = { .rest = bytes, .arena = arena };
    struct plan plan = { 0 };

    if (bytes.n > PLAN_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a plan has at most %d bytes", PLAN_BYTES_MAX);
    get_plan(&in, &plan);
    if (arena_full(arena))
        return err_set(err, ERR_TOO_LARGE, "the plan needs too much memory");
    if (in.bad || in.rest.n != 0)
        return err_set(err, ERR_INVALID, "the plan is not whole, or of another version");
    if (plan_check(&plan, err) != 0)
        return -1;
    *out = plan;
    return 0;
}

/* ---- checking ---- */

static bool
is_label(struct text t)
{
    if (t.n == 0 || t.n > PLAN_NAME_MAX || t.p[0] == '-' || t.p[t.n - 1] == '-')
        return false;
    for (size_t i = 0; i < t.n; i++)
        if (!(t.p[i] >= 'a' && t.p[i] <= 'z') && !(t.p[i] >= '0' && t.p[i] <= '9') && t.p[i] != '-')
            return false;
    return true;
}

/* Bytes of the UTF-8 sequence at ${p} (Unicode 15, table 3-7), or 0.  The runtimes read JSON and
 * would replace other bytes silently. */
static size_t
utf8_step(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char lead_from, lead_to, second_from, second_to, length;
    } rows[] = {
        { 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (p[0] < rows[i].lead_from || p[0] > rows[i].lead_to)
            continue;
        if (n < rows[i].length)
            return 0;
        if (rows[i].length > 1 && (p[1] < rows[i].second_from || p[1] > rows[i].second_to))
            return 0;
        for (size_t k = 2; k < rows[i].length; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].length;
    }
    return 0;
}

/* NUL ends no text here: it is refused, as is everything that is not UTF-8. */
static bool
is_string(struct text t, size_t max)
{
    size_t at = 0;

    if (t.n > max)
        return false;
    while (at < t.n) {
        size_t step = utf8_step((const unsigned char *)t.p + at, t.n - at);

        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

static int
check_strings(const struct plan_container *c, struct err *err)
{
    if (c->arg_count == 0 || c->args[0].n == 0)
        return err_set(err, ERR_INVALID, "container %.*s has no command", TEXT_ARG(c->name));
    if (c->arg_count > PLAN_STRINGS_MAX || c->env_count > PLAN_STRINGS_MAX)
        return err_set(err, ERR_TOO_LARGE, "container %.*s has more than %d arguments or variables",
                       TEXT_ARG(c->name), PLAN_STRINGS_MAX);
    for (size_t i = 0; i < c->arg_count; i++)
        if (!is_string(c->args[i], PLAN_STRING_MAX))
            return err_set(err, ERR_INVALID,
                           "argument %zu of container %.*s is too long or not UTF-8 text", i,
                           TEXT_ARG(c->name));
    for (size_t i = 0; i < c->env_count; i++)
        if (!is_string(c->env[i], PLAN_STRING_MAX) || text_find(c->env[i], '=') < 1)
            return err_set(err, ERR_INVALID,
                           "environment variable %zu of container %.*s is not NAME=value in UTF-8",
                           i, TEXT_ARG(c->name));
    return 0;
}

static int
check_container(const struct plan_container *c, struct err *err)
{
    if (!is_label(c->name))
        return err_set(err, ERR_INVALID, "a container's name has 1 to %d of a-z, 0-9 and inner '-'",
                       PLAN_NAME_MAX);
    if (c->layer_count == 0 || c->layer_count > PLAN_LAYERS_MAX)
        return err_set(err, ERR_INVALID, "container %.*s has %zu layers, not 1 to %d",
                       TEXT_ARG(c->name), c->layer_count, PLAN_LAYERS_MAX);
    for (size_t i = 0; i < c->layer_count; i++)
        if (c->layers[i].algorithm != DIGEST_SHA256 && c->layers[i].algorithm != DIGEST_SHA512)
            return err_set(err, ERR_INVALID, "layer %zu of container %.*s has no digest", i,
                           TEXT_ARG(c->name));
    if (!is_string(c->cwd, PLAN_PATH_MAX) || (c->cwd.n > 0 && c->cwd.p[0] != '/'))
        return err_set(err, ERR_INVALID, "the working folder of container %.*s is no absolute path",
                       TEXT_ARG(c->name));
    if (!is_string(c->user, PLAN_USER_MAX))
        return err_set(err, ERR_INVALID, "the user of container %.*s is no name",
                       TEXT_ARG(c->name));
    if (c->stop_signal > SIGNAL_MAX)
        return err_set(err, ERR_INVALID, "container %.*s: there is no signal %u", TEXT_ARG(c->name),
                       c->stop_signal);
    if (c->cpu_millis > CPU_MILLIS_MAX)
        return err_set(err, ERR_INVALID, "container %.*s: too many processors", TEXT_ARG(c->name));
    if (c->memory_bytes != 0 && (c->memory_bytes < MEMORY_MIN || c->memory_bytes > INT64_MAX))
        return err_set(err, ERR_INVALID, "container %.*s: memory is 4 MiB or more",
                       TEXT_ARG(c->name));
    return check_strings(c, err);
}

static int
check_ports(const struct plan *plan, struct err *err)
{
    if (plan->port_count > PLAN_PORTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a group publishes at most %d ports", PLAN_PORTS_MAX);
    for (size_t i = 0; i < plan->port_count; i++) {
        if (plan->ports[i].host_port == 0 || plan->ports[i].container_port == 0)
            return err_set(err, ERR_INVALID, "a published port is 1 to 65535");
        for (size_t k = 0; k < i; k++)
            if (plan->ports[k].host_port == plan->ports[i].host_port)
                return err_set(err, ERR_INVALID, "port %u is published twice",
                               plan->ports[i].host_port);
    }
    return 0;
}

int
plan_check(const struct plan *plan, struct err *err)
{
    if (memchr(plan->id, '\0', ID_LEN) != NULL || plan->id[ID_LEN] != '\0' ||
        !id_is(text_from(plan->id, ID_LEN)))
        return err_set(err, ERR_INVALID, "a group's id is a UUID");
    for (size_t i = 0; i < ID_LEN; i++)
        if (plan->id[i] >= 'A' && plan->id[i] <= 'F')
            return err_set(err, ERR_INVALID, "a group's id is written in lower case");
    if (plan->restart > PLAN_RESTART_NEVER)
        return err_set(err, ERR_INVALID, "there is no such restart policy");
    if (plan->hostname.n != 0 && !is_label(plan->hostname))
        return err_set(err, ERR_INVALID, "the host name is not a DNS label");
    if (plan->grace_ms > PLAN_GRACE_MAX_MS || plan->backoff_ms > PLAN_GRACE_MAX_MS ||
        plan->backoff_cap_ms > PLAN_GRACE_MAX_MS || plan->backoff_reset_ms > PLAN_GRACE_MAX_MS)
        return err_set(err, ERR_INVALID, "a waiting time is longer than an hour");
    if (plan->container_count == 0 || plan->container_count > PLAN_CONTAINERS_MAX)
        return err_set(err, ERR_INVALID, "a group has 1 to %d containers", PLAN_CONTAINERS_MAX);
    for (size_t i = 0; i < plan->container_count; i++) {
        if (check_container(&plan->containers[i], err) != 0)
            return -1;
        for (size_t k = 0; k < i; k++)
            if (text_equal(plan->containers[k].name, plan->containers[i].name))
                return err_set(err, ERR_INVALID, "two containers are called %.*s",
                               TEXT_ARG(plan->containers[i].name));
    }
    return check_ports(plan, err);
}
