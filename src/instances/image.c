#include "instances/image.h"

#include <sys/utsname.h>

#include "base/buf.h"
#include "wire/json.h"

struct packing {
    const char *media_type;
    enum runner_media media;
};

static const struct packing packings[] = {
    { "application/vnd.oci.image.layer.v1.tar", RUNNER_MEDIA_TAR },
    { "application/vnd.oci.image.layer.v1.tar+gzip", RUNNER_MEDIA_GZIP },
    { "application/vnd.oci.image.layer.v1.tar+zstd", RUNNER_MEDIA_ZSTD },
    { "application/vnd.docker.image.rootfs.diff.tar", RUNNER_MEDIA_TAR },
    { "application/vnd.docker.image.rootfs.diff.tar.gzip", RUNNER_MEDIA_GZIP },
    { "application/vnd.docker.image.rootfs.diff.tar.zstd", RUNNER_MEDIA_ZSTD },
};

struct machine {
    const char *kernel;
    const char *oci;
};

static const struct machine machines[] = {
    { "x86_64", "amd64" },    { "aarch64", "arm64" }, { "riscv64", "riscv64" },
    { "ppc64le", "ppc64le" }, { "s390x", "s390x" },   { "armv7l", "arm" },
};

bool
image_is_index(struct text media_type)
{
    return text_is(media_type, "application/vnd.oci.image.index.v1+json") ||
           text_is(media_type, "application/vnd.docker.distribution.manifest.list.v2+json");
}

const char *
image_machine_architecture(void)
{
    struct utsname uts;

    if (uname(&uts) != 0)
        return "unknown";
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (text_is(text_of(uts.machine), machines[i].kernel))
            return machines[i].oci;
    return "unknown";
}

static int
digest_member(const json_t *object, struct digest *out, struct err *err)
{
    struct text t;

    return json_need_text(object, "digest", &t, err) != 0 ? -1 : digest_parse(out, t, err);
}

int
image_index_pick(struct text bytes, const char *architecture, struct digest *out, struct err *err)
{
    OWN_BUF(seen, 160);
    OWN_JSON index = json_read(bytes, err);
    json_t *list;

    if (index == NULL || json_need_array(index, "manifests", &list, err) != 0)
        return -1;
    if (json_array_size(list) > IMAGE_ENTRIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the index has more than %d entries", IMAGE_ENTRIES_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        struct text os, arch;

        if (json_want_text(entry, "platform.os", TEXT(""), &os, err) != 0 ||
            json_want_text(entry, "platform.architecture", TEXT(""), &arch, err) != 0)
            return -1;
        if (text_is(os, "linux") && text_is(arch, architecture))
            return digest_member(entry, out, err);
        buf_printf(&seen, "%s%.*s/%.*s", seen.n > 0 ? ", " : "", TEXT_ARG(os), TEXT_ARG(arch));
    }
    return err_set(err, ERR_NOT_FOUND, "the image has no manifest for linux/%s (it has: %.*s)",
                   architecture, TEXT_ARG(buf_view(&seen)));
}

static int
layer_read(struct image_layer *out, const json_t *object, struct err *err)
{
    struct text type;

    if (json_need_text(object, "mediaType", &type, err) != 0 ||
        digest_member(object, &out->blob, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++)
        if (text_is(type, packings[i].media_type)) {
            out->media = packings[i].media;
            return 0;
        }
    return err_set(err, ERR_UNSUPPORTED, "layers of type \"%.*s\" cannot be run",
                   TEXT_ARG(text_first(type, 100)));
}

int
image_manifest_read(struct image *out, struct text bytes, struct arena *arena, struct err *err)
{
    OWN_JSON manifest = json_read(bytes, err);
    struct image image = { 0 };
    json_t *config, *layers;

    if (manifest == NULL || json_need_object(manifest, "config", &config, err) != 0 ||
        digest_member(config, &image.config, err) != 0 ||
        json_need_array(manifest, "layers", &layers, err) != 0)
        return -1;
    image.layer_count = json_array_size(layers);
    if (image.layer_count == 0 || image.layer_count > PLAN_LAYERS_MAX)
        return err_set(err, ERR_UNSUPPORTED, "the image has %zu layers; 1 to %d can be run",
                       image.layer_count, PLAN_LAYERS_MAX);
    image.layers = arena_take(arena, image.layer_count * sizeof(*image.layers));
    if (image.layers == NULL)
        return err_memory(err);
    for (size_t i = 0; i < image.layer_count; i++)
        if (layer_read(&image.layers[i], json_array_get(layers, i), err) != 0)
            return json_within(err, "layers[%zu]", i);
    *out = image;
    return 0;
}

static int
texts_read(const json_t *config, const char *path, struct arena *arena, const struct text **out,
           size_t *count, struct err *err)
{
    struct text *texts;
    json_t *array;
    size_t n;

    if (json_want_array(config, path, &array, err) != 0)
        return -1;
    n = json_array_size(array);
    if (n == 0)
        return 0;
    if (n > PLAN_STRINGS_MAX)
        return json_refuse(err, path, "has more than %d entries", PLAN_STRINGS_MAX);
    if ((texts = arena_take(arena, n * sizeof(*texts))) == NULL)
        return err_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct text t = json_text(json_array_get(array, i));

        if (t.p == NULL || t.n > PLAN_STRING_MAX)
            return json_refuse(err, path, "entry %zu must be a text of at most %d bytes", i,
                               PLAN_STRING_MAX);
        texts[i] = arena_text(arena, t);
    }
    *out = texts;
    *count = n;
    return arena_full(arena) ? err_memory(err) : 0;
}

static int
diff_ids_read(struct image *image, const json_t *config, struct err *err)
{
    json_t *ids;

    if (json_need_array(config, "rootfs.diff_ids", &ids, err) != 0)
        return -1;
    if (json_array_size(ids) != image->layer_count)
        return err_set(err, ERR_INVALID, "the config has %zu diff_ids, the manifest %zu layers",
                       json_array_size(ids), image->layer_count);
    for (size_t i = 0; i < image->layer_count; i++) {
        struct text t = json_text(json_array_get(ids, i));

        if (digest_parse(&image->layers[i].diff_id, t, err) != 0)
            return json_within(err, "rootfs.diff_ids[%zu]", i);
    }
    return 0;
}

static int
words_read(struct image *image, const json_t *config, struct arena *arena, struct err *err)
{
    struct text os, architecture, cwd, user, stop;

    if (json_want_text(config, "os", TEXT("linux"), &os, err) != 0 ||
        json_want_text(config, "architecture", TEXT(""), &architecture, err) != 0 ||
        json_want_text(config, "config.WorkingDir", TEXT(""), &cwd, err) != 0 ||
        json_want_text(config, "config.User", TEXT(""), &user, err) != 0 ||
        json_want_text(config, "config.StopSignal", TEXT(""), &stop, err) != 0)
        return -1;
    if (cwd.n >= PLAN_PATH_MAX)
        return json_refuse(err, "config.WorkingDir", "is longer than %d bytes", PLAN_PATH_MAX - 1);
    if (user.n > PLAN_USER_MAX)
        return json_refuse(err, "config.User", "is longer than %d bytes", PLAN_USER_MAX);
    if (stop.n > 0 && !image_signal(stop, &image->stop_signal))
        return json_refuse(err, "config.StopSignal", "\"%.*s\" is no signal",
                           TEXT_ARG(text_first(stop, 40)));
    image->os = arena_text(arena, os);
    image->architecture = arena_text(arena, architecture);
    image->user = arena_text(arena, user);
    if (cwd.n > 0 && cwd.p[0] != '/')
        image->cwd = text_of(arena_printf(arena, "/%.*s", TEXT_ARG(cwd)));
    else
        image->cwd = arena_text(arena, cwd);
    return arena_full(arena) ? err_memory(err) : 0;
}

int
image_config_read(struct image *image, struct text bytes, struct arena *arena, struct err *err)
{
    OWN_JSON config = json_read(bytes, err);
    struct image out = *image;

    if (config == NULL || words_read(&out, config, arena, err) != 0 ||
        texts_read(config, "config.Entrypoint", arena, &out.entrypoint, &out.entrypoint_count,
                   err) != 0 ||
        texts_read(config, "config.Cmd", arena, &out.cmd, &out.cmd_count, err) != 0 ||
        texts_read(config, "config.Env", arena, &out.env, &out.env_count, err) != 0 ||
        diff_ids_read(&out, config, err) != 0)
        return -1;
    *image = out;
    return 0;
}
