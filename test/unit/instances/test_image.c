/* instances/image.h: manifests and configs of hostile origin. */
#include "instances/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define D3 "sha256:3333333333333333333333333333333333333333333333333333333333333333"
#define MANIFEST(type)                                                                             \
    "{\"schemaVersion\":2,\"config\":{\"digest\":\"" D1 "\"},\"layers\":[{\"mediaType\":\"" type   \
    "\",\"digest\":\"" D2 "\"}]}"
#define GZIP "application/vnd.oci.image.layer.v1.tar+gzip"

static int
read_both(const char *manifest, const char *config, struct image *out, struct arena *arena,
          struct err *err)
{
    if (image_manifest_read(out, text_of(manifest), arena, err) != 0)
        return -1;
    return image_config_read(out, text_of(config), arena, err);
}

static void
reads_what_docker_builds(void **state)
{
    OWN(arena) arena = arena_new(1 << 20);
    struct err err = { 0 };
    struct image image;

    (void)state;
    assert_int_equal(
        read_both(MANIFEST(GZIP),
                  "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Entrypoint\":null,"
                  "\"Cmd\":[\"httpd\",\"-f\"],\"Env\":[\"A=b\"],\"WorkingDir\":\"srv\","
                  "\"User\":\"www\",\"StopSignal\":\"SIGINT\"},"
                  "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D3 "\"]}}",
                  &image, arena, &err),
        0);
    assert_int_equal(image.layer_count, 1);
    assert_int_equal(image.layers[0].media, RUNNER_MEDIA_GZIP);
    assert_int_equal(image.layers[0].diff_id.bytes[0], 0x33);
    assert_int_equal(image.entrypoint_count, 0);
    assert_true(image.cmd_count == 2 && text_is(image.cmd[1], "-f"));
    assert_true(text_is(image.cwd, "/srv"));
    assert_int_equal(image.stop_signal, 2);
}

static void
m1_as_many_layers_as_diff_ids(void **state)
{
    OWN(arena) arena = arena_new(1 << 20);
    struct err err = { 0 };
    struct image image;

    (void)state;
    assert_int_equal(
        read_both(MANIFEST(GZIP), "{\"rootfs\":{\"diff_ids\":[]}}", &image, arena, &err), -1);
    assert_non_null(strstr(err.msg, "diff_ids"));
}

static void
m2_foreign_layers_are_refused(void **state)
{
    OWN(arena) arena = arena_new(1 << 20);
    struct err err = { 0 };
    struct image image;

    (void)state;
    assert_int_equal(
        image_manifest_read(
            &image, TEXT(MANIFEST("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")),
            arena, &err),
        -1);
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
}

static void
picks_this_machine_or_says_what_there_is(void **state)
{
    struct text index =
        TEXT("{\"manifests\":[{\"digest\":\"" D1 "\",\"platform\":{\"os\":\"linux\","
             "\"architecture\":\"arm64\"}},{\"digest\":\"" D2 "\",\"platform\":{\"os\":\"linux\","
             "\"architecture\":\"amd64\"}}]}");
    struct err err = { 0 };
    struct digest picked;

    (void)state;
    assert_int_equal(image_index_pick(index, "amd64", &picked, &err), 0);
    assert_int_equal(picked.bytes[0], 0x22);
    assert_int_equal(image_index_pick(index, "s390x", &picked, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "linux/arm64, linux/amd64"));
}

static void
signals_by_name_and_number(void **state)
{
    uint32_t n = 0;

    (void)state;
    assert_true(image_signal(TEXT("SIGTERM"), &n) && n == 15);
    assert_true(image_signal(TEXT("quit"), &n) && n == 3);
    assert_true(image_signal(TEXT("9"), &n) && n == 9);
    assert_true(image_signal(TEXT("SIGRTMIN+3"), &n) && n == 37);
    assert_false(image_signal(TEXT("SIGNOPE"), &n));
    assert_false(image_signal(TEXT("65"), &n));
    assert_false(image_signal(TEXT("0"), &n));
    assert_false(image_signal(TEXT("SIGRTMIN+31"), &n));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_docker_builds),
        cmocka_unit_test(m1_as_many_layers_as_diff_ids),
        cmocka_unit_test(m2_foreign_layers_are_refused),
        cmocka_unit_test(picks_this_machine_or_says_what_there_is),
        cmocka_unit_test(signals_by_name_and_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
