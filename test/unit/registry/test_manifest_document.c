/* The invariants of registry/manifest_document.h. */
#include "registry/manifest_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/json.h"

#define OCI_IMAGE    "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX    "application/vnd.oci.image.index.v1+json"
#define DOCKER_IMAGE "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST  "application/vnd.docker.distribution.manifest.list.v2+json"

#define D1           "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2           "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define D3           "sha256:3333333333333333333333333333333333333333333333333333333333333333"

#define CONFIG                                                                                     \
    "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" D1      \
    "\",\"size\":10}"
#define LAYER(d, size) "{\"mediaType\":\"a/b\",\"digest\":\"" d "\",\"size\":" size "}"
#define IMAGE(more)    "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER(D2, "20") "]" more "}"
#define INDEX(more)                                                                                \
    "{\"schemaVersion\":2,\"manifests\":[" LAYER(D1, "5") "," LAYER(D2, "6") "]" more "}"

static struct arena *
new_arena(void)
{
    struct arena *arena = arena_new(1 << 20);

    assert_non_null(arena);
    return arena;
}

static void
accepts(const char *bytes, const char *type, struct arena *arena, struct manifest_document *out)
{
    struct err err = { 0 };
    int r = manifest_document_read(text_of(bytes), text_of(type), arena, out, &err);

    if (r < 0)
        fail_msg("%s: %s", err.msg, bytes);
}

/* M4: refused, with our code, and a message that has ${says}. */
static void
refuses_text(struct text bytes, const char *type, const char *says)
{
    OWN(arena) arena = new_arena();
    struct manifest_document out;
    struct err err = { 0 };

    assert_int_equal(manifest_document_read(bytes, text_of(type), arena, &out, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.code, "MANIFEST_INVALID");
    if (strstr(err.msg, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
}

static void
refuses(const char *bytes, const char *type, const char *says)
{
    refuses_text(text_of(bytes), type, says);
}

static void
m1_kind_follows_content_type(void **state)
{
    OWN(arena) arena = new_arena();
    struct manifest_document d;

    (void)state;
    accepts(IMAGE(""), OCI_IMAGE, arena, &d);
    assert_int_equal(d.kind, MANIFEST_IMAGE);
    assert_string_equal(d.media_type, OCI_IMAGE);
    accepts(INDEX(""), OCI_INDEX "; charset=utf-8", arena, &d);
    assert_int_equal(d.kind, MANIFEST_INDEX);
    refuses(INDEX(""), OCI_IMAGE, "manifests");
    refuses(IMAGE(""), OCI_INDEX, "layers");
    refuses(IMAGE(",\"manifests\":[]"), OCI_IMAGE, "read as an index");
    refuses(INDEX(",\"layers\":[]"), OCI_INDEX, "read as an image");
    refuses(INDEX(",\"config\":{}"), OCI_INDEX, "read as an image");
}

static void
m1_unknown_types_are_refused(void **state)
{
    (void)state;
    refuses(IMAGE(""), "", "missing");
    refuses(IMAGE(""), "application/json", "not a manifest");
    refuses(IMAGE(""), "application/vnd.docker.distribution.manifest.v1+json", "schema 1");
    refuses(IMAGE(""), "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1");
    refuses(IMAGE(""), OCI_IMAGE "x", "not a manifest");
}

static void
m2_media_type_inside(void **state)
{
    OWN(arena) arena = new_arena();
    struct manifest_document d;

    (void)state;
    accepts(IMAGE(",\"mediaType\":\"" OCI_IMAGE "\""), OCI_IMAGE, arena, &d);
    accepts(IMAGE(",\"mediaType\":\"" DOCKER_IMAGE "\""), DOCKER_IMAGE, arena, &d);
    accepts(INDEX(",\"mediaType\":\"" DOCKER_LIST "\""), DOCKER_LIST, arena, &d);
    refuses(IMAGE(""), DOCKER_IMAGE, "mediaType is missing");
    refuses(INDEX(""), DOCKER_LIST, "mediaType is missing");
    refuses(IMAGE(",\"mediaType\":\"" DOCKER_IMAGE "\""), OCI_IMAGE, "Content-Type says");
    refuses(IMAGE(",\"mediaType\":7"), OCI_IMAGE, "mediaType");
}

static void
m3_references_are_found_once(void **state)
{
    OWN(arena) arena = new_arena();
    struct manifest_document d;

    (void)state;
    accepts("{\"schemaVersion\":2," CONFIG
            ",\"layers\":[" LAYER(D3, "30") "," LAYER(D2, "20") "," LAYER(D3, "30") "]}",
            OCI_IMAGE, arena, &d);
    assert_int_equal(d.n_references, 3);
    assert_int_equal(d.image_size, 60);
    assert_int_equal(d.references[0].digest.bytes[0], 0x11);
    assert_int_equal(d.references[2].digest.bytes[0], 0x33);
    accepts("{\"schemaVersion\":2," CONFIG ",\"layers\":[]}", OCI_IMAGE, arena, &d);
    assert_int_equal(d.n_references, 1);
    accepts("{\"schemaVersion\":2,\"manifests\":[]}", OCI_INDEX, arena, &d);
    assert_int_equal(d.n_references, 0);
}

static void
m3_bad_descriptors(void **state)
{
    static const struct {
        const char *layer;
        const char *says;
    } cases[] = {
        { "7", "layers[0] must be a descriptor" },
        { "{\"digest\":\"" D2 "\",\"size\":1}", "layers[0].mediaType" },
        { "{\"mediaType\":\"a/b\",\"size\":1}", "digest" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"sha256:xy\",\"size\":1}", "layers[0].digest" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" D2 "\"}", "size" },
        { LAYER(D2, "-1"), "size" },
        { LAYER(D2, "1.5"), "size" },
        { LAYER(D2, "99999999999999999999"), "" },
        { LAYER(D2, "\"1\""), "size" },
        { LAYER(D1, "11"), "two sizes" },
        { "{\"mediaType\":\"a b\",\"digest\":\"" D2 "\",\"size\":1}", "printable" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char document[1024];

        (void)snprintf(document, sizeof(document),
                       "{\"schemaVersion\":2," CONFIG ",\"layers\":[%s]}", cases[i].layer);
        refuses(document, OCI_IMAGE, cases[i].says);
    }
    refuses("{\"schemaVersion\":2,\"layers\":[]}", OCI_IMAGE, "config");
    refuses("{\"schemaVersion\":2," CONFIG "}", OCI_IMAGE, "layers");
    refuses("{\"schemaVersion\":1," CONFIG ",\"layers\":[]}", OCI_IMAGE, "schemaVersion");
    refuses("{" CONFIG ",\"layers\":[]}", OCI_IMAGE, "schemaVersion");
}

static void
m3_too_many_descriptors(void **state)
{
    OWN_BUF(document, 4 << 20);

    (void)state;
    buf_str(&document, "{\"schemaVersion\":2," CONFIG ",\"layers\":[");
    for (int i = 0; i <= MANIFEST_REFERENCES_MAX; i++)
        buf_printf(&document, "%s" LAYER(D2, "1"), i > 0 ? "," : "");
    buf_str(&document, "]}");
    assert_false(buf_failed(&document));
    refuses_text(buf_view(&document), OCI_IMAGE, "at most");
}

static void
m3_foreign_layers_lie_elsewhere(void **state)
{
    static const char document[] =
        "{\"schemaVersion\":2," CONFIG ",\"layers\":["
        "{\"mediaType\":\"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip\","
        "\"digest\":\"" D2 "\",\"size\":1,\"urls\":[\"https://example.com/l\"]},"
        "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\","
        "\"digest\":\"" D3 "\",\"size\":1,\"urls\":[\"https://example.com/l\"]}]}";
    OWN(arena) arena = new_arena();
    struct manifest_document d;

    (void)state;
    accepts(document, OCI_IMAGE, arena, &d);
    assert_false(d.references[0].elsewhere);
    assert_true(d.references[1].elsewhere);
    assert_false(d.references[2].elsewhere); /* its type may be handed on: it must be here */
}

static void
m4_hostile_json(void **state)
{
    char deep[256 + 1];

    (void)state;
    memset(deep, '[', 256);
    deep[256] = '\0';
    refuses("", OCI_IMAGE, "");
    refuses("[]", OCI_IMAGE, "object");
    refuses("{", OCI_IMAGE, "");
    refuses(deep, OCI_IMAGE, "");
    refuses(IMAGE("") "x", OCI_IMAGE, "");
    refuses(IMAGE("") IMAGE(""), OCI_IMAGE, "");
    refuses(IMAGE(",\"layers\":[]"), OCI_IMAGE, "");
    refuses(IMAGE(",\"x\":{\"a\":1,\"a\":2}"), OCI_IMAGE, "");
    refuses(IMAGE(",\"x\":\"\\u0000\""), OCI_IMAGE, "");
    refuses(IMAGE(",\"x\":\"\xff\""), OCI_IMAGE, "");
    refuses(IMAGE(",\"x\":\"\xc0\xaf\""), OCI_IMAGE, "");
    refuses_text(TEXT("{\"schemaVersion\":2,\0\"layers\":[]}"), OCI_IMAGE, "");
    refuses(IMAGE(",\"annotations\":{\"a\":1}"), OCI_IMAGE, "annotations.a");
    refuses(IMAGE(",\"annotations\":[]"), OCI_IMAGE, "annotations");
}

static void
m4_too_large(void **state)
{
    OWN(arena) arena = new_arena();
    OWN_BUF(document, MANIFEST_BYTES_MAX + 16);
    struct manifest_document out;
    struct err err = { 0 };

    (void)state;
    buf_str(&document, "{\"schemaVersion\":2");
    while (document.n <= MANIFEST_BYTES_MAX)
        buf_char(&document, ' ');
    assert_int_equal(
        manifest_document_read(buf_view(&document), TEXT(OCI_IMAGE), arena, &out, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

static void
m5_types_are_plain(void **state)
{
    OWN(arena) arena = new_arena();
    struct manifest_document d;

    (void)state;
    accepts(IMAGE(",\"artifactType\":\"x/y\",\"subject\":" LAYER(D3, "3")), OCI_IMAGE, arena, &d);
    assert_true(text_is(d.artifact_type, "x/y"));
    assert_true(d.has_subject);
    assert_int_equal(d.subject.bytes[0], 0x33);
    accepts(IMAGE(""), OCI_IMAGE, arena, &d);
    assert_true(text_is(d.artifact_type, "application/vnd.oci.image.config.v1+json"));
    assert_false(d.has_subject);
    accepts(INDEX(""), OCI_INDEX, arena, &d);
    assert_null(d.artifact_type.p);
    refuses(IMAGE(",\"artifactType\":\"x\\r\\ny\""), OCI_IMAGE, "printable");
    refuses(IMAGE(",\"subject\":{}"), OCI_IMAGE, "subject");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m1_kind_follows_content_type),
        cmocka_unit_test(m1_unknown_types_are_refused),
        cmocka_unit_test(m2_media_type_inside),
        cmocka_unit_test(m3_references_are_found_once),
        cmocka_unit_test(m3_bad_descriptors),
        cmocka_unit_test(m3_too_many_descriptors),
        cmocka_unit_test(m3_foreign_layers_lie_elsewhere),
        cmocka_unit_test(m4_hostile_json),
        cmocka_unit_test(m4_too_large),
        cmocka_unit_test(m5_types_are_plain),
    };

    json_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
