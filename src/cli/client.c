#include "cli/client.h"

#include <curl/curl.h>
#include <string.h>

#include "base/mem.h"
#include "cli/screen.h"
#include "wire/json.h"

#define CONNECT_SECONDS 20L

struct client {
    CURL *curl;
    char *server;
    char *ca;
    char problem[CURL_ERROR_SIZE];
};

struct client *
client_new(const char *server, const char *ca, struct err *err)
{
    OWN(client) c = mem_zalloc(sizeof(*c));

    if (c == NULL || (c->server = mem_text(server)) == NULL ||
        (ca != NULL && (c->ca = mem_text(ca)) == NULL) || (c->curl = curl_easy_init()) == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    if (!text_starts(text_of(server), "https://")) {
        (void)err_code(err, ERR_INVALID, "Usage",
                       "the server must be an https:// address (--server https://localhost:8443)");
        return NULL;
    }
    return GIVE(c);
}

void
client_free(struct client *c)
{
    if (c == NULL)
        return;
    if (c->curl != NULL)
        curl_easy_cleanup(c->curl);
    mem_free(c->server);
    mem_free(c->ca);
    mem_free(c);
}

void
client_answer_done(struct client_answer *a)
{
    buf_done(&a->body);
    json_decref(a->document);
    a->document = NULL;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
    struct client_answer *a = arg;

    buf_add(&a->body, p, size * n);
    return buf_failed(&a->body) ? 0 : size * n;
}

static int
tick(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    progress_tick(arg);
    return 0;
}

static struct curl_slist *
fields_of(const struct client_request *r)
{
    OWN_BUF(line, 65536);
    struct curl_slist *list = NULL;

    if (r->authorization != NULL) {
        buf_printf(&line, "Authorization: %s", r->authorization);
        list = curl_slist_append(list, line.p);
        buf_clear(&line);
    }
    if (r->host != NULL) {
        buf_printf(&line, "Host: %s", r->host);
        list = curl_slist_append(list, line.p);
        buf_clear(&line);
    }
    if (r->content_type != NULL) {
        buf_printf(&line, "Content-Type: %s", r->content_type);
        list = curl_slist_append(list, line.p);
    }
    return curl_slist_append(list, "Expect:");
}

static void
set_request(struct client *c, const struct client_request *r, const char *url,
            struct client_answer *out, struct progress *progress)
{
    CURL *h = c->curl;

    curl_easy_reset(h);
    (void)curl_easy_setopt(h, CURLOPT_URL, url);
    (void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method);
    (void)curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    (void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(h, CURLOPT_USERAGENT, "holdfast/" HOLDFAST_VERSION);
    (void)curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->problem);
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, out);
    (void)curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, tick);
    (void)curl_easy_setopt(h, CURLOPT_XFERINFODATA, progress);
    (void)curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    if (c->ca != NULL)
        (void)curl_easy_setopt(h, CURLOPT_CAINFO, c->ca);
    if (r->body.p != NULL) {
        (void)curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        (void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body.p);
    } else if (strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0) {
        (void)curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        (void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, "");
    }
}

static int
failed(const struct client *c, CURLcode code, struct err *err)
{
    const char *what = c->problem[0] != '\0' ? c->problem : curl_easy_strerror(code);

    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return err_set(err, ERR_DENIED,
                       "%s is not trusted: %.120s; give its CA with --ca (DIR/tls/ca.pem)",
                       c->server, what);
    if (code == CURLE_COULDNT_CONNECT)
        return err_set(err, ERR_CLOSED, "nothing answers at %s: %.100s; is holdfastd running?",
                       c->server, what);
    return err_set(err, ERR_IO, "cannot talk to %s: %.160s", c->server, what);
}

int
client_ask(struct client *c, const struct client_request *r, struct client_answer *out,
           struct err *err)
{
    OWN_BUF(url, 65536);
    struct progress progress;
    struct curl_slist *fields = fields_of(r);
    struct err ignored = { 0 };
    long status = 0;
    CURLcode code;

    client_answer_done(out);
    out->body.max = CLIENT_ANSWER_MAX;
    buf_printf(&url, "%s%s", c->server, r->path);
    if (buf_failed(&url)) {
        curl_slist_free_all(fields);
        return err_set(err, ERR_INVALID, "the address is too long");
    }
    progress_begin(&progress, r->doing != NULL ? r->doing : "waiting for the server");
    set_request(c, r, url.p, out, &progress);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, fields);
    c->problem[0] = '\0';
    code = curl_easy_perform(c->curl);
    progress_end(&progress);
    curl_slist_free_all(fields);
    if (code != CURLE_OK)
        return failed(c, code, err);
    (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    out->status = (int)status;
    out->document = out->body.n > 0 ? json_read(buf_view(&out->body), &ignored) : NULL;
    return 0;
}

static enum err_kind
kind_of(int status)
{
    switch (status) {
    case 400: return ERR_INVALID;
    case 401: return ERR_UNAUTHENTICATED;
    case 403: return ERR_DENIED;
    case 404: return ERR_NOT_FOUND;
    case 409: return ERR_CONFLICT;
    case 412: return ERR_PRECONDITION;
    case 413: return ERR_TOO_LARGE;
    case 429:
    case 503: return ERR_BUSY;
    default: return ERR_IO;
    }
}

/* ARM: {"error": {code, message}}; registry: {"errors": [{...}]}; OAuth: error, error_description.
 */
int
client_refused(const struct client_answer *a, struct err *err)
{
    OWN_BUF(clean, 1024);
    const json_t *error = json_object_get(a->document, "error");
    const json_t *first = json_array_get(json_object_get(a->document, "errors"), 0);
    struct text message = json_text(json_object_get(error, "message"));
    struct text code = json_text(json_object_get(error, "code"));

    if (message.p == NULL) {
        message = json_text(json_object_get(first, "message"));
        code = json_text(json_object_get(first, "code"));
    }
    if (message.p == NULL) {
        message = json_text(json_object_get(a->document, "error_description"));
        code = json_text(error);
    }
    if (message.p == NULL)
        return err_set(err, kind_of(a->status), "the server answered %d", a->status);
    screen_clean(&clean, text_first(message, 240), false);
    return err_set(err, kind_of(a->status), "(%.*s) %.*s", TEXT_ARG(text_first(code, 60)),
                   TEXT_ARG(buf_view(&clean)));
}
