/* Manifest and config, parted by a NUL: an image that is read keeps the limits of a plan (M1). */
#include "../property.h"
#include "instances/image.h"

#define MEMORY_MAX ((size_t)64 * 1024 * 1024)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN(arena) arena = arena_new(MEMORY_MAX);
    struct text rest = text_from(data, n), manifest, config;
    struct image image = { 0 };
    struct digest picked;
    struct err err = { 0 };

    if (!text_cut(&rest, '\0', &manifest))
        return 0;
    config = rest;
    if (image_index_pick(manifest, "amd64", &picked, &err) != 0)
        PROPERTY(err.kind != ERR_OK && err.kind != ERR_IO);
    err_clear(&err);
    if (image_manifest_read(&image, manifest, arena, &err) != 0)
        return 0;
    PROPERTY(image.layer_count > 0 && image.layer_count <= PLAN_LAYERS_MAX);
    if (image_config_read(&image, config, arena, &err) != 0)
        return 0;
    PROPERTY(image.env_count <= PLAN_STRINGS_MAX && image.cmd_count <= PLAN_STRINGS_MAX);
    PROPERTY(image.cwd.n == 0 || (image.cwd.p[0] == '/' && image.cwd.n <= PLAN_PATH_MAX));
    PROPERTY(image.user.n <= PLAN_USER_MAX && image.stop_signal <= 64);
    return 0;
}
