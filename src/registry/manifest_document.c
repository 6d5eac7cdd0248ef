#include "registry/manifest_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"

#define WRONG "MANIFEST_INVALID"

/* A descriptor's size is a JSON integer; what no disk holds is nonsense. */
#define SIZE_LIMIT ((int64_t)1 << 60)

static const struct {
    const char *name;
    enum manifest_kind kind;
    bool docker;
} types[] = {
    { "application/vnd.oci.image.manifest.v1+json", MANIFEST_IMAGE, false },
    { "application/vnd.oci.image.index.v1+json", MANIFEST_INDEX, false },
    { "application/vnd.docker.distribution.manifest.v2+json", MANIFEST_IMAGE, true },
    { "application/vnd.docker.distribution.manifest.list.v2+json", MANIFEST_INDEX, true },
};

#define N_TYPES (sizeof(types) / sizeof(types[0]))

/* Layers that their publisher does not let others hand on. */
static const char *const elsewhere_types[] = {
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

/* What is being read, and where it goes. */
struct reading {
    const json_t *root;
    struct arena *arena;
    struct manifest_document *out;
    size_t cap;
};

static int
type_index(struct text content_type)
{
    struct text name;

    if (!text_cut(&content_type, ';', &name))
        return -1;
    name = text_trim(name);
    for (size_t i = 0; i < N_TYPES; i++)
        if (text_is_nocase(name, types[i].name))
            return (int)i;
    return -1;
}

const char *
manifest_document_type(struct text content_type)
{
    int i = type_index(content_type);

    return i < 0 ? NULL : types[i].name;
}

/* Errors of the JSON reader and its getters carry no code of ours yet. */
static int
wrong_json(struct err *err, const struct err *inner, const char *path)
{
    return err_code(err, inner->kind == ERR_NO_SPACE ? ERR_NO_SPACE : ERR_INVALID, WRONG, "%s%s%s",
                    path, path[0] != '\0' ? "." : "", inner->msg);
}

static bool
printable(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] <= 0x20 || t.p[i] >= 0x7f)
            return false;
    return t.n > 0 && t.n <= MANIFEST_TYPE_MAX;
}

/* An optional type string; ${out} has p NULL when it is absent or empty. */
static int
read_type(const json_t *object, const char *path, const char *key, struct text *out,
          struct err *err)
{
    struct err inner = { 0 };

    if (json_want_text(object, key, (struct text){ NULL, 0 }, out, &inner) < 0)
        return wrong_json(err, &inner, path);
    if (out->n == 0) {
        *out = (struct text){ NULL, 0 };
        return 0;
    }
    if (!printable(*out))
        return err_code(err, ERR_INVALID, WRONG,
                        "%s%s%s must be 1 to %d printable ASCII characters without spaces", path,
                        path[0] != '\0' ? "." : "", key, MANIFEST_TYPE_MAX);
    return 0;
}

/* Type, digest and size, as every descriptor has them. */
static int
read_descriptor(const json_t *object, const char *path, struct text *media_type,
                struct manifest_reference *out, struct err *err)
{
    struct err inner = { 0 };
    struct text digest;
    int64_t size = 0;

    if (!json_is_object(object))
        return err_code(err, ERR_INVALID, WRONG, "%s must be a descriptor: an object", path);
    if (read_type(object, path, "mediaType", media_type, err) < 0)
        return -1;
    if (media_type->p == NULL)
        return err_code(err, ERR_INVALID, WRONG, "%s.mediaType is missing", path);
    if (json_need_text(object, "digest", &digest, &inner) < 0 ||
        json_need_int(object, "size", 0, SIZE_LIMIT, &size, &inner) < 0)
        return wrong_json(err, &inner, path);
    if (digest_parse(&out->digest, digest, &inner) < 0)
        return err_code(err, ERR_INVALID, WRONG, "%s.digest: %s", path, inner.msg);
    out->size = (uint64_t)size;
    out->elsewhere = false;
    return 0;
}

static bool
lies_elsewhere(const json_t *object, struct text media_type)
{
    const json_t *urls = json_object_get(object, "urls");

    if (!json_is_array(urls) || json_array_size(urls) == 0)
        return false;
    for (size_t i = 0; i < sizeof(elsewhere_types) / sizeof(elsewhere_types[0]); i++)
        if (text_is(media_type, elsewhere_types[i]))
            return true;
    return false;
}

/* Called for one member after another; the array has room for all of them. */
static int
add_reference(struct reading *r, const json_t *object, const char *path, struct text *media_type,
              struct err *err)
{
    struct manifest_document *out = r->out;
    struct manifest_reference reference = { 0 };

    if (read_descriptor(object, path, media_type, &reference, err) < 0)
        return -1;
    reference.elsewhere = lies_elsewhere(object, *media_type);
    out->references[out->n_references++] = reference;
    return 0;
}

static int
compare_references(const void *a, const void *b)
{
    const struct manifest_reference *x = a, *y = b;
    int order = (int)x->digest.algorithm - (int)y->digest.algorithm;

    if (order == 0)
        order = memcmp(x->digest.bytes, y->digest.bytes, DIGEST_MAX);
    if (order == 0)
        order = (int)x->elsewhere - (int)y->elsewhere;
    return order;
}

/* M3: sorted, each digest once; the same bytes cannot have two sizes. */
static int
settle_references(struct manifest_document *out, struct err *err)
{
    struct manifest_reference *all = out->references;
    size_t n = 0;

    if (out->n_references > 1)
        qsort(all, out->n_references, sizeof(*all), compare_references);
    for (size_t i = 0; i < out->n_references; i++) {
        if (n > 0 && digest_equal(&all[n - 1].digest, &all[i].digest)) {
            if (all[n - 1].size != all[i].size)
                return err_code(err, ERR_INVALID, WRONG, "one digest is listed with two sizes");
            continue;
        }
        out->image_size += all[i].size;
        all[n++] = all[i];
    }
    out->n_references = n;
    return 0;
}

static int
take_references(struct reading *r, size_t n, struct err *err)
{
    if (n > MANIFEST_REFERENCES_MAX)
        return err_code(err, ERR_INVALID, WRONG, "a manifest may list at most %d descriptors",
                        MANIFEST_REFERENCES_MAX);
    r->out->references = arena_take(r->arena, (n > 0 ? n : 1) * sizeof(*r->out->references));
    if (r->out->references == NULL)
        return err_memory(err);
    return 0;
}

static int
read_list(struct reading *r, const json_t *list, const char *name, struct err *err)
{
    const json_t *item;
    struct text media_type;
    char path[64];
    size_t i;

    json_array_foreach(list, i, item)
    {
        (void)snprintf(path, sizeof(path), "%s[%zu]", name, i);
        if (add_reference(r, item, path, &media_type, err) < 0)
            return -1;
    }
    return 0;
}

static int
read_image(struct reading *r, struct err *err)
{
    const json_t *layers = json_object_get(r->root, "layers");
    struct text config_type;

    if (json_object_get(r->root, "manifests") != NULL)
        return err_code(err, ERR_INVALID, WRONG,
                        "an image manifest must not have \"manifests\": it could be read as an "
                        "index");
    if (!json_is_array(layers))
        return err_code(err, ERR_INVALID, WRONG, "layers is missing or not an array");
    if (take_references(r, json_array_size(layers) + 1, err) < 0 ||
        add_reference(r, json_object_get(r->root, "config"), "config", &config_type, err) < 0 ||
        read_list(r, layers, "layers", err) < 0)
        return -1;
    if (r->out->artifact_type.p == NULL)
        r->out->artifact_type = config_type;
    return 0;
}

static int
read_index(struct reading *r, struct err *err)
{
    const json_t *manifests = json_object_get(r->root, "manifests");

    if (json_object_get(r->root, "layers") != NULL || json_object_get(r->root, "config") != NULL)
        return err_code(err, ERR_INVALID, WRONG,
                        "an index must not have \"config\" or \"layers\": it could be read as an "
                        "image");
    if (!json_is_array(manifests))
        return err_code(err, ERR_INVALID, WRONG, "manifests is missing or not an array");
    if (take_references(r, json_array_size(manifests), err) < 0)
        return -1;
    return read_list(r, manifests, "manifests", err);
}

static int
read_subject(struct reading *r, struct err *err)
{
    const json_t *subject = json_object_get(r->root, "subject");
    struct manifest_reference reference = { 0 };
    struct text media_type;

    if (subject == NULL || json_is_null(subject))
        return 0;
    if (read_descriptor(subject, "subject", &media_type, &reference, err) < 0)
        return -1;
    r->out->has_subject = true;
    r->out->subject = reference.digest;
    return 0;
}

/* M2, and the version both formats share. */
static int
read_head(struct reading *r, size_t type, struct err *err)
{
    struct err inner = { 0 };
    struct text media_type;
    int64_t version;

    if (json_need_int(r->root, "schemaVersion", 2, 2, &version, &inner) < 0)
        return wrong_json(err, &inner, "");
    if (read_type(r->root, "", "mediaType", &media_type, err) < 0 ||
        read_type(r->root, "", "artifactType", &r->out->artifact_type, err) < 0)
        return -1;
    if (media_type.p == NULL && types[type].docker)
        return err_code(err, ERR_INVALID, WRONG, "mediaType is missing; it must be %s",
                        types[type].name);
    if (media_type.p != NULL && !text_is(media_type, types[type].name))
        return err_code(err, ERR_INVALID, WRONG, "mediaType is \"%.*s\" but Content-Type says %s",
                        TEXT_ARG(text_first(media_type, 80)), types[type].name);
    return 0;
}

static int
check_annotations(const json_t *root, struct err *err)
{
    const json_t *annotations = json_object_get(root, "annotations");
    const json_t *value;
    void *at;

    if (annotations == NULL || json_is_null(annotations))
        return 0;
    if (!json_is_object(annotations))
        return err_code(err, ERR_INVALID, WRONG, "annotations must be an object");
    for (at = json_object_iter(json_object_get(root, "annotations")); at != NULL;
         at = json_object_iter_next(json_object_get(root, "annotations"), at)) {
        value = json_object_iter_value(at);
        if (!json_is_string(value))
            return err_code(err, ERR_INVALID, WRONG, "annotations.%.80s must be a string",
                            json_object_iter_key(at));
    }
    return 0;
}

static int
refuse_type(struct text content_type, struct err *err)
{
    if (content_type.n == 0)
        return err_code(err, ERR_INVALID, WRONG,
                        "Content-Type is missing: it must name the manifest's media type");
    if (text_starts_nocase(content_type, "application/vnd.docker.distribution.manifest.v1+"))
        return err_code(
            err, ERR_INVALID, WRONG,
            "Docker image manifests of schema 1 are not accepted: push schema 2 or OCI");
    return err_code(err, ERR_INVALID, WRONG,
                    "Content-Type \"%.*s\" is not a manifest's media type known here",
                    TEXT_ARG(text_first(content_type, 100)));
}

int
manifest_document_read(struct text bytes, struct text content_type, struct arena *arena,
                       struct manifest_document *out, struct err *err)
{
    struct manifest_document found = { 0 };
    struct reading r = { .arena = arena, .out = &found };
    struct err inner = { 0 };
    int type = type_index(content_type);
    OWN_JSON root = NULL;

    if (type < 0)
        return refuse_type(content_type, err);
    if (bytes.n > MANIFEST_BYTES_MAX)
        return err_code(err, ERR_TOO_LARGE, WRONG, "a manifest may have at most %zu bytes",
                        MANIFEST_BYTES_MAX);
    if ((root = json_read(bytes, &inner)) == NULL)
        return wrong_json(err, &inner, "");
    if (!json_is_object(root))
        return err_code(err, ERR_INVALID, WRONG, "a manifest must be a JSON object");
    r.root = root;
    found.kind = types[type].kind;
    found.media_type = types[type].name;
    if (read_head(&r, (size_t)type, err) < 0 || check_annotations(root, err) < 0 ||
        read_subject(&r, err) < 0 ||
        (found.kind == MANIFEST_IMAGE ? read_image(&r, err) : read_index(&r, err)) < 0 ||
        settle_references(&found, err) < 0)
        return -1;
    if (found.artifact_type.p != NULL) {
        found.artifact_type = arena_text(arena, found.artifact_type); /* outlives the tree */
        if (found.artifact_type.p == NULL)
            return err_memory(err);
    }
    *out = found;
    return 0;
}
