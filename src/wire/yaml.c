#include "wire/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "wire/yaml_priv.h"

/* A collection that is being filled; its container belongs to the one before it, or is the root. */
struct level {
    json_t *container;
    char *key; /* of an object, between a key and its value; on the heap */
};

struct reading {
    yaml_parser_t parser;
    json_t *root; /* owned */
    struct level levels[YAML_DEPTH_MAX];
    size_t depth;
    size_t nodes;
    size_t documents;
    struct err *err;
};

/* ERR_INVALID with the place of ${mark} in front. */
static int
refuse(struct reading *r, const yaml_mark_t *mark, const char *what)
{
    return err_set(r->err, ERR_INVALID, "bad YAML in line %zu, column %zu: %s", mark->line + 1,
                   mark->column + 1, what);
}

/* Count a node; a document of many small ones must not eat the memory. */
static int
count(struct reading *r)
{
    if (++r->nodes > YAML_NODES_MAX)
        return err_set(r->err, ERR_TOO_LARGE, "more than %d nodes in the YAML", YAML_NODES_MAX);
    return 0;
}

static int
set_key(struct reading *r, struct level *at, const yaml_event_t *event)
{
    const char *key;

    if (event->type != YAML_SCALAR_EVENT)
        return refuse(r, &event->start_mark, "a key must be a plain word or text");
    key = (const char *)event->data.scalar.value;
    if (strlen(key) != event->data.scalar.length)
        return refuse(r, &event->start_mark, "a NUL in a key");
    if (json_object_get(at->container, key) != NULL)
        return refuse(r, &event->start_mark, "the same key twice");
    if ((at->key = mem_text(key)) == NULL)
        return err_memory(r->err);
    return 0;
}

/* Put ${value} where the next node belongs; the reference is taken over, also on failure. */
static int
place(struct reading *r, json_t *value)
{
    struct level *at = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
    int failed;

    if (value == NULL)
        return err_memory(r->err);
    if (at == NULL) {
        r->root = value;
        return 0;
    }
    if (json_is_array(at->container)) {
        failed = json_array_append_new(at->container, value);
    } else {
        failed = json_object_set_new(at->container, at->key, value);
        mem_free(at->key);
        at->key = NULL;
    }
    return failed ? err_memory(r->err) : 0;
}

/* Is a key due here, rather than a value? */
static struct level *
wants_key(struct reading *r)
{
    struct level *at = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;

    return at != NULL && json_is_object(at->container) && at->key == NULL ? at : NULL;
}

static int
begin(struct reading *r, const yaml_event_t *event, const yaml_char_t *tag, const char *wanted,
      json_t *(*make)(void))
{
    json_t *container;

    if (wants_key(r) != NULL)
        return set_key(r, wants_key(r), event);
    if (tag != NULL && strcmp((const char *)tag, wanted) != 0)
        return refuse(r, &event->start_mark, "tags are not supported");
    if (r->depth == YAML_DEPTH_MAX)
        return err_set(r->err, ERR_TOO_LARGE, "YAML nested deeper than %d", YAML_DEPTH_MAX);
    container = make();
    if (place(r, container) != 0)
        return -1;
    r->levels[r->depth++] = (struct level){ container, NULL };
    return 0;
}

static int
add_scalar(struct reading *r, const yaml_event_t *event)
{
    const char *tag = (const char *)event->data.scalar.tag;
    struct text value = text_from(event->data.scalar.value, event->data.scalar.length);
    const char *problem = NULL;
    json_t *made;

    if (wants_key(r) != NULL)
        return set_key(r, wants_key(r), event);
    if (tag != NULL && strcmp(tag, YAML_STR_TAG) != 0 && strcmp(tag, "!") != 0)
        return refuse(r, &event->start_mark, "tags are not supported, except !!str");
    if (text_find(value, '\0') >= 0)
        return refuse(r, &event->start_mark, "a NUL in a text");
    if (tag == NULL && event->data.scalar.plain_implicit)
        made = yaml_plain(value, &problem);
    else
        made = json_from(value);
    if (problem != NULL)
        return refuse(r, &event->start_mark, problem);
    return place(r, made);
}

static int
begin_document(struct reading *r, const yaml_event_t *event)
{
    if (++r->documents > 1)
        return refuse(r, &event->start_mark, "more than one document");
    return 0;
}

static int
take_event(struct reading *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse(r, &event->start_mark, "aliases (\"*name\") are not supported");
    case YAML_SCALAR_EVENT: return count(r) != 0 ? -1 : add_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return count(r) != 0
                   ? -1
                   : begin(r, event, event->data.sequence_start.tag, YAML_SEQ_TAG, json_array);
    case YAML_MAPPING_START_EVENT:
        return count(r) != 0
                   ? -1
                   : begin(r, event, event->data.mapping_start.tag, YAML_MAP_TAG, json_object);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: r->depth--; return 0;
    case YAML_DOCUMENT_START_EVENT: return begin_document(r, event);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return 0;
    }
    return 0;
}

static int
next_event(struct reading *r, yaml_event_t *event)
{
    yaml_mark_t mark;

    if (yaml_parser_parse(&r->parser, event))
        return 0;
    if (r->parser.error == YAML_MEMORY_ERROR)
        return err_memory(r->err);
    mark = r->parser.problem_mark;
    return refuse(r, &mark, r->parser.problem != NULL ? r->parser.problem : "not YAML");
}

static int
read_all(struct reading *r)
{
    bool more = true;

    while (more) {
        yaml_event_t event;
        int got;

        if (next_event(r, &event) != 0)
            return -1;
        more = event.type != YAML_STREAM_END_EVENT;
        got = take_event(r, &event);
        yaml_event_delete(&event);
        if (got != 0)
            return -1;
    }
    if (!json_is_object(r->root) && !json_is_array(r->root))
        return err_set(r->err, ERR_INVALID, "the YAML is empty, or a single value");
    return 0;
}

json_t *
yaml_read(struct text bytes, struct err *err)
{
    struct reading r = { .err = err };
    OWN_JSON root = NULL;
    int got;

    if (text_starts(bytes, "\xef\xbb\xbf"))
        bytes = text_after(bytes, 3);
    if (!yaml_parser_initialize(&r.parser)) {
        (void)err_memory(err);
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(bytes.p != NULL ? bytes.p : ""),
                                 bytes.n);
    got = read_all(&r);
    yaml_parser_delete(&r.parser);
    root = r.root;
    for (size_t i = 0; i < r.depth; i++)
        mem_free(r.levels[i].key);
    return got == 0 ? GIVE(root) : NULL;
}
