#include "registry/registry_dialect.h"

#include <string.h>

#include "registry/registry_names.h"
#include "registry/registry_priv.h"
#include "store/blob.h"
#include "store/upload.h"
#include "wire/json.h"
#include "wire/reference.h"

/* What a limited token must hold for a row's action, and how the challenge asks for it. */
static const struct need {
    const char *action;
    const char *type;
    unsigned bits;
    const char *words;
} needs[] = {
    { REGISTRY_PULL, "repository", GRANT_PULL, "pull" },
    { REGISTRY_PUSH, "repository", GRANT_PUSH, "pull,push" },
    { REGISTRY_DELETE, "repository", GRANT_DELETE, "delete" },
    { REGISTRY_METADATA_READ, "repository", GRANT_METADATA_READ, "metadata_read" },
    { REGISTRY_CATALOG_READ, "registry", GRANT_CATALOG, "*" },
};

/* What someone who got this can do about it. */
static const struct {
    const char *code;
    const char *advice;
} advices[] = {
    { "BLOB_UNKNOWN", "push the blob to this repository, or mount it from one you may read" },
    { "BLOB_UPLOAD_INVALID", "ask for the state of the upload with GET, or begin a new one" },
    { "BLOB_UPLOAD_UNKNOWN", "begin a new upload with POST to blobs/uploads/" },
    { "DIGEST_INVALID", "send the digest of exactly the bytes of the body, as sha256:<64 hex>" },
    { "MANIFEST_BLOB_UNKNOWN", "push everything a manifest refers to before the manifest" },
    { "MANIFEST_INVALID", "send one OCI or Docker schema 2 manifest, as strict JSON" },
    { "MANIFEST_UNKNOWN", "list what is there with GET tags/list" },
    { "NAME_INVALID", "use lower-case letters, digits and single separators, at most 255" },
    { "NAME_UNKNOWN", "check the name; a repository begins with the first push to it" },
    { "TAG_INVALID", "use letters, digits, '.', '_' and '-', at most 128, not '.' or '-' first" },
    { "SIZE_INVALID", "send as many bytes as Content-Length or Content-Range announce" },
    { "RANGE_INVALID", "ask for a range within the size that Content-Range states" },
    { "PAGINATION_NUMBER_INVALID", "n is a number of items, in digits" },
    { "UNAUTHORIZED", "sign in, and ask for a token with the scope of the challenge" },
    { "DENIED", "ask an owner of the registry for a role on this repository" },
    { "UNSUPPORTED", "the registry does not do this; see the API it announces" },
    { "TOOMANYREQUESTS", "try again later" },
    { "UNKNOWN", "quote X-Request-Id to the operator, whose log has more" },
};

struct text
registry_lower(struct arena *arena, struct text t)
{
    char *p = NULL;

    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < 'A' || t.p[i] > 'Z')
            continue;
        if (p == NULL) {
            if ((p = arena_take(arena, t.n)) == NULL)
                return (struct text){ NULL, 0 };
            memcpy(p, t.p, t.n);
        }
        p[i] = (char)(p[i] - 'A' + 'a');
    }
    return p != NULL ? text_from(p, t.n) : t;
}

static const struct need *
need_of(const struct route *route)
{
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        if (strcmp(route->action, needs[i].action) == 0)
            return &needs[i];
    return NULL;
}

static struct text
addressed_registry(const struct exchange *x)
{
    return x->host == HOST_REGISTRY ? x->host_label : TEXT(REGISTRY_DEFAULT);
}

/* One registry has one login server, however it was addressed: a token serves under every name. */
static struct text
login_server(const struct exchange *x)
{
    if (text_is_nocase(addressed_registry(x), REGISTRY_DEFAULT))
        return text_of(x->world->login_server);
    return registry_lower(x->arena, x->host_name);
}

static void
set_grant(struct exchange *x, struct text repository)
{
    const struct need *need = need_of(x->route);

    if (need == NULL)
        return;
    x->grant_type = text_of(need->type);
    x->grant_bits = need->bits;
    x->grant_name = need->bits == GRANT_CATALOG ? TEXT("catalog") : repository;
}

static int
address(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct text repository = exchange_param(x, "name");
    struct text scope;
    int found;

    x->service = login_server(x);
    if (repository.p != NULL && !reference_name_ok(repository))
        return err_code(err, ERR_INVALID, "NAME_INVALID", "\"%.*s\" is not a repository's name",
                        TEXT_ARG(text_first(repository, 100)));
    set_grant(x, repository);
    found = registry_names_find(registry->names, addressed_registry(x), x->arena, &scope, err);
    if (found < 0)
        return -1;
    if (found > 0)
        return err_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", "there is no registry \"%.*s\"",
                        TEXT_ARG(text_first(addressed_registry(x), 100)));
    x->scope = scope;
    x->target = repository;
    if (repository.p != NULL)
        x->scope = registry_repository_scope(x, repository);
    if (x->scope.p == NULL)
        return err_memory(err);
    return 0;
}

static const char *
code_of_kind(const struct exchange *x, const struct err *err)
{
    bool manifest = strstr(x->route->pattern, "/manifests/") != NULL;

    switch (err->kind) {
    case ERR_UNAUTHENTICATED: return "UNAUTHORIZED";
    case ERR_DENIED: return "DENIED";
    case ERR_NOT_FOUND: return "NAME_UNKNOWN";
    case ERR_BUSY: return "TOOMANYREQUESTS";
    case ERR_UNSUPPORTED: return "UNSUPPORTED";
    case ERR_TOO_LARGE: return manifest ? "MANIFEST_INVALID" : "SIZE_INVALID";
    case ERR_CONFLICT: return "BLOB_UPLOAD_INVALID";
    case ERR_RANGE: return "RANGE_INVALID";
    case ERR_INVALID:
    case ERR_PRECONDITION:
    case ERR_TIMEOUT:
    case ERR_CLOSED:
    case ERR_NO_SPACE:
    case ERR_CORRUPT:
    case ERR_IO:
    case ERR_OK:
    default: return "UNKNOWN";
    }
}

static const char *
advice_for(const char *code)
{
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
        if (strcmp(code, advices[i].code) == 0)
            return advices[i].advice;
    return "see the message";
}

/* D1 and D3. */
static json_t *
detail_of(const struct exchange *x, const struct err *err, const char *code)
{
    const struct decision *d = &x->decision;

    if (err->kind != ERR_DENIED || !d->visible)
        return json_pack("{s:s}", "advice", advice_for(code));
    return json_pack("{s:s, s:s, s:o, s:s}", "advice", "ask for a role assignment that allows it",
                     "action", x->route->action, "scope", json_from(x->scope), "role",
                     d->role != NULL ? d->role : "Owner");
}

/* A mount also reads: a client that asks for what it was challenged with can do both. */
static const char *
mount_scope(struct exchange *x, const struct need *need)
{
    struct text from = exchange_query(x, "from");
    const char *scope = NULL;

    if (need->bits == GRANT_PUSH && exchange_query(x, "mount").p != NULL && reference_name_ok(from))
        scope = arena_printf(x->arena, " repository:%.*s:pull", TEXT_ARG(from));
    return scope != NULL ? scope : "";
}

/* No space behind the commas: some clients split at them. */
static void
challenge(struct exchange *x)
{
    const struct need *need = need_of(x->route);
    struct text host = x->host_name;
    struct text service = x->service.n > 0 ? x->service : host;
    const char *scheme = x->secure ? "https" : "http";

    if (need == NULL || x->grant_name.n == 0)
        answer_fieldf(x, "WWW-Authenticate",
                      "Bearer realm=\"%s://%.*s/oauth2/token\",service=\"%.*s\"", scheme,
                      TEXT_ARG(host), TEXT_ARG(service));
    else
        answer_fieldf(x, "WWW-Authenticate",
                      "Bearer realm=\"%s://%.*s/oauth2/token\",service=\"%.*s\","
                      "scope=\"%s:%.*s:%s%s\"",
                      scheme, TEXT_ARG(host), TEXT_ARG(service), need->type,
                      TEXT_ARG(x->grant_name), need->words, mount_scope(x, need));
}

/* What a client needs to go on after 416. */
static void
say_what_there_is(struct registry *registry, struct exchange *x)
{
    struct text id = exchange_param(x, "upload");
    struct err ignored = { 0 };
    uint64_t size;

    if (id.p != NULL) {
        const char *name = arena_cstr(x->arena, id);

        if (name != NULL && upload_exists(registry->blobs, name, &size, &ignored) == 0)
            registry_upload_where(x, id, size);
    } else if (x->digest != NULL && blob_stat(registry->blobs, x->digest, &size, &ignored) == 0) {
        answer_fieldf(x, "Content-Range", "bytes */%llu", (unsigned long long)size);
    }
}

static void
refuse(void *room, struct exchange *x, const struct err *err)
{
    const char *code = err->code != NULL ? err->code : code_of_kind(x, err);
    OWN_JSON document = NULL;

    answer_field(x, "Docker-Distribution-Api-Version", TEXT("registry/2.0"));
    if (err->kind == ERR_UNAUTHENTICATED)
        challenge(x);
    if (err->kind == ERR_RANGE)
        say_what_there_is(room, x);
    if (err->kind == ERR_BUSY)
        answer_field(x, "Retry-After", TEXT("1"));
    document = json_pack("{s:[{s:s, s:s, s:o}]}", "errors", "code", code, "message", err->msg,
                         "detail", detail_of(x, err, code));
    if (document != NULL)
        answer_document(x, document);
    else
        answer_text(x, "application/json",
                    TEXT("{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"out of memory\","
                         "\"detail\":{\"advice\":\"try again later\"}}]}"));
}

void
registry_dialect_init(struct dialect *dialect, struct registry *registry)
{
    *dialect = (struct dialect){
        .room = registry,
        .address = address,
        .refuse = refuse,
        .audience = AUDIENCE_REGISTRY,
    };
}
