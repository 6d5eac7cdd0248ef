#include "instances/admission.h"

#include <unistd.h>

#include "access/access.h"
#include "base/buf.h"
#include "identity/identity.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/reference.h"

struct asking {
    struct registry *registry;
    struct exchange *x;
    const struct group *group;
    struct arena *arena;
};

/* Split the image's name and find the registry it lies in. */
static int
locate(const struct asking *a, struct text image, struct admitted *out, struct err *err)
{
    struct reference r;
    char digest[DIGEST_TEXT_MAX + 1];

    if (reference_parse(&r, image, err) != 0)
        return json_within(err, "image");
    out->login_server = r.host.n > 0 ? r.host : text_of(a->x->world->login_server);
    out->repository = arena_text(a->arena, r.name);
    if (!registry_scope(a->registry, out->login_server, a->arena, &out->repository_scope,
                        &out->registry))
        return err_code(err, ERR_INVALID, "InaccessibleImage",
                        "image: \"%.*s\" is no registry of this server; push the image here first"
                        " (%s/NAME:TAG)",
                        TEXT_ARG(text_first(out->login_server, 80)), a->x->world->login_server);
    out->repository_scope =
        text_of(arena_printf(a->arena, "%.*s/repositories/%.*s", TEXT_ARG(out->repository_scope),
                             TEXT_ARG(out->repository)));
    if (r.has_digest) {
        (void)digest_text(&r.digest, digest);
        out->reference = arena_text(a->arena, text_of(digest));
    } else {
        out->reference = r.tag.n > 0 ? arena_text(a->arena, r.tag) : TEXT("latest");
    }
    return arena_full(a->arena) ? err_memory(err) : 0;
}

static const struct group_credential *
credential_for(const struct group *group, struct text server)
{
    for (size_t i = 0; i < group->credential_count; i++)
        if (text_equal_nocase(group->credentials[i].server, server))
            return &group->credentials[i];
    return NULL;
}

/* Whose right to pull counts: that of the credentials given for the registry, else the caller's. */
static int
find_puller(const struct asking *a, struct admitted *out, struct err *err)
{
    const struct group_credential *c = credential_for(a->group, out->login_server);
    OWN_BUF(pair, 4096);
    OWN_BUF(header, 8192);

    out->puller = a->x->caller;
    if (c == NULL)
        return 0;
    buf_printf(&pair, "%.*s:%.*s", TEXT_ARG(c->username), TEXT_ARG(c->password));
    buf_str(&header, "Basic ");
    base64_print(&header, BASE64_STANDARD, pair.p, pair.n);
    if (buf_failed(&pair) || buf_failed(&header))
        return err_set(err, ERR_INVALID, "imageRegistryCredentials: is too long");
    if (identity_identify(a->x->world->identity, buf_view(&header), AUDIENCE_REGISTRY,
                          out->login_server, true, a->arena, &out->puller, err) == 0)
        return 0;
    if (err->kind != ERR_UNAUTHENTICATED)
        return -1;
    err_clear(err);
    return err_code(err, ERR_INVALID, "InvalidImageRegistryCredentials",
                    "imageRegistryCredentials: the user name or password for %.*s is not right",
                    TEXT_ARG(text_first(out->login_server, 80)));
}

static int
ask_access(const struct asking *a, struct admitted *out, struct err *err)
{
    if (find_puller(a, out, err) != 0)
        return -1;
    if (access_check(a->x->world->access, &out->puller, ADMISSION_ACTION, out->repository_scope,
                     &out->decision))
        return 0;
    if (!out->decision.visible)
        return err_code(err, ERR_DENIED, "AuthorizationFailed",
                        "image: \"%.*s\" does not have authorization to pull this image, or it"
                        " does not exist",
                        TEXT_ARG(text_first(out->puller.name, 80)));
    return err_code(err, ERR_DENIED, "AuthorizationFailed",
                    "image: \"%.*s\" may not pull \"%.*s\": needs " ADMISSION_ACTION " (role %s)",
                    TEXT_ARG(text_first(out->puller.name, 60)),
                    TEXT_ARG(text_first(out->repository, 60)),
                    out->decision.role != NULL ? out->decision.role : "AcrPull");
}

static int
read_manifest(const struct asking *a, const struct admitted *out, struct text reference,
              struct manifest *m, struct err *err)
{
    int rc =
        registry_manifest(a->registry, out->registry, out->repository, reference, a->arena, m, err);

    if (rc <= 0)
        return rc;
    return err_code(err, ERR_INVALID, "InaccessibleImage",
                    "image: there is no \"%.*s:%.*s\" in registry %.*s; push it first",
                    TEXT_ARG(text_first(out->repository, 80)), TEXT_ARG(text_first(reference, 80)),
                    TEXT_ARG(out->registry));
}

static int
read_config(const struct asking *a, struct admitted *out, struct err *err)
{
    OWN_FD fd = -1;
    uint64_t size;
    size_t got = 0;
    char *bytes;
    int rc = registry_blob(a->registry, out->registry, out->repository, &out->image.config, &fd,
                           &size, err);

    if (rc < 0)
        return -1;
    if (rc == 1)
        return err_code(err, ERR_INVALID, "InaccessibleImage",
                        "image: its config blob is not there; push it again");
    if (size > IMAGE_CONFIG_MAX)
        return err_set(err, ERR_TOO_LARGE, "image: its config is larger than %u MiB",
                       (unsigned)(IMAGE_CONFIG_MAX >> 20));
    if ((bytes = arena_take(a->arena, (size_t)size + 1)) == NULL)
        return err_memory(err);
    while (got < size) {
        ssize_t n = pread(fd, bytes + got, (size_t)size - got, (off_t)got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, errno, "cannot read the image's config");
        if (n == 0)
            return err_set(err, ERR_CORRUPT, "the image's config is shorter than it was");
        got += (size_t)n;
    }
    return image_config_read(&out->image, text_from(bytes, got), a->arena, err);
}

static int
check_platform(const struct admitted *out, struct err *err)
{
    const char *here = image_machine_architecture();

    if (text_is(out->image.os, "linux") &&
        (out->image.architecture.n == 0 || text_is(out->image.architecture, here)))
        return 0;
    return err_code(err, ERR_INVALID, "ImageOsTypeNotMatchContainerGroup",
                    "image: is for %.*s/%.*s; this machine runs linux/%s",
                    TEXT_ARG(text_first(out->image.os, 20)),
                    TEXT_ARG(text_first(out->image.architecture, 20)), here);
}

/* Tag or digest -> manifest -> config: the digest is pinned here (A2). */
static int
resolve(const struct asking *a, struct admitted *out, struct err *err)
{
    struct manifest m;
    char pinned[DIGEST_TEXT_MAX + 1];

    if (read_manifest(a, out, out->reference, &m, err) != 0)
        return -1;
    out->digest = out->manifest = m.digest;
    if (image_is_index(m.media_type)) {
        if (image_index_pick(m.bytes, image_machine_architecture(), &out->manifest, err) != 0)
            return json_within(err, "image");
        (void)digest_text(&out->manifest, pinned);
        if (read_manifest(a, out, text_of(pinned), &m, err) != 0)
            return -1;
    }
    if (image_manifest_read(&out->image, m.bytes, a->arena, err) != 0 ||
        read_config(a, out, err) != 0)
        return err->kind == ERR_INVALID ? json_within(err, "image") : -1;
    return check_platform(out, err);
}

/* Credentials for a registry that is not ours cannot be of use: say so instead of keeping them. */
static int
check_credentials(const struct asking *a, struct err *err)
{
    struct text scope, name;

    for (size_t i = 0; i < a->group->credential_count; i++)
        if (!registry_scope(a->registry, a->group->credentials[i].server, a->arena, &scope, &name))
            return err_code(err, ERR_INVALID, "InvalidImageRegistryCredentials",
                            "properties.imageRegistryCredentials[%zu].server: \"%.*s\" is no"
                            " registry of this server; other registries are not supported yet",
                            i, TEXT_ARG(text_first(a->group->credentials[i].server, 80)));
    return 0;
}

int
admission_ask(struct registry *registry, struct exchange *x, const struct group *group,
              struct arena *arena, struct admitted **out, struct err *err)
{
    struct asking a = { registry, x, group, arena };
    struct admitted *list = arena_take(arena, group->container_count * sizeof(*list));

    if (list == NULL)
        return err_memory(err);
    if (check_credentials(&a, err) != 0)
        return -1;
    for (size_t i = 0; i < group->container_count; i++)
        if (locate(&a, group->containers[i].image, &list[i], err) != 0 ||
            ask_access(&a, &list[i], err) != 0 || resolve(&a, &list[i], err) != 0)
            return json_within(err, "properties.containers[%zu].properties", i);
    *out = list;
    return 0;
}
