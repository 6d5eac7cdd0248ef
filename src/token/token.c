#include "token/token.h"

#include <string.h>

#include "base/mem.h"
#include "token/token_priv.h"
#include "wire/json.h"

#define OCI(method, pattern, handler, max)                                                         \
    {                                                                                              \
        HTTP_##method, pattern, ACTION_PUBLIC, DIALECT_OCI, handler, ROUTE_DECIDES, max            \
    }
#define LOGIN(method, pattern, handler, flags, max)                                                \
    {                                                                                              \
        HTTP_##method, pattern, ACTION_PUBLIC, DIALECT_OAUTH, handler, flags, max                  \
    }

const struct route token_routes[] = {
    OCI(GET, "/oauth2/token", token_registry_get, 0),
    OCI(POST, "/oauth2/token", token_registry_post, TOKEN_FORM_MAX),
    OCI(POST, "/oauth2/exchange", token_registry_exchange, TOKEN_FORM_MAX),

    LOGIN(GET, "/adfs/.well-known/openid-configuration", token_login_configuration, ROUTE_QUICK, 0),
    LOGIN(GET, "/adfs/discovery/keys", token_login_keys, ROUTE_QUICK, 0),
    LOGIN(POST, "/adfs/oauth2/token", token_login_post, ROUTE_DECIDES, TOKEN_FORM_MAX),

    LOGIN(GET, "/{tenant}/v2.0/.well-known/openid-configuration", token_login_configuration,
          ROUTE_QUICK, 0),
    LOGIN(GET, "/{tenant}/discovery/v2.0/keys", token_login_keys, ROUTE_QUICK, 0),
    LOGIN(POST, "/{tenant}/oauth2/v2.0/token", token_login_post, ROUTE_DECIDES, TOKEN_FORM_MAX),
    LOGIN(POST, "/{tenant}/oauth2/token", token_login_post, ROUTE_DECIDES, TOKEN_FORM_MAX),

    { HTTP_GET, NULL, NULL, DIALECT_OAUTH, NULL, 0, 0 },
};

struct token {
    struct dialect dialect;
    char scope[64]; /* what a sign-in is about, for the record */
};

/* ---- the OAuth dialect ---- */

static int
address(void *room, struct exchange *x, struct err *err)
{
    const struct token *t = room;

    (void)err;
    x->scope = text_of(t->scope);
    return 0;
}

/* RFC 6749 section 5.2, where the row did not choose a word itself. */
static const char *
word_of_kind(enum err_kind kind)
{
    switch (kind) {
    case ERR_UNAUTHENTICATED: return "invalid_client";
    case ERR_DENIED: return "unauthorized_client";
    case ERR_BUSY: return "slow_down";
    case ERR_NO_SPACE:
    case ERR_CORRUPT:
    case ERR_IO: return "server_error";
    case ERR_OK:
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_PRECONDITION:
    case ERR_TOO_LARGE:
    case ERR_UNSUPPORTED:
    case ERR_RANGE:
    case ERR_TIMEOUT:
    case ERR_CLOSED: return "invalid_request";
    }
    return "invalid_request";
}

/* Words of other dialects (UNAUTHORIZED) are not OAuth's. */
static const char *
word_of(const struct err *err)
{
    if (err->code != NULL && err->code[0] >= 'a' && err->code[0] <= 'z')
        return err->code;
    return word_of_kind(err->kind);
}

static void
refuse(void *room, struct exchange *x, const struct err *err)
{
    const char *word = word_of(err);
    OWN_JSON document = json_pack("{s:s,s:s,s:s}", "error", word, "error_description", err->msg,
                                  "correlation_id", x->request_id);

    (void)room;
    /* 401 is for clients, 400 for what they hand in. */
    if (strcmp(word, "invalid_grant") == 0)
        x->answer.status = 400;
    else if (err->kind == ERR_UNAUTHENTICATED)
        answer_field(x, "WWW-Authenticate", TEXT("Basic realm=\"login\""));
    answer_field(x, "Cache-Control", TEXT("no-store"));
    answer_document(x, document);
}

struct token *
token_open(const struct exchange_world *world, struct err *err)
{
    struct token *t = mem_zalloc(sizeof(*t));
    const char *parts[] = { "/tenants/", world->tenant_id };
    OWN_BUF(scope, sizeof(t->scope));

    if (t == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < 2; i++)
        buf_str(&scope, parts[i]);
    (void)text_copy(buf_view(&scope), t->scope, sizeof(t->scope));
    t->dialect = (struct dialect){
        .room = t, .address = address, .refuse = refuse, .audience = AUDIENCE_MANAGEMENT
    };
    return t;
}

void
token_free(struct token *token)
{
    mem_free(token);
}

const struct dialect *
token_dialect(struct token *token)
{
    return &token->dialect;
}

/* ---- shared by the rows ---- */

int
token_form(struct exchange *x, struct url_query *out, struct err *err)
{
    struct text body;

    if (exchange_body(x, &body, err) < 0 || url_query_parse(body, x->arena, true, out, err) < 0)
        return -1;
    /* For the decision record: who is said to ask, and that it was no mere question. */
    x->presented = x->presented || token_form_get(out, "grant_type").n > 0;
    x->target = text_first(token_form_get(out, "username"), TOKEN_TARGET_MAX);
    if (x->target.n == 0)
        x->target = text_first(token_form_get(out, "client_id"), TOKEN_TARGET_MAX);
    return 0;
}

struct text
token_form_get(const struct url_query *form, const char *name)
{
    struct text value = TEXT("");

    (void)url_query_get(form, name, 0, &value);
    return value;
}

int
token_answer(struct exchange *x, const json_t *document, struct err *err)
{
    answer_status(x, 200);
    answer_field(x, "Cache-Control", TEXT("no-store"));
    answer_document(x, document);
    return x->answer.broken ? err_memory(err) : 0;
}
