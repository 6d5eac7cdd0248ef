/* acr list, acr repository list, acr repository show-tags */
#include <string.h>

#include "cli/arm.h"
#include "wire/json.h"
#include "wire/url.h"

#define REGISTRY_TYPE "Microsoft.ContainerRegistry/registries"
#define FORM_MAX      ((size_t)64 * 1024)
#define PATH_BYTES    ((size_t)4096)

static const struct column registry_columns[] = {
    { "Name", "name" },
    { "Location", "location" },
    { "LoginServer", "properties.loginServer" },
    { "State", "properties.provisioningState" },
    { NULL, NULL },
};

static const struct column name_columns[] = { { "Result", "" }, { NULL, NULL } };

static const struct column tag_columns[] = {
    { "Tag", "name" },
    { "Digest", "digest" },
    { "Updated", "lastUpdateTime" },
    { NULL, NULL },
};

static int
list_registries(struct cli *cli, json_t **out, struct err *err)
{
    OWN_BUF(path, PATH_BYTES);

    if (arm_subscription(cli, &path, err) != 0)
        return -1;
    buf_str(&path, "/providers/" REGISTRY_TYPE);
    return arm_list(cli, path.p, ARM_REGISTRIES, out, err);
}

static int
list(struct cli *cli, struct err *err)
{
    OWN_JSON all = NULL;

    return list_registries(cli, &all, err) != 0 ? -1 : cli_print(cli, all, registry_columns, err);
}

/* The login server of --name, or of the only registry there is. */
static int
find_login_server(struct cli *cli, struct buf *out, struct err *err)
{
    const char *wanted = arguments_get(&cli->arguments, "name");
    OWN_JSON all = NULL;

    if (list_registries(cli, &all, err) != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        struct text name = json_text(json_object_get(one, "name"));

        if (wanted == NULL || text_is_nocase(name, wanted)) {
            output_at(one, "properties.loginServer", out);
            return buf_check(out, err);
        }
    }
    return err_set(err, ERR_NOT_FOUND, "there is no registry \"%s\"; see: holdfast acr list",
                   wanted != NULL ? wanted : "");
}

static void
member(struct buf *form, const char *name, const char *value)
{
    buf_printf(form, "%s%s=", form->n > 0 ? "&" : "", name);
    url_encode_query(form, text_of(value));
}

static int
trade(struct cli *cli, const char *path, struct text form, const char *want, struct buf *out,
      struct err *err)
{
    OWN_ANSWER answer = { 0 };
    struct client *client = arm_client(cli, err);
    struct client_request request = {
        .method = "POST",
        .path = path,
        .content_type = "application/x-www-form-urlencoded",
        .body = form,
    };

    if (client == NULL || client_ask(client, &request, &answer, err) != 0)
        return -1;
    if (answer.status != 200)
        return client_refused(&answer, err);
    output_at(answer.document, want, out);
    return buf_check(out, err);
}

/* As az and docker do it: the ARM token for a refresh token, that for one with ${scope}. */
static int
registry_token(struct cli *cli, const char *service, const char *scope, struct buf *out,
               struct err *err)
{
    OWN_BUF(form, FORM_MAX);
    OWN_BUF(refresh, FORM_MAX);
    const char *token = arm_token(cli, err);

    if (token == NULL)
        return -1;
    member(&form, "grant_type", "access_token");
    member(&form, "service", service);
    member(&form, "access_token", token);
    if (trade(cli, "/oauth2/exchange", buf_view(&form), "refresh_token", &refresh, err) != 0)
        return -1;
    buf_clear(&form);
    member(&form, "grant_type", "refresh_token");
    member(&form, "service", service);
    member(&form, "scope", scope);
    member(&form, "refresh_token", refresh.p);
    return trade(cli, "/oauth2/token", buf_view(&form), "access_token", out, err);
}

static int
ask_registry(struct cli *cli, const char *service, const char *scope, const char *path,
             struct client_answer *answer, struct err *err)
{
    OWN_BUF(token, FORM_MAX);
    OWN_BUF(authorization, FORM_MAX + 16);
    struct client_request request = { .method = "GET", .host = service, .path = path };

    if (registry_token(cli, service, scope, &token, err) != 0)
        return -1;
    buf_printf(&authorization, "Bearer %s", token.p);
    request.authorization = authorization.p;
    if (client_ask(arm_client(cli, err), &request, answer, err) != 0)
        return -1;
    return answer->status != 200 ? client_refused(answer, err) : 0;
}

/* Pages of ACR lists are asked for by the last name of the page before. */
static int
gather(struct cli *cli, const char *service, const char *scope, const char *base, const char *key,
       const char *name, json_t *all, struct err *err)
{
    OWN_BUF(path, PATH_BYTES);
    OWN_ANSWER answer = { 0 };

    buf_printf(&path, "%s?n=100", base);
    for (;;) {
        const json_t *page, *last;

        if (buf_check(&path, err) != 0 ||
            ask_registry(cli, service, scope, path.p, &answer, err) != 0)
            return -1;
        page = json_object_get(answer.document, key);
        if (json_array_size(page) == 0)
            return 0;
        if (json_array_extend(all, (json_t *)(uintptr_t)page) != 0)
            return err_memory(err);
        if (json_array_size(page) < 100)
            return 0;
        last = json_array_get(page, json_array_size(page) - 1);
        buf_clear(&path);
        buf_printf(&path, "%s?n=100&last=", base);
        url_encode_query(&path, json_text(name != NULL ? json_object_get(last, name) : last));
    }
}

static int
repository_list(struct cli *cli, struct err *err)
{
    OWN_BUF(service, PATH_BYTES);
    OWN_JSON all = json_array();

    if (find_login_server(cli, &service, err) != 0 ||
        gather(cli, service.p, "registry:catalog:*", "/acr/v1/_catalog", "repositories", NULL, all,
               err) != 0)
        return -1;
    return cli_print(cli, all, name_columns, err);
}

static int
show_tags(struct cli *cli, struct err *err)
{
    const char *repository = arguments_need(&cli->arguments, "repository", err);
    OWN_BUF(service, PATH_BYTES);
    OWN_BUF(scope, PATH_BYTES);
    OWN_BUF(base, PATH_BYTES);
    OWN_JSON all = json_array();
    OWN_JSON names = json_array();

    if (repository == NULL || find_login_server(cli, &service, err) != 0)
        return -1;
    buf_printf(&scope, "repository:%s:metadata_read", repository);
    buf_printf(&base, "/acr/v1/%s/_tags", repository);
    if (buf_check(&base, err) != 0 ||
        gather(cli, service.p, scope.p, base.p, "tags", "name", all, err) != 0)
        return -1;
    if (arguments_has(&cli->arguments, "detail") || cli->format == OUTPUT_TABLE)
        return cli_print(cli, all, tag_columns, err);
    for (size_t i = 0; i < json_array_size(all); i++)
        if (json_array_append(names, json_object_get(json_array_get(all, i), "name")) != 0)
            return err_memory(err);
    return cli_print(cli, names, name_columns, err);
}

static const struct argument registry_arguments[] = {
    { "name", 'n', ARGUMENT_VALUE, "REGISTRY", "the registry (default: the only one)" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};

static const struct argument tag_arguments[] = {
    { "name", 'n', ARGUMENT_VALUE, "REGISTRY", "the registry (default: the only one)" },
    { "repository", 0, ARGUMENT_VALUE, "NAME", "whose tags: \"app/web\"" },
    { "detail", 0, ARGUMENT_FLAG, NULL, "digests and times, not only names" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};

const struct verb verbs_acr[] = {
    { "acr list", "the registries", "  holdfast acr list\n", NULL, list },
    { "acr repository list", "the repositories of a registry",
      "  holdfast acr repository list -n holdfast\n", registry_arguments, repository_list },
    { "acr repository show-tags", "the tags of a repository",
      "  holdfast acr repository show-tags -n holdfast --repository app/web\n", tag_arguments,
      show_tags },
    { NULL, NULL, NULL, NULL, NULL },
};
