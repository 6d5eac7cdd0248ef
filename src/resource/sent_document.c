/* sent_document.c - what clients put: documents, tags, locations, conditions. */
#include <string.h>

#include "resource/resource_priv.h"

#define TAGS_MAX      50
#define TAG_NAME_MAX  512
#define TAG_VALUE_MAX 256
#define LOCATION_MAX  64

int
sent_document_read(struct exchange *x, json_t **out, struct err *err)
{
    struct err inner = { 0 };
    struct text bytes;
    json_t *tree;

    if (exchange_body(x, &bytes, err) < 0)
        return -1;
    if ((tree = json_read(bytes, &inner)) == NULL)
        return err_code(err, ERR_INVALID, "InvalidRequestContent",
                        "the request content was invalid: %s",
                        bytes.n == 0 ? "it is empty" : inner.msg);
    if (!json_is_object(tree)) {
        json_decref(tree);
        return err_code(err, ERR_INVALID, "InvalidRequestContent",
                        "the request content must be a JSON object");
    }
    *out = tree;
    return 0;
}

static int
check_tag(const char *name, const json_t *value, struct err *err)
{
    if (strlen(name) == 0 || strlen(name) > TAG_NAME_MAX)
        return err_code(err, ERR_INVALID, "InvalidTagNameLength",
                        "the name of a tag has 1 to %d characters", TAG_NAME_MAX);
    if (strpbrk(name, "<>%&\\?/") != NULL)
        return err_code(err, ERR_INVALID, "InvalidTagNameCharacters",
                        "the name of a tag may not have < > %% & \\ ? /");
    if (!json_is_string(value))
        return err_code(err, ERR_INVALID, "InvalidRequestContent", "the tag \"%.60s\" is no text",
                        name);
    if (json_string_length(value) > TAG_VALUE_MAX)
        return err_code(err, ERR_INVALID, "InvalidTagValueLength",
                        "the value of a tag has at most %d characters", TAG_VALUE_MAX);
    return 0;
}

int
body_tags(const json_t *body, json_t **out, struct err *err)
{
    const char *name;
    json_t *tags, *value;

    if (json_want_object(body, "tags", &tags, err) < 0)
        return -1;
    if (json_object_size(tags) > TAGS_MAX)
        return err_code(err, ERR_INVALID, "TooManyTags", "a resource has at most %d tags",
                        TAGS_MAX);
    if (tags != NULL)
        json_object_foreach(tags, name, value)
        {
            if (check_tag(name, value, err) < 0)
                return -1;
        }
    *out = tags;
    return 0;
}

/* "West Europe" and "westeurope" are one place. */
int
body_location(const json_t *body, struct arena *arena, struct text fallback, struct text *out,
              struct err *err)
{
    struct text given;
    char *p;
    size_t n = 0;

    if (json_want_text(body, "location", fallback, &given, err) < 0)
        return -1;
    if ((p = arena_take(arena, given.n + 1)) == NULL)
        return err_memory(err);
    for (size_t i = 0; i < given.n; i++) {
        char c = given.p[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        if (c != ' ' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            n = LOCATION_MAX;
        if (c != ' ' && n < LOCATION_MAX)
            p[n++] = c;
    }
    if (n == 0 || n >= LOCATION_MAX)
        return err_code(err, ERR_INVALID, "LocationNotAvailableForResourceType",
                        "location: \"%.*s\" is not one; this server's is \"local\"",
                        TEXT_ARG(text_first(given, 60)));
    *out = text_from(p, n);
    return 0;
}

static bool
kept_beside(const char *key)
{
    static const char *const not_kept[] = { "id",   "name",       "type", "location",
                                            "tags", "properties", "etag", "systemData" };

    for (size_t i = 0; i < sizeof(not_kept) / sizeof(not_kept[0]); i++)
        if (strcmp(key, not_kept[i]) == 0)
            return false;
    return true;
}

json_t *
body_extra(const json_t *body)
{
    OWN_JSON extra = json_object();
    void *at = json_object_iter((json_t *)(uintptr_t)body);

    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)body, at)) {
        const char *key = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at);

        if (kept_beside(key) && !json_is_null(value) && json_object_set(extra, key, value) < 0)
            return NULL;
    }
    return GIVE(extra);
}

/* RFC 7396: null removes, objects merge, everything else replaces.  Depth is JSON_DEPTH_MAX. */
int
body_merge(json_t *base, const json_t *patch, struct err *err)
{
    void *at = json_object_iter((json_t *)(uintptr_t)patch);

    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)patch, at)) {
        const char *key = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at), *old = json_object_get(base, key);
        int failed = 0;

        if (json_is_null(value))
            (void)json_object_del(base, key);
        else if (json_is_object(value) && json_is_object(old))
            failed = body_merge(old, value, err);
        else
            failed = json_object_set_new(base, key, json_deep_copy(value));
        if (failed < 0)
            return err->kind != ERR_OK ? -1 : err_memory(err);
    }
    return 0;
}

/* Is ${etag} in a list of entity tags?  Weak marks are ignored: our etags change with any byte. */
static bool
lists(struct text list, struct text etag)
{
    struct text item;

    while (text_cut(&list, ',', &item)) {
        item = text_trim(item);
        if (text_starts(item, "W/"))
            item = text_after(item, 2);
        if (text_is(item, "*") || text_equal(item, etag) ||
            (item.n == etag.n + 2 && text_equal(text_first(text_after(item, 1), etag.n), etag)))
            return true;
    }
    return false;
}

int
check_conditions(const struct exchange *x, const struct resource *old, struct err *err)
{
    struct text match = exchange_header(x, "if-match");
    struct text none_match = exchange_header(x, "if-none-match");

    if (match.n > 0 && (old == NULL || !lists(match, old->etag)))
        return err_code(err, ERR_PRECONDITION, "PreconditionFailed",
                        "If-Match does not hold: the resource %s",
                        old == NULL ? "does not exist" : "has another etag");
    if (none_match.n > 0 && old != NULL && lists(none_match, old->etag))
        return err_code(err, ERR_PRECONDITION, "PreconditionFailed",
                        "If-None-Match does not hold: the resource exists");
    return 0;
}
