/*
 * Whatever is accepted obeys manifest_document.h: one kind (M1), distinct references (M3), plain
 * types (M5); whatever is refused has a code and a message (M4).  The first byte picks the
 * Content-Type.
 */
#include "../property.h"
#include <string.h>

#include "registry/manifest_document.h"
#include "wire/json.h"

static const char *const types[] = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
};

static void
check_references(const struct manifest_document *d)
{
    uint64_t sum = 0;

    PROPERTY(d->n_references <= MANIFEST_REFERENCES_MAX);
    for (size_t i = 0; i < d->n_references; i++) {
        PROPERTY(i == 0 || !digest_equal(&d->references[i - 1].digest, &d->references[i].digest));
        sum += d->references[i].size;
    }
    PROPERTY(sum == d->image_size);
    PROPERTY(d->kind == MANIFEST_INDEX || d->n_references > 0); /* at least a config */
}

static void
check_type(struct text t)
{
    PROPERTY(t.p == NULL || (t.n > 0 && t.n <= MANIFEST_TYPE_MAX));
    for (size_t i = 0; i < t.n; i++)
        PROPERTY(t.p[i] > 0x20 && t.p[i] < 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN(arena) arena = arena_new((size_t)16 * 1024 * 1024);
    struct manifest_document d;
    struct err err = { 0 };
    struct text type, bytes;

    if (n == 0 || arena == NULL)
        return 0;
    type = text_of(types[data[0] % 4]);
    bytes = text_from(data + 1, n - 1);
    if (manifest_document_read(bytes, type, arena, &d, &err) < 0) {
        PROPERTY(err.code != NULL && strcmp(err.code, "MANIFEST_INVALID") == 0);
        PROPERTY(err.msg[0] != '\0');
        return 0;
    }
    PROPERTY(text_is(type, d.media_type));
    PROPERTY((d.kind == MANIFEST_INDEX) == (data[0] % 2 == 1));
    check_references(&d);
    check_type(d.artifact_type);
    return 0;
}
