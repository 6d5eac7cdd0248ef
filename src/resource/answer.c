/* answer.c - how ARM answers look: fields, documents, the error envelope. */
#include <string.h>

#include "resource/resource_priv.h"

static void
add_fields(struct exchange *x)
{
    static const char *const echoed[] = { "x-ms-client-request-id" };
    struct text correlation = exchange_header(x, "x-ms-correlation-request-id");

    answer_field(x, "x-ms-request-id", text_of(x->request_id));
    answer_field(x, "x-ms-correlation-request-id",
                 id_is(correlation) ? correlation : text_of(x->request_id));
    for (size_t i = 0; i < sizeof(echoed) / sizeof(echoed[0]); i++) {
        struct text value = exchange_header(x, echoed[i]);

        if (value.n > 0 && value.n <= 128)
            answer_field(x, echoed[i], value);
    }
    answer_field(x, "Cache-Control", TEXT("no-cache"));
}

void
resource_answer(struct exchange *x, int status, const json_t *document)
{
    answer_status(x, status);
    add_fields(x);
    if (document != NULL)
        answer_document(x, document);
    else
        answer_field(x, "Content-Length", TEXT("0"));
}

static int
put_text(json_t *object, const char *key, struct text value)
{
    return json_object_set_new(object, key, json_from(value));
}

static json_t *
shown_properties(struct resources *rs, struct exchange *x, const struct resource *r,
                 struct err *err)
{
    const struct registered *t = registered_type(rs, r->type);
    OWN_JSON properties = json_deep_copy(r->properties);

    if (properties == NULL ||
        put_text(properties, "provisioningState", r->provisioning_state) < 0) {
        (void)err_memory(err);
        return NULL;
    }
    if (t != NULL && t->type->shown != NULL && t->type->shown(t->room, x, r, properties, err) < 0)
        return NULL;
    return GIVE(properties);
}

json_t *
document_of(struct resources *rs, struct exchange *x, const struct resource *r, struct err *err)
{
    OWN_JSON doc = json_object();
    json_t *properties;

    if (put_text(doc, "id", r->id) < 0 || put_text(doc, "name", r->name) < 0 ||
        put_text(doc, "type", r->type) < 0 || put_text(doc, "location", r->location) < 0 ||
        json_object_set(doc, "tags", r->tags) < 0 || json_object_update(doc, r->extra) < 0) {
        (void)err_memory(err);
        return NULL;
    }
    if ((properties = shown_properties(rs, x, r, err)) == NULL)
        return NULL;
    if (json_object_set_new(doc, "properties", properties) < 0) {
        (void)err_memory(err);
        return NULL;
    }
    return GIVE(doc);
}

/* ARM's word for an error; the pipeline's own words are the registry's, all capitals. */
static const char *
code_of(const struct exchange *x, const struct err *err)
{
    static const char *const words[] = {
        [ERR_OK] = "InternalServerError",
        [ERR_INVALID] = "InvalidRequestContent",
        [ERR_UNAUTHENTICATED] = "InvalidAuthenticationToken",
        [ERR_DENIED] = "AuthorizationFailed",
        [ERR_NOT_FOUND] = "ResourceNotFound",
        [ERR_CONFLICT] = "Conflict",
        [ERR_PRECONDITION] = "PreconditionFailed",
        [ERR_TOO_LARGE] = "RequestEntityTooLarge",
        [ERR_UNSUPPORTED] = "HttpMethodNotSupported",
        [ERR_RANGE] = "InvalidRange",
        [ERR_BUSY] = "TooManyRequests",
        [ERR_TIMEOUT] = "RequestTimeout",
        [ERR_CLOSED] = "InvalidRequestContent",
        [ERR_NO_SPACE] = "InsufficientStorage",
        [ERR_CORRUPT] = "InternalServerError",
        [ERR_IO] = "InternalServerError",
    };

    if (err->kind == ERR_UNAUTHENTICATED && exchange_header(x, "authorization").n == 0)
        return "AuthenticationFailed";
    if (err->code != NULL && strlen(err->code) > 1 && err->code[1] >= 'a' && err->code[1] <= 'z')
        return err->code;
    return words[err->kind];
}

/* The same words whether or not the scope exists, unless this caller may know (P3). */
static const char *
denial(struct exchange *x)
{
    const struct decision *d = &x->decision;
    bool hint = d->visible && d->role != NULL && d->role[0] != '\0';
    const char *text =
        arena_printf(x->arena,
                     "The client '%.*s' with object id '%s' does not have authorization to perform "
                     "action '%s' over scope '%.*s' or the scope is invalid.%s%s%s",
                     TEXT_ARG(x->caller.name), x->caller.id, x->route->action, TEXT_ARG(x->scope),
                     hint ? " The role '" : "", hint ? d->role : "",
                     hint ? "' assigned at or above this scope would allow it." : "");

    return text != NULL ? text : "you are not allowed to do this";
}

static const char *
message_of(struct exchange *x, const struct err *err)
{
    if (err->kind == ERR_DENIED && strcmp(code_of(x, err), "AuthorizationFailed") == 0)
        return denial(x);
    return err->msg[0] != '\0' ? err->msg : "the request failed";
}

static void
refuse(void *room, struct exchange *x, const struct err *err)
{
    const char *code = code_of(x, err), *message = message_of(x, err);
    OWN_JSON doc =
        json_pack("{s:{s:s, s:o*}}", "error", "code", code, "message", json_from(text_of(message)));
    int status = x->answer.status;

    (void)room;
    resource_answer(x, status, doc != NULL ? doc : NULL);
    if (status == 401)
        answer_fieldf(x, "WWW-Authenticate",
                      "Bearer authorization_uri=\"https://%.*s/adfs\", error=\"invalid_token\", "
                      "error_description=\"sign in there and send the token as Bearer\"",
                      TEXT_ARG(x->host_name));
    if (status == 429)
        answer_field(x, "Retry-After", TEXT("1"));
}

int
print_id(const struct resource_id *id, struct arena *arena, struct text *out, struct err *err)
{
    OWN_BUF(b, RESOURCE_ID_MAX);
    struct text t;

    resource_id_print(id, &b);
    if (buf_check(&b, err) < 0)
        return -1;
    t = arena_text(arena, buf_view(&b));
    if (arena_full(arena))
        return err_memory(err);
    *out = t;
    return 0;
}

int
path_id(struct exchange *x, struct resource_id *out, struct text *printed, struct err *err)
{
    struct resource_id id;

    if (resource_id_parse(x->path, &id, err) < 0 || print_id(&id, x->arena, printed, err) < 0)
        return -1;
    *out = id;
    return 0;
}

static bool
date_is_good(struct text t)
{
    uint64_t year, month, day;

    if (t.n < 10 || t.p[4] != '-' || t.p[7] != '-' || !text_to_u64(text_first(t, 4), 9999, &year) ||
        !text_to_u64(text_first(text_after(t, 5), 2), 12, &month) ||
        !text_to_u64(text_first(text_after(t, 8), 2), 31, &day))
        return false;
    t = text_after(t, 10);
    return t.n == 0 || (t.n <= 20 && text_starts(t, "-") && text_find(t, '/') < 0);
}

static int
check_version(const struct exchange *x, struct err *err)
{
    struct text version = exchange_query(x, "api-version");

    if (version.n == 0)
        return err_code(err, ERR_INVALID, "MissingApiVersionParameter",
                        "The api-version query parameter (?api-version=) is required for all "
                        "requests.");
    if (!date_is_good(version))
        return err_code(err, ERR_INVALID, "InvalidApiVersionParameter",
                        "The api-version '%.*s' is invalid: it is a date such as 2023-05-01.",
                        TEXT_ARG(text_first(version, 40)));
    return 0;
}

/* "/subscriptions/S/resources": words of ARM itself that name no scope of their own. */
static bool
is_word_of_subscription(struct text path, struct text *subscription)
{
    struct text rest = text_after(path, 1), part;

    if (!text_cut(&rest, '/', &part) || !text_is_nocase(part, "subscriptions") ||
        !text_cut(&rest, '/', &part) || part.n == 0)
        return false;
    *subscription = part;
    if (rest.p == NULL || !text_cut(&rest, '/', &part))
        return true;
    if (text_is_nocase(part, "resourceGroups"))
        return rest.p == NULL || rest.n == 0;
    return !text_is_nocase(part, "providers") || rest.p == NULL || text_find(rest, '/') < 0;
}

static int
scope_subscription(struct exchange *x, struct text subscription, struct err *err)
{
    const struct resource_id id = { .subscription = subscription };

    return print_id(&id, x->arena, &x->scope, err);
}

/* Assignments are asked for at the scope they are made at, everything else where it stands. */
static void
cut_extension(struct resource_id *id)
{
    if (id->n > 0 && text_is_nocase(id->providers[id->n - 1].namespace, "Microsoft.Authorization"))
        id->n--;
}

static int
address(void *room, struct exchange *x, struct err *err)
{
    const struct resources *rs = room;
    OWN_BUF(b, RESOURCE_ID_MAX);
    struct resource_id id;
    struct text subscription;

    if (check_version(x, err) < 0)
        return -1;
    if (!text_starts_nocase(x->path, "/subscriptions/"))
        return scope_subscription(x, text_of(rs->world->subscription_id), err);
    if (is_word_of_subscription(x->path, &subscription))
        return scope_subscription(x, subscription, err);
    if (resource_id_parse(x->path, &id, err) < 0)
        return -1;
    cut_extension(&id);
    resource_id_print_thing(&id, &b);
    if (buf_check(&b, err) < 0)
        return -1;
    x->scope = arena_text(x->arena, buf_view(&b));
    return arena_full(x->arena) ? err_memory(err) : 0;
}

const struct dialect *
resource_dialect(struct resources *rs)
{
    rs->dialect = (struct dialect){
        .room = rs, .address = address, .refuse = refuse, .audience = AUDIENCE_MANAGEMENT
    };
    return &rs->dialect;
}
