#include "cli/arm.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/json.h"
#include "wire/url.h"

#define PATH_MAX_BYTES ((size_t)16 * 1024)
#define BODY_MAX       ((size_t)4 * 1024 * 1024)
#define RENEW_EARLY_S  60
#define POLL_FIRST_MS  20
#define POLL_MS        500
#define WAIT_US        ((int64_t)30 * 60 * 1000000)
#define TOKEN_PATH     "/adfs/oauth2/token"
#define PUBLIC_CLIENT  "04b07795-8ddb-461a-bbee-02f9e1bf7b46" /* az's own: no secret */

struct client *
arm_client(struct cli *cli, struct err *err)
{
    const char *server = arguments_get(&cli->arguments, "server");
    const char *ca = arguments_get(&cli->arguments, "ca");

    if (cli->client != NULL)
        return cli->client;
    if (server == NULL)
        server = session_get(&cli->session, "server");
    if (ca == NULL)
        ca = getenv("HOLDFAST_CA");
    if (ca == NULL || ca[0] == '\0')
        ca = session_get(&cli->session, "ca");
    if (server == NULL) {
        (void)err_set(err, ERR_UNAUTHENTICATED,
                      "nobody is logged in; run: holdfast login --bootstrap"
                      " /var/lib/holdfast/bootstrap/admin.json");
        return NULL;
    }
    cli->client = client_new(server, ca, err);
    return cli->client;
}

static int
keep_tokens(struct cli *cli, const json_t *answer, struct err *err)
{
    json_t *session = cli->session.document;
    int64_t lifetime = 3600;
    struct text access, refresh;

    if (json_need_text(answer, "access_token", &access, err) != 0 ||
        json_want_text(answer, "refresh_token", (struct text){ NULL, 0 }, &refresh, err) != 0)
        return err_note(err, "token endpoint");
    if (json_is_integer(json_object_get(answer, "expires_in")))
        lifetime = json_integer_value(json_object_get(answer, "expires_in"));
    if (json_object_set_new(session, "accessToken", json_from(access)) != 0 ||
        json_object_set_new(session, "expiresAt",
                            json_integer(clock_now_us() / 1000000 + lifetime)) != 0 ||
        (refresh.p != NULL &&
         json_object_set_new(session, "refreshToken", json_from(refresh)) != 0))
        return err_memory(err);
    return 0;
}

int
arm_sign_in(struct cli *cli, struct text form, struct err *err)
{
    OWN_ANSWER answer = { 0 };
    struct client *client = arm_client(cli, err);
    struct client_request request = {
        .method = "POST",
        .path = TOKEN_PATH,
        .content_type = "application/x-www-form-urlencoded",
        .body = form,
        .doing = "signing in",
    };

    if (client == NULL || client_ask(client, &request, &answer, err) != 0)
        return -1;
    if (answer.status != 200)
        return client_refused(&answer, err);
    return keep_tokens(cli, answer.document, err);
}

static void
member(struct buf *form, const char *name, const char *value)
{
    if (form->n > 0)
        buf_char(form, '&');
    buf_printf(form, "%s=", name);
    url_encode_query(form, text_of(value));
}

/* With what the session keeps: a refresh token, or the secret of a service principal. */
static int
renew(struct cli *cli, struct err *err)
{
    OWN_BUF(form, PATH_MAX_BYTES);
    const char *refresh = session_get(&cli->session, "refreshToken");
    const char *secret = session_get(&cli->session, "clientSecret");
    int rc;

    if (secret != NULL) {
        member(&form, "grant_type", "client_credentials");
        member(&form, "client_id", session_get(&cli->session, "clientId"));
        member(&form, "client_secret", secret);
    } else if (refresh != NULL) {
        member(&form, "grant_type", "refresh_token");
        member(&form, "client_id", PUBLIC_CLIENT);
        member(&form, "refresh_token", refresh);
    } else {
        return err_set(err, ERR_UNAUTHENTICATED, "the login has expired; run: holdfast login");
    }
    buf_printf(&form, "&scope=");
    url_encode_query(&form, text_of(session_get(&cli->session, "server")));
    buf_str(&form, "/.default");
    rc = arm_sign_in(cli, buf_view(&form), err);
    mem_wipe(form.p, form.n);
    if (rc != 0)
        return err->kind == ERR_CLOSED ? -1 : err_note(err, "renewing the login");
    return session_store(&cli->session, err);
}

const char *
arm_token(struct cli *cli, struct err *err)
{
    const char *token = session_get(&cli->session, "accessToken");

    if (token == NULL) {
        (void)err_set(err, ERR_UNAUTHENTICATED, "nobody is logged in; run: holdfast login");
        return NULL;
    }
    if (session_expiry(&cli->session) - RENEW_EARLY_S > clock_now_us() / 1000000)
        return token;
    return renew(cli, err) != 0 ? NULL : session_get(&cli->session, "accessToken");
}

static int
ask_once(struct cli *cli, struct client_request *request, struct client_answer *out,
         struct err *err)
{
    OWN_BUF(authorization, PATH_MAX_BYTES * 2);
    struct client *client = arm_client(cli, err);
    const char *token = client != NULL ? arm_token(cli, err) : NULL;

    if (token == NULL)
        return -1;
    buf_printf(&authorization, "Bearer %s", token);
    request->authorization = authorization.p;
    return buf_check(&authorization, err) != 0 ? -1 : client_ask(client, request, out, err);
}

int
arm_ask(struct cli *cli, const char *method, const char *path, const char *version,
        const json_t *body, struct client_answer *out, struct err *err)
{
    OWN_BUF(full, PATH_MAX_BYTES);
    OWN_BUF(bytes, BODY_MAX);
    struct client_request request = { .method = method };

    buf_printf(&full, "%s%sapi-version=%s", path, strchr(path, '?') != NULL ? "&" : "?", version);
    if (buf_check(&full, err) != 0)
        return -1;
    request.path = full.p;
    if (body != NULL) {
        if (json_print(body, &bytes, err) != 0)
            return -1;
        request.body = buf_view(&bytes);
        request.content_type = "application/json";
    }
    if (ask_once(cli, &request, out, err) != 0)
        return -1;
    return out->status >= 300 ? client_refused(out, err) : 0;
}

/* nextLink is an absolute address: only its path is followed, on the server we know. */
int
arm_follow(struct text link, struct buf *path, struct err *err)
{
    struct text rest, pair;
    ptrdiff_t at;
    bool first = true;

    buf_clear(path);
    if (!text_starts(link, "https://") || (at = text_find(text_after(link, 8), '/')) < 0)
        return err_set(err, ERR_IO, "the server sent a link that leads nowhere");
    rest = text_after(link, 8 + (size_t)at);
    if (!text_cut(&rest, '?', &pair))
        return err_set(err, ERR_IO, "the server sent a link that leads nowhere");
    buf_text(path, pair);
    while (rest.p != NULL && text_cut(&rest, '&', &pair)) {
        if (text_starts_nocase(pair, "api-version=")) /* arm_ask() adds it */
            continue;
        buf_char(path, first ? '?' : '&');
        buf_text(path, pair);
        first = false;
    }
    return buf_check(path, err);
}

int
arm_list(struct cli *cli, const char *path, const char *version, json_t **out, struct err *err)
{
    OWN_JSON all = json_array();
    OWN_BUF(next, PATH_MAX_BYTES);
    OWN_ANSWER answer = { 0 };
    struct text link;

    buf_str(&next, path);
    for (;;) {
        if (buf_check(&next, err) != 0 ||
            arm_ask(cli, "GET", next.p, version, NULL, &answer, err) != 0)
            return -1;
        if (json_array_extend(all, json_object_get(answer.document, "value")) != 0)
            return err_set(err, ERR_IO, "the server's answer is not a list");
        link = json_text(json_object_get(answer.document, "nextLink"));
        if (link.p == NULL || link.n == 0)
            break;
        if (arm_follow(link, &next, err) != 0)
            return -1;
    }
    *out = GIVE(all);
    return 0;
}

int
arm_subscription(struct cli *cli, struct buf *out, struct err *err)
{
    const char *id = session_get(&cli->session, "subscriptionId");

    if (id == NULL)
        return err_set(err, ERR_UNAUTHENTICATED, "nobody is logged in; run: holdfast login");
    buf_str(out, "/subscriptions/");
    url_encode_segment(out, text_of(id));
    return 0;
}

int
arm_path(struct cli *cli, const char *type, const char *name, struct buf *out, struct err *err)
{
    const char *group = arguments_get(&cli->arguments, "resource-group");

    if (arm_subscription(cli, out, err) != 0)
        return -1;
    buf_str(out, "/resourceGroups/");
    url_encode_segment(out, text_of(group != NULL ? group : "default"));
    buf_printf(out, "/providers/%s", type);
    if (name != NULL) {
        buf_char(out, '/');
        url_encode_segment(out, text_of(name));
    }
    return buf_check(out, err);
}

static void
sleep_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&t, NULL);
}

static bool
is_final(const struct client_answer *answer)
{
    struct text state;
    struct err err = { 0 };

    if (json_want_text(answer->document, "properties.provisioningState", TEXT("Succeeded"), &state,
                       &err) != 0)
        return true;
    return text_is(state, "Succeeded") || text_is(state, "Failed") || text_is(state, "Canceled");
}

int
arm_wait(struct cli *cli, const char *path, const char *version, struct client_answer *answer,
         struct err *err)
{
    int64_t ends = clock_mono_us() + WAIT_US;
    struct progress progress;
    long pause = POLL_FIRST_MS;
    int rc = 0;

    progress_begin(&progress, "waiting for the server's work");
    while (!is_final(answer) && rc == 0) {
        sleep_ms(pause);
        pause = pause * 2 < POLL_MS ? pause * 2 : POLL_MS;
        progress_tick(&progress);
        if (clock_mono_us() > ends)
            rc = err_set(err, ERR_TIMEOUT,
                         "it takes longer than half an hour; look again with show");
        else
            rc = arm_ask(cli, "GET", path, version, NULL, answer, err);
    }
    progress_end(&progress);
    return rc;
}

int
arm_wait_gone(struct cli *cli, const char *path, const char *version, struct err *err)
{
    int64_t ends = clock_mono_us() + WAIT_US;
    struct progress progress;
    long pause = POLL_FIRST_MS;

    progress_begin(&progress, "waiting until it is gone");
    for (;;) {
        OWN_ANSWER answer = { 0 };
        struct err gone = { 0 };

        if (arm_ask(cli, "GET", path, version, NULL, &answer, &gone) != 0) {
            progress_end(&progress);
            return gone.kind == ERR_NOT_FOUND ? 0 : (*err = gone, -1);
        }
        if (clock_mono_us() > ends)
            return err_set(err, ERR_TIMEOUT, "it is still being deleted");
        sleep_ms(pause);
        pause = pause * 2 < POLL_MS ? pause * 2 : POLL_MS;
        progress_tick(&progress);
    }
}
