#include "instances/why.h"

#include "audit/query.h"
#include "base/clock.h"
#include "instances/admission.h"
#include "instances/instances_priv.h"
#include "instances/view.h"
#include "wire/json.h"

#define PUSH_ACTION "Microsoft.ContainerRegistry/registries/push/write"

static json_t *
record_json(const struct record *r)
{
    json_t *o = json_object();
    char at[CLOCK_TEXT_LEN + 1];

    clock_text(r->numbers[RECORD_TIME], at);
    (void)json_object_set_new(o, "record", json_integer(r->seq));
    (void)json_object_set_new(o, "time", json_string(at));
    (void)json_object_set_new(o, "requestId", json_from(r->texts[RECORD_REQUEST_ID]));
    (void)json_object_set_new(o, "caller", json_from(r->texts[RECORD_CALLER_NAME]));
    (void)json_object_set_new(o, "callerId", json_from(r->texts[RECORD_CALLER_ID]));
    (void)json_object_set_new(o, "address", json_from(r->texts[RECORD_ADDRESS]));
    (void)json_object_set_new(o, "action", json_from(r->texts[RECORD_ACTION]));
    (void)json_object_set_new(o, "scope", json_from(r->texts[RECORD_SCOPE]));
    (void)json_object_set_new(o, "assignment", json_from(r->texts[RECORD_RULE]));
    (void)json_object_set_new(o, "role", json_from(r->texts[RECORD_ROLE]));
    (void)json_object_set_new(o, "rulesVersion", json_integer(r->numbers[RECORD_RULE_VERSION]));
    (void)json_object_set_new(o, "verdict", json_from(r->texts[RECORD_VERDICT]));
    (void)json_object_set_new(o, "digest", json_from(r->texts[RECORD_DIGEST]));
    (void)json_object_set_new(o, "target", json_from(r->texts[RECORD_TARGET]));
    return o;
}

struct finding {
    struct text target; /* exactly this one; p NULL: any */
    json_t *found;      /* the first that fits */
};

static int
take_first(void *arg, const struct record *r, struct err *err)
{
    struct finding *f = arg;

    (void)err;
    if (f->found == NULL && (f->target.p == NULL || text_equal(f->target, r->texts[RECORD_TARGET])))
        f->found = record_json(r);
    return 0;
}

/* The first record that ${filter} lets through, under ${key}; null says that there is none. */
static int
tell_record(struct instances *room, const struct audit_filter *filter, struct text target,
            json_t *into, const char *key, struct err *err)
{
    struct finding f = { target, NULL };
    size_t limit = target.p == NULL ? 1 : AUDIT_PAGE_MAX;
    int64_t next;

    if (audit_query(room->database, filter, limit, take_first, &f, &next, err) != 0) {
        json_decref(f.found);
        return -1;
    }
    return json_object_set_new(into, key, f.found != NULL ? f.found : json_null()) != 0
               ? err_memory(err)
               : 0;
}

/* Who pushed this digest first, and who gave it the tag that was asked for. */
static int
tell_push(struct instances *room, struct exchange *x, const json_t *kept, json_t *into,
          int64_t until_us, struct err *err)
{
    struct text repository = json_text(json_object_get(kept, "repository"));
    struct text reference = json_text(json_object_get(kept, "reference"));
    const char *target =
        arena_printf(x->arena, "%.*s:%.*s", TEXT_ARG(repository), TEXT_ARG(reference));
    struct audit_filter filter = {
        .until_us = until_us,
        .kind = TEXT("change"),
        .action = TEXT(PUSH_ACTION),
        .scope = json_text(json_object_get(kept, "scope")),
        .digest = json_text(json_object_get(kept, "digest")),
        .oldest_first = true,
    };

    if (target == NULL)
        return err_memory(err);
    if (tell_record(room, &filter, (struct text){ NULL, 0 }, into, "pushed", err) != 0)
        return -1;
    filter.oldest_first = false;
    return tell_record(room, &filter, text_of(target), into, "tagged", err);
}

static int
tell_admission(struct instances *room, struct exchange *x, const json_t *kept,
               struct text request_id, struct text deployment, json_t *into, struct err *err)
{
    const char *detail =
        arena_printf(x->arena, "container %.*s of deployment %.*s",
                     TEXT_ARG(json_text(json_object_get(kept, "name"))), TEXT_ARG(deployment));
    struct audit_filter filter = {
        .kind = TEXT("change"),
        .action = TEXT(ADMISSION_ACTION),
        .request_id = request_id,
        .text = text_of(detail),
        .result = TEXT("admitted"),
    };

    if (detail == NULL)
        return err_memory(err);
    return tell_record(room, &filter, (struct text){ NULL, 0 }, into, "admitted", err);
}

static void
copy_members(json_t *into, const json_t *from, const char *const *names)
{
    for (; *names != NULL; names++)
        (void)json_object_set(into, *names, json_object_get(from, *names));
}

static int
tell_container(struct instances *room, struct exchange *x, const json_t *ours, size_t i,
               const json_t *properties, json_t *containers, struct err *err)
{
    static const char *const facts[] = { "name", "image", "digest", "manifest", NULL };
    static const char *const live[] = { "currentState", "restartCount", NULL };
    const json_t *kept = json_array_get(json_object_get(ours, "containers"), i);
    const json_t *shown = json_array_get(json_object_get(properties, "containers"), i);
    json_t *one = json_object();

    if (json_array_append_new(containers, one) != 0)
        return err_memory(err);
    copy_members(one, kept, facts);
    copy_members(one, json_object_get(json_object_get(shown, "properties"), "instanceView"), live);
    if (tell_push(room, x, kept, one, json_integer_value(json_object_get(ours, "admittedAt")),
                  err) != 0)
        return -1;
    return tell_admission(room, x, kept, json_text(json_object_get(ours, "requestId")),
                          json_text(json_object_get(ours, "deployment")), one, err);
}

static int
tell_deployment(struct instances *room, const json_t *ours, const struct resource *r,
                json_t *document, struct err *err)
{
    struct audit_filter filter = {
        .action = TEXT(INSTANCES_TYPE "/write"),
        .request_id = json_text(json_object_get(ours, "requestId")),
        .scope = r->id,
        .kind = TEXT("change"),
    };

    return tell_record(room, &filter, (struct text){ NULL, 0 }, document, "deployed", err);
}

/* The steps every request above went through (DESIGN: one request's way), and what they rest on. */
static json_t *
tell_checks(void)
{
    static const struct {
        const char *step;
        const char *what;
    } checks[] = {
        { "network", "no network rules are set: any address that reaches the listener may ask" },
        { "identity", "caller known by password or signed token: see caller" },
        { "access", "role assignment that covers the scope: see assignment and role" },
        { "admission", "image resolved in this registry, pinned to the digest, platform matched" },
        { "unpack", "every layer's bytes hashed to the diff_id of the image's config" },
    };
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "step", checks[i].step, "checked", checks[i].what));
    return list;
}

json_t *
why_tell(struct instances *room, struct exchange *x, const struct resource *r, struct err *err)
{
    OWN_JSON document = json_object();
    OWN_JSON properties = json_deep_copy(r->properties);
    const json_t *ours = json_object_get(r->properties, INSTANCES_PRIVATE);
    json_t *containers = json_array();
    size_t n = json_array_size(json_object_get(ours, "containers"));

    if (json_object_set_new(document, "containers", containers) != 0 || properties == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    if (view_fill(room, x, r, properties, err) != 0)
        return NULL;
    (void)json_object_set_new(document, "id", json_from(r->id));
    (void)json_object_set_new(document, "name", json_from(r->name));
    (void)json_object_set_new(document, "provisioningState", json_from(r->provisioning_state));
    (void)json_object_set(document, "state",
                          json_object_get(json_object_get(properties, "instanceView"), "state"));
    (void)json_object_set(document, "deployment", json_object_get(ours, "deployment"));
    if (tell_deployment(room, ours, r, document, err) != 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (tell_container(room, x, ours, i, properties, containers, err) != 0)
            return NULL;
    (void)json_object_set_new(document, "checks", tell_checks());
    return GIVE(document);
}
