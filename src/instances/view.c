#include "instances/view.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "instances/group.h"
#include "instances/instances_priv.h"
#include "wire/json.h"

/* What is known about one group at this moment. */
struct seen {
    const struct deployment *d;             /* NULL: no row */
    const struct runner_group_state *state; /* NULL: runnerd has none */
    const struct err *why_not;              /* runnerd could not be asked */
    int64_t admitted_us;
};

static json_t *
time_json(int64_t us)
{
    char out[CLOCK_TEXT_LEN + 1];

    clock_text(us, out);
    return json_string(out);
}

static json_t *
event(const char *name, const char *type, int64_t first_us, int64_t last_us, uint32_t count,
      struct text message)
{
    json_t *e = json_object();

    (void)json_object_set_new(e, "count", json_integer(count));
    (void)json_object_set_new(e, "firstTimestamp", time_json(first_us));
    (void)json_object_set_new(e, "lastTimestamp", time_json(last_us));
    (void)json_object_set_new(e, "name", json_string(name));
    (void)json_object_set_new(e, "message", json_from(message));
    (void)json_object_set_new(e, "type", json_string(type));
    return e;
}

static const char *
reason_words(uint32_t reason)
{
    switch ((enum runner_reason)reason) {
    case RUNNER_REASON_NONE: return "";
    case RUNNER_REASON_COMPLETED: return "Completed";
    case RUNNER_REASON_ERROR: return "Error";
    case RUNNER_REASON_OOM_KILLED: return "OOMKilled";
    case RUNNER_REASON_START_FAILED: return "StartError";
    case RUNNER_REASON_BACK_OFF: return "CrashLoopBackOff";
    case RUNNER_REASON_CREATING: return "ContainerCreating";
    case RUNNER_REASON_LOST: return "Lost";
    }
    return "";
}

static const char *
phase_words(uint32_t phase)
{
    switch ((enum runner_phase)phase) {
    case RUNNER_WAITING: return "Waiting";
    case RUNNER_RUNNING: return "Running";
    case RUNNER_TERMINATED: return "Terminated";
    }
    return "Waiting";
}

json_t *
view_run(const struct runner_run *run)
{
    json_t *o;

    if (run->phase == RUNNER_WAITING && run->reason == RUNNER_REASON_NONE && run->started_us == 0)
        return NULL;
    o = json_object();
    (void)json_object_set_new(o, "state", json_string(phase_words(run->phase)));
    if (run->started_us > 0 && run->phase != RUNNER_WAITING)
        (void)json_object_set_new(o, "startTime", time_json(run->started_us));
    if (run->phase == RUNNER_TERMINATED) {
        (void)json_object_set_new(o, "exitCode", json_integer(run->exit_code));
        if (run->finished_us > 0)
            (void)json_object_set_new(o, "finishTime", time_json(run->finished_us));
    }
    (void)json_object_set_new(o, "detailStatus", json_string(reason_words(run->reason)));
    return o;
}

static bool
all_ended(const struct runner_group_state *state, bool *good)
{
    *good = true;
    for (uint32_t i = 0; i < state->container_count; i++) {
        const struct runner_run *run = &state->containers[i].current;

        if (run->phase != RUNNER_TERMINATED)
            return false;
        *good = *good && run->exit_code == 0 && run->reason == RUNNER_REASON_COMPLETED;
    }
    return true;
}

const char *
view_group_state(const struct runner_group_state *state, enum plan_restart restart)
{
    bool good, ended = all_ended(state, &good);

    if (state->stopped != 0)
        return "Stopped";
    if (ended && restart != PLAN_RESTART_ALWAYS)
        return good ? "Succeeded" : "Failed";
    for (uint32_t i = 0; i < state->container_count; i++)
        if (state->containers[i].current.phase != RUNNER_WAITING ||
            state->containers[i].restart_count > 0)
            return "Running";
    return "Pending";
}

static const struct runner_container_state *
find_container(const struct runner_group_state *state, struct text name)
{
    for (uint32_t i = 0; state != NULL && i < state->container_count; i++)
        if (text_is(name, state->containers[i].name))
            return &state->containers[i];
    return NULL;
}

/* The story of one container as events, from what is known now. */
static json_t *
container_events(const struct seen *seen, const struct runner_container_state *c,
                 const json_t *kept)
{
    OWN_BUF(text, 1024);
    json_t *events = json_array();
    struct text image = json_text(json_object_get(kept, "image"));
    struct text digest = json_text(json_object_get(kept, "digest"));

    buf_printf(&text, "image \"%.*s\" admitted as %.*s", TEXT_ARG(text_first(image, 300)),
               TEXT_ARG(digest));
    (void)json_array_append_new(events, event("Admitted", "Normal", seen->admitted_us,
                                              seen->admitted_us, 1, buf_view(&text)));
    if (seen->d != NULL && seen->d->state == DEPLOYMENT_FAILED)
        (void)json_array_append_new(events, event("Failed", "Warning", seen->d->changed_at_us,
                                                  seen->d->changed_at_us, 1, seen->d->reason));
    if (c == NULL)
        return events;
    if (c->current.started_us > 0)
        (void)json_array_append_new(events, event("Started", "Normal", c->current.started_us,
                                                  c->current.started_us, c->restart_count + 1,
                                                  TEXT("Started container")));
    if (c->current.reason == RUNNER_REASON_BACK_OFF)
        (void)json_array_append_new(events, event("BackOff", "Warning", c->previous.finished_us,
                                                  clock_now_us(), c->restart_count + 1,
                                                  TEXT("Back-off restarting failed container")));
    if (c->message[0] != '\0') {
        int64_t at = c->current.finished_us > 0 ? c->current.finished_us : seen->admitted_us;

        (void)json_array_append_new(events,
                                    event("Failed", "Warning", at, at, 1, text_of(c->message)));
    }
    return events;
}

static json_t *
container_view(const struct seen *seen, const struct runner_container_state *c, const json_t *kept)
{
    static const struct runner_run waiting = { .reason = RUNNER_REASON_CREATING };
    json_t *view = json_object(), *previous;

    (void)json_object_set_new(view, "restartCount", json_integer(c != NULL ? c->restart_count : 0));
    (void)json_object_set_new(view, "currentState", view_run(c != NULL ? &c->current : &waiting));
    if (c != NULL && c->previous.started_us > 0 && (previous = view_run(&c->previous)) != NULL)
        (void)json_object_set_new(view, "previousState", previous);
    (void)json_object_set_new(view, "events", container_events(seen, c, kept));
    (void)json_object_set(view, "imageDigest", json_object_get(kept, "digest"));
    return view;
}

static const char *
group_words(const struct seen *seen, enum plan_restart restart)
{
    if (seen->d == NULL)
        return "Pending";
    if (seen->d->state == DEPLOYMENT_FAILED)
        return "Failed";
    if (seen->d->state == DEPLOYMENT_STOPPED)
        return "Stopped";
    if (seen->d->state != DEPLOYMENT_RUNNING || seen->state == NULL)
        return "Pending";
    return view_group_state(seen->state, restart);
}

static json_t *
group_view(const struct seen *seen, enum plan_restart restart)
{
    json_t *view = json_object(), *events = json_array();

    if (seen->d != NULL && seen->d->state == DEPLOYMENT_FAILED)
        (void)json_array_append_new(events, event("Failed", "Warning", seen->d->changed_at_us,
                                                  seen->d->changed_at_us, 1, seen->d->reason));
    if (seen->why_not != NULL)
        (void)json_array_append_new(events, event("StateUnknown", "Warning", clock_now_us(),
                                                  clock_now_us(), 1, text_of(seen->why_not->msg)));
    (void)json_object_set_new(view, "events", events);
    (void)json_object_set_new(view, "state", json_string(group_words(seen, restart)));
    return view;
}

/* The address other machines would use to reach this one; loopback where there is no way out. */
static void
host_address(char out[static INET_ADDRSTRLEN])
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
    struct sockaddr_in from;
    socklen_t n = sizeof(from);
    OWN_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)text_copy(TEXT("127.0.0.1"), out, INET_ADDRSTRLEN);
    /* 192.0.2.1 is for documentation (RFC 5737): connecting a datagram socket sends nothing. */
    (void)inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
        getsockname(fd, (struct sockaddr *)&from, &n) == 0)
        (void)inet_ntop(AF_INET, &from.sin_addr, out, INET_ADDRSTRLEN);
}

static void
fill_address(json_t *properties, const struct seen *seen)
{
    json_t *address = json_object_get(properties, "ipAddress");
    struct text type = json_text(json_object_get(address, "type"));
    char ip[INET_ADDRSTRLEN];

    if (address == NULL || seen->state == NULL)
        return;
    if (text_is_nocase(type, "Public"))
        host_address(ip);
    else
        (void)text_copy(text_of(seen->state->address), ip, sizeof(ip));
    (void)json_object_set_new(address, "ip", json_string(ip));
}

static void
fill(json_t *properties, const struct seen *seen, const json_t *kept)
{
    json_t *containers = json_object_get(properties, "containers");
    struct text restart = json_text(json_object_get(properties, "restartPolicy"));
    enum plan_restart policy = PLAN_RESTART_ALWAYS;

    if (text_is_nocase(restart, "Never"))
        policy = PLAN_RESTART_NEVER;
    else if (text_is_nocase(restart, "OnFailure"))
        policy = PLAN_RESTART_ON_FAILURE;
    (void)json_object_set_new(properties, "restartPolicy", json_string(group_restart_name(policy)));
    (void)json_object_set_new(properties, "osType", json_string("Linux"));
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *one = json_array_get(containers, i);
        struct text name = json_text(json_object_get(one, "name"));

        (void)json_object_set_new(
            json_object_get(one, "properties"), "instanceView",
            container_view(seen, find_container(seen->state, name),
                           json_array_get(json_object_get(kept, "containers"), i)));
    }
    (void)json_object_set_new(properties, "instanceView", group_view(seen, policy));
    fill_address(properties, seen);
}

int
view_fill(struct instances *room, struct exchange *x, const struct resource *r, json_t *properties,
          struct err *err)
{
    OWN_MEM(struct runner_group_state) state = mem_zalloc(sizeof(*state));
    OWN_JSON kept = json_incref(json_object_get(r->properties, INSTANCES_PRIVATE));
    struct runner *runner = atomic_load(&room->runner);
    struct text id = instances_deployment_id(r->properties);
    struct seen seen = { 0 };
    struct deployment d;
    struct err away = { 0 };
    int rc;

    if (state == NULL)
        return err_memory(err);
    (void)json_object_del(properties, INSTANCES_PRIVATE);
    rc = deployment_load(database_reader(room->database), id, x->arena, &d, err);
    if (rc < 0)
        return -1;
    seen.d = rc == 0 ? &d : NULL;
    seen.admitted_us = json_integer_value(json_object_get(kept, "admittedAt"));
    if (seen.d != NULL && runner != NULL && d.state != DEPLOYMENT_FAILED) {
        rc = runner_state(runner, clock_mono_us() + RUNNER_QUICK_US, d.id, state, &away);
        seen.state = rc == 0 ? state : NULL;
        seen.why_not = rc < 0 ? &away : NULL;
    }
    fill(properties, &seen, kept);
    return 0;
}
