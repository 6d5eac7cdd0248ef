/* login, logout, account show */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/arm.h"
#include "wire/json.h"
#include "wire/url.h"

#define FORM_MAX      ((size_t)16 * 1024)
#define PASSWORD_MAX  ((size_t)4096)
#define BOOTSTRAP_MAX ((size_t)64 * 1024)
#define PUBLIC_CLIENT "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

/* What a login is made with. */
struct credentials {
    char server[512];
    char ca[4096];
    char user[512]; /* user name, or application id */
    bool principal;
    struct buf password;
};

static int
take_absolute(const char *path, char *out, size_t cap, struct err *err)
{
    char full[PATH_MAX];
    bool fits = realpath(path, full) != NULL && text_copy(text_of(full), out, cap);

    return fits ? 0 : err_code(err, ERR_INVALID, CLI_USAGE, "there is no file %s", path);
}

/* DIR/bootstrap/admin.json, and DIR/tls/ca.pem beside it. */
static int
read_bootstrap(const char *path, struct credentials *c, struct err *err)
{
    OWN_BUF(bytes, BOOTSTRAP_MAX);
    OWN_BUF(ca, 4096);
    OWN_JSON document = NULL;
    struct text server, user, password;
    const char *slash = strrchr(path, '/');
    int rc = file_read(AT_FDCWD, path, &bytes, err);

    if (rc != 0)
        return rc < 0 ? -1 : err_code(err, ERR_INVALID, CLI_USAGE, "there is no file %s", path);
    if ((document = json_read(buf_view(&bytes), err)) == NULL)
        return -1;
    mem_wipe(bytes.p, bytes.n);
    if (json_need_text(document, "loginServer", &server, err) != 0 ||
        json_need_text(document, c->principal ? "clientId" : "username", &user, err) != 0 ||
        json_need_text(document, c->principal ? "clientSecret" : "password", &password, err) != 0)
        return err_note(err, "%s", path);
    (void)snprintf(c->server, sizeof(c->server), "https://%.*s", TEXT_ARG(server));
    (void)text_copy(user, c->user, sizeof(c->user));
    buf_text(&c->password, password);
    buf_printf(&ca, "%.*s/../tls/ca.pem", (int)(slash != NULL ? slash - path : 1),
               slash != NULL ? path : ".");
    if (c->ca[0] == '\0' && access(ca.p, R_OK) == 0)
        return take_absolute(ca.p, c->ca, sizeof(c->ca), err);
    return 0;
}

static int
read_line(struct buf *out, struct err *err)
{
    char c;
    ssize_t n;

    while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
        buf_char(out, c);
    if (n < 0)
        return err_sys(err, errno, "cannot read the password");
    if (out->n > 0 && out->p[out->n - 1] == '\r')
        out->n--;
    return buf_check(out, err);
}

static int
ask_password(const struct credentials *c, struct buf *out, struct err *err)
{
    struct termios old, quiet;
    int rc;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &old) != 0)
        return err_code(err, ERR_INVALID, CLI_USAGE,
                        "there is no terminal to ask for the password: use --password-stdin");
    (void)fprintf(stderr, "Password of %s: ", c->user);
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    rc = read_line(out, err);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    (void)fputc('\n', stderr);
    return rc;
}

static int
read_password(struct cli *cli, struct credentials *c, struct err *err)
{
    const char *given = arguments_get(&cli->arguments, "password");

    if (given != NULL) {
        cli_say("WARNING: -p shows the password in the list of processes and in your shell's"
                " history; use --password-stdin.");
        buf_str(&c->password, given);
        return buf_check(&c->password, err);
    }
    if (arguments_has(&cli->arguments, "password-stdin"))
        return read_line(&c->password, err);
    return ask_password(c, &c->password, err);
}

static int
read_credentials(struct cli *cli, struct credentials *c, struct err *err)
{
    const char *server = arguments_get(&cli->arguments, "server");
    const char *bootstrap = arguments_get(&cli->arguments, "bootstrap");
    const char *user = arguments_get(&cli->arguments, "username");
    const char *ca = arguments_get(&cli->arguments, "ca");

    c->principal = arguments_has(&cli->arguments, "service-principal");
    if (ca == NULL)
        ca = getenv("HOLDFAST_CA");
    if (ca != NULL && ca[0] != '\0' && take_absolute(ca, c->ca, sizeof(c->ca), err) != 0)
        return -1;
    if (bootstrap != NULL && read_bootstrap(bootstrap, c, err) != 0)
        return -1;
    if (server == NULL && c->server[0] == '\0')
        server = "https://localhost:8443";
    if (server != NULL && strstr(server, "://") == NULL)
        (void)snprintf(c->server, sizeof(c->server), "https://%s", server);
    else if (server != NULL)
        (void)text_copy(text_of(server), c->server, sizeof(c->server));
    if (c->server[0] != '\0' && c->server[strlen(c->server) - 1] == '/')
        c->server[strlen(c->server) - 1] = '\0';
    if (bootstrap != NULL)
        return 0;
    if (user == NULL || !text_copy(text_of(user), c->user, sizeof(c->user)))
        return err_code(err, ERR_INVALID, CLI_USAGE,
                        "--username (-u) is needed, or --bootstrap FILE");
    return read_password(cli, c, err);
}

static void
member(struct buf *form, const char *name, struct text value)
{
    buf_printf(form, "%s%s=", form->n > 0 ? "&" : "", name);
    url_encode_query(form, value);
}

static int
sign_in(struct cli *cli, const struct credentials *c, struct err *err)
{
    OWN_BUF(form, FORM_MAX);
    int rc;

    member(&form, "grant_type", c->principal ? TEXT("client_credentials") : TEXT("password"));
    member(&form, "client_id", c->principal ? text_of(c->user) : TEXT(PUBLIC_CLIENT));
    if (!c->principal)
        member(&form, "username", text_of(c->user));
    member(&form, c->principal ? "client_secret" : "password", buf_view(&c->password));
    member(&form, "scope", text_of(c->server));
    buf_printf(&form, "/.default%s", c->principal ? "" : "+offline_access+openid+profile");
    rc = buf_check(&form, err) != 0 ? -1 : arm_sign_in(cli, buf_view(&form), err);
    mem_wipe(form.p, form.n);
    return rc;
}

/* The subscription and tenant that this caller sees. */
static int
find_subscription(struct cli *cli, struct err *err)
{
    OWN_JSON list = NULL;
    struct text id, tenant;

    if (arm_list(cli, "/subscriptions", ARM_SUBSCRIPTIONS, &list, err) != 0)
        return -1;
    if (json_array_size(list) == 0)
        return err_set(err, ERR_DENIED,
                       "the login is right, but no role is assigned to it: an Owner can run"
                       " holdfast role assignment create");
    if (json_need_text(json_array_get(list, 0), "subscriptionId", &id, err) != 0 ||
        json_want_text(json_array_get(list, 0), "tenantId", TEXT(""), &tenant, err) != 0)
        return -1;
    return json_object_set_new(cli->session.document, "subscriptionId", json_from(id)) != 0 ||
                   json_object_set_new(cli->session.document, "tenantId", json_from(tenant)) != 0
               ? err_memory(err)
               : 0;
}

static int
begin_session(struct cli *cli, const struct credentials *c, struct err *err)
{
    json_t *s = json_object();

    session_done(&cli->session);
    cli->session.document = s;
    if (json_object_set_new(s, "server", json_string(c->server)) != 0 ||
        (c->ca[0] != '\0' && json_object_set_new(s, "ca", json_string(c->ca)) != 0) ||
        json_object_set_new(s, "user", json_string(c->user)) != 0 ||
        json_object_set_new(s, "kind", json_string(c->principal ? "servicePrincipal" : "user")) !=
            0)
        return err_memory(err);
    if (c->principal &&
        (json_object_set_new(s, "clientId", json_string(c->user)) != 0 ||
         json_object_set_new(s, "clientSecret", json_from(buf_view(&c->password))) != 0))
        return err_memory(err);
    return 0;
}

static json_t *
account_of(const struct cli *cli)
{
    const struct session *s = &cli->session;

    return json_pack("{s:s?, s:s?, s:s?, s:{s:s?, s:s?}}", "server", session_get(s, "server"), "id",
                     session_get(s, "subscriptionId"), "tenantId", session_get(s, "tenantId"),
                     "user", "name", session_get(s, "user"), "type", session_get(s, "kind"));
}

static const struct column account_columns[] = {
    { "Server", "server" },     { "User", "user.name" }, { "Type", "user.type" },
    { "SubscriptionId", "id" }, { NULL, NULL },
};

static int
log_in(struct cli *cli, struct err *err)
{
    struct credentials c = { .password = { .max = PASSWORD_MAX } };
    OWN_JSON account = NULL;
    int rc = read_credentials(cli, &c, err);

    if (rc == 0)
        rc = begin_session(cli, &c, err);
    if (rc == 0)
        rc = sign_in(cli, &c, err);
    if (rc == 0)
        rc = find_subscription(cli, err);
    if (rc == 0)
        rc = session_store(&cli->session, err);
    if (c.password.p != NULL)
        mem_wipe(c.password.p, c.password.n);
    buf_done(&c.password);
    if (rc != 0)
        return -1;
    account = account_of(cli);
    return cli_print(cli, account, account_columns, err);
}

static int
log_out(struct cli *cli, struct err *err)
{
    int rc = session_forget(err);

    (void)cli;
    if (rc == 1)
        cli_say("nobody was logged in");
    return rc < 0 ? -1 : 0;
}

static int
show(struct cli *cli, struct err *err)
{
    OWN_JSON account = account_of(cli);

    if (cli->session.document == NULL)
        return err_set(err, ERR_UNAUTHENTICATED, "nobody is logged in; run: holdfast login");
    return cli_print(cli, account, account_columns, err);
}

static const struct argument login_arguments[] = {
    { "username", 'u', ARGUMENT_VALUE, "NAME", "user name, or application id" },
    { "password", 'p', ARGUMENT_VALUE, "PASSWORD", "better: --password-stdin" },
    { "password-stdin", 0, ARGUMENT_FLAG, NULL, "read the password from standard input" },
    { "service-principal", 0, ARGUMENT_FLAG, NULL, "log in as an application" },
    { "tenant", 't', ARGUMENT_VALUE, "ID", "as az; a server has one tenant" },
    { "bootstrap", 0, ARGUMENT_VALUE, "FILE", "DIR/bootstrap/admin.json of the first start" },
    { NULL, 0, ARGUMENT_FLAG, NULL, NULL },
};

const struct verb verbs_account[] = {
    { "login", "log in to a server",
      "  sudo holdfast login --bootstrap /var/lib/holdfast/bootstrap/admin.json\n"
      "  holdfast login --server https://localhost:8443 -u admin --password-stdin --ca ca.pem\n",
      login_arguments, log_in },
    { "logout", "forget the stored login", "  holdfast logout\n", NULL, log_out },
    { "account show", "who is logged in where", "  holdfast account show -o json\n", NULL, show },
    { NULL, NULL, NULL, NULL, NULL },
};
