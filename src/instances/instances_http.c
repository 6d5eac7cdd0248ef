/* What container groups answer beyond the CRUD of the ARM engine. */
#include <sys/mman.h>

#include "base/clock.h"
#include "base/mem.h"
#include "instances/instances_priv.h"
#include "instances/log_text.h"
#include "instances/view.h"
#include "instances/why.h"
#include "wire/json.h"

/* The group a path names, and what is known about it. */
struct addressed {
    struct resource resource;
    struct deployment d;
    bool deployed;
};

#define OWN_ADDRESSED __attribute__((cleanup(addressed_done))) struct addressed

static void
addressed_done(struct addressed *a)
{
    resource_done(&a->resource);
}

static int
find_group(struct instances *room, struct exchange *x, struct addressed *out, struct err *err)
{
    struct text name = exchange_param(x, "name");
    const char *id = arena_printf(
        x->arena, "/subscriptions/%.*s/resourceGroups/%.*s/providers/" INSTANCES_TYPE "/%.*s",
        TEXT_ARG(exchange_param(x, "subscription")), TEXT_ARG(exchange_param(x, "group")),
        TEXT_ARG(name));
    int rc;

    if (id == NULL)
        return err_memory(err);
    rc = resources_get(room->resources, text_of(id), x->arena, &out->resource, err);
    if (rc == 1)
        return err_code(err, ERR_NOT_FOUND, "ResourceNotFound",
                        "The Resource '" INSTANCES_TYPE "/%.*s' under resource group '%.*s' was"
                        " not found.",
                        TEXT_ARG(text_first(name, 63)),
                        TEXT_ARG(text_first(exchange_param(x, "group"), 90)));
    if (rc != 0)
        return -1;
    rc = deployment_load(database_reader(room->database),
                         instances_deployment_id(out->resource.properties), x->arena, &out->d, err);
    out->deployed = rc == 0;
    return rc < 0 ? -1 : 0;
}

static int
find_runner(struct instances *room, const struct addressed *a, struct runner **out, struct err *err)
{
    *out = atomic_load(&room->runner);
    if (*out == NULL)
        return err_code(err, ERR_UNSUPPORTED, "ContainersNotAvailable", "%s",
                        atomic_load(&room->why_not));
    if (!a->deployed)
        return err_code(err, ERR_CONFLICT, "ContainerGroupNotReady",
                        "the container group is not deployed");
    return 0;
}

/* ---- logs ---- */

static bool
has_container(const json_t *properties, struct text name)
{
    const json_t *containers = json_object_get(properties, "containers");

    for (size_t i = 0; i < json_array_size(containers); i++)
        if (text_equal(json_text(json_object_get(json_array_get(containers, i), "name")), name))
            return true;
    return false;
}

/* The logs may be larger than a request's memory: they are handed over as a nameless file. */
static int
answer_logs(struct exchange *x, struct text content, struct err *err)
{
    OWN_BUF(out, LOG_TEXT_MAX * 7);
    OWN_JSON document = json_object();
    OWN_FD fd = memfd_create("logs", MFD_CLOEXEC);
    size_t at = 0;

    if (fd < 0)
        return err_sys(err, errno, "cannot make the answer");
    if (json_object_set_new(document, "content", json_from(content)) != 0 ||
        json_print(document, &out, err) != 0 || buf_check(&out, err) != 0)
        return err_memory(err);
    while (at < out.n) {
        ssize_t n = write(fd, out.p + at, out.n - at);

        if (n < 0 && errno != EINTR)
            return err_sys(err, errno, "cannot make the answer");
        at += n > 0 ? (size_t)n : 0;
    }
    resource_answer(x, 200, NULL);
    answer_field(x, "Content-Type", TEXT("application/json; charset=utf-8"));
    answer_file(x, give_fd(&fd), 0, out.n);
    return 0;
}

static int
read_wish(const struct exchange *x, struct log_wish *out, struct err *err)
{
    struct text tail = exchange_query(x, "tail"), stamps = exchange_query(x, "timestamps");

    *out = (struct log_wish){ 0 };
    if (tail.p != NULL && (!text_to_u64(tail, UINT32_MAX, &out->tail) || out->tail == 0))
        return json_refuse(err, "tail", "must be a number of lines, 1 or more");
    if (stamps.p != NULL && !text_is_nocase(stamps, "true") && !text_is_nocase(stamps, "false"))
        return json_refuse(err, "timestamps", "must be true or false");
    out->timestamps = text_is_nocase(stamps, "true");
    return 0;
}

static int
fetch_records(struct runner *runner, const char *id, const char *container, struct buf *out,
              struct err *err)
{
    int fds[RUNNER_LOG_FDS_MAX];
    size_t n = 0;
    int rc =
        runner_log(runner, clock_mono_us() + RUNNER_QUICK_US, id, container, false, fds, &n, err);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = log_text_read(fds, n, out, err);
    for (size_t i = 0; i < n; i++)
        (void)close(fds[i]);
    return rc;
}

static int
get_logs(void *self, struct exchange *x, struct err *err)
{
    struct instances *room = self;
    OWN_ADDRESSED a = { 0 };
    OWN_BUF(records, LOG_TEXT_MAX + 1);
    OWN_BUF(content, LOG_TEXT_MAX * 3);
    struct text container = exchange_param(x, "container");
    char name[PLAN_NAME_MAX + 1];
    struct log_wish wish;
    struct runner *runner;

    if (read_wish(x, &wish, err) != 0 || find_group(room, x, &a, err) != 0)
        return -1;
    if (!has_container(a.resource.properties, container) ||
        !text_copy(container, name, sizeof(name)))
        return err_code(err, ERR_NOT_FOUND, "ContainerNotFound",
                        "the container group has no container \"%.*s\"",
                        TEXT_ARG(text_first(container, 63)));
    if (find_runner(room, &a, &runner, err) != 0 ||
        fetch_records(runner, a.d.id, name, &records, err) != 0)
        return -1;
    log_text_print(buf_view(&records), &wish, &content);
    return buf_check(&content, err) != 0 ? -1 : answer_logs(x, buf_view(&content), err);
}

/* ---- start, stop, restart ---- */

struct turn {
    const char *id;
    enum deployment_state to;
};

static int
move(struct db *db, void *arg, struct err *err)
{
    const struct turn *t = arg;
    int rc = deployment_move(db, text_of(t->id), t->to, TEXT(""), err);

    return rc == 1 ? err_set(err, ERR_CONFLICT, "the container group is being replaced") : rc;
}

static int
change_state(struct instances *room, struct exchange *x, const struct addressed *a,
             enum deployment_state to, struct err *err)
{
    struct turn t = { a->d.id, to };
    struct exchange_note note = { .status = 204, .detail = text_of(deployment_state_name(to)) };

    if (exchange_change(x, move, &t, &note, err) != 0)
        return -1;
    instances_kick(room, a->d.id);
    resource_answer(x, 204, NULL);
    return 0;
}

static int
post_stop(void *self, struct exchange *x, struct err *err)
{
    struct instances *room = self;
    OWN_ADDRESSED a = { 0 };
    struct runner *runner;

    if (find_group(room, x, &a, err) != 0 || find_runner(room, &a, &runner, err) != 0)
        return -1;
    if (a.d.state == DEPLOYMENT_STOPPED) {
        resource_answer(x, 204, NULL);
        return 0;
    }
    return change_state(room, x, &a, DEPLOYMENT_STOPPED, err);
}

static int
post_restart(void *self, struct exchange *x, struct err *err)
{
    struct instances *room = self;
    OWN_ADDRESSED a = { 0 };
    struct runner *runner;

    if (find_group(room, x, &a, err) != 0 || find_runner(room, &a, &runner, err) != 0)
        return -1;
    return change_state(room, x, &a, DEPLOYMENT_RESTARTING, err);
}

/* Is there anything that a start would start? */
static int
is_up(struct runner *runner, const struct addressed *a, bool *out, struct err *err)
{
    OWN_MEM(struct runner_group_state) state = mem_zalloc(sizeof(*state));
    struct plan plan;
    OWN(arena) arena = arena_new((size_t)4 * PLAN_BYTES_MAX);
    const char *words;
    int rc;

    if (state == NULL || arena == NULL)
        return err_memory(err);
    *out = true;
    if (a->d.state != DEPLOYMENT_RUNNING) {
        *out = a->d.state == DEPLOYMENT_CREATING || a->d.state == DEPLOYMENT_RESTARTING;
        return 0;
    }
    if (plan_decode(&plan, arena, a->d.plan, err) != 0)
        return -1;
    rc = runner_state(runner, clock_mono_us() + RUNNER_QUICK_US, a->d.id, state, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    words = view_group_state(state, plan.restart);
    *out = text_is(text_of(words), "Running") || text_is(text_of(words), "Pending");
    return 0;
}

static int
post_start(void *self, struct exchange *x, struct err *err)
{
    struct instances *room = self;
    OWN_ADDRESSED a = { 0 };
    struct runner *runner;
    bool up = false;

    if (find_group(room, x, &a, err) != 0 || find_runner(room, &a, &runner, err) != 0 ||
        is_up(runner, &a, &up, err) != 0)
        return -1;
    if (!up)
        return change_state(room, x, &a, DEPLOYMENT_RESTARTING, err);
    resource_answer(x, 204, NULL);
    return 0;
}

static int
not_yet(void *self, struct exchange *x, struct err *err)
{
    (void)self;
    (void)x;
    return err_code(err, ERR_UNSUPPORTED, "NotSupported",
                    "exec and attach are not supported yet; use the container's logs");
}

/* ---- why ---- */

static int
get_why(void *self, struct exchange *x, struct err *err)
{
    struct instances *room = self;
    OWN_ADDRESSED a = { 0 };
    OWN_JSON document = NULL;

    if (find_group(room, x, &a, err) != 0 ||
        (document = why_tell(room, x, &a.resource, err)) == NULL)
        return -1;
    resource_answer(x, 200, document);
    return 0;
}

#define GROUP                                                                                      \
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/" INSTANCES_TYPE "/{name}"

const struct route instances_routes[] = {
    { HTTP_GET, GROUP "/containers/{container}/logs", INSTANCES_TYPE "/containers/logs/read",
      DIALECT_ARM, get_logs, 0, 0 },
    { HTTP_POST, GROUP "/containers/{container}/exec", INSTANCES_TYPE "/containers/exec/action",
      DIALECT_ARM, not_yet, 0, 65536 },
    { HTTP_POST, GROUP "/containers/{container}/attach", INSTANCES_TYPE "/containers/attach/action",
      DIALECT_ARM, not_yet, 0, 65536 },
    { HTTP_POST, GROUP "/start", INSTANCES_TYPE "/start/action", DIALECT_ARM, post_start, 0, 4096 },
    { HTTP_POST, GROUP "/stop", INSTANCES_TYPE "/stop/action", DIALECT_ARM, post_stop, 0, 4096 },
    { HTTP_POST, GROUP "/restart", INSTANCES_TYPE "/restart/action", DIALECT_ARM, post_restart, 0,
      4096 },
    { HTTP_GET, GROUP "/why", INSTANCES_TYPE "/read", DIALECT_ARM, get_why, 0, 0 },
    { HTTP_GET, NULL, NULL, DIALECT_ARM, NULL, 0, 0 },
};
