/*
 * client.h - HTTPS requests to one server, by libcurl.
 *
 * Invariants:
 *   H1  a certificate is always verified; there is no way to turn that off;
 *   H2  credentials go to the server that was named and are not sent on to where it redirects.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "cli/progress.h"

#define CLIENT_ANSWER_MAX ((size_t)256 * 1024 * 1024)

struct client;

/* client_new(server, ca, err): "https://host:port"; ${ca} NULL: the system's. */
MUST_CHECK struct client *client_new(const char *server, const char *ca, struct err *err);
void client_free(struct client *c);
DEFINE_OWN(client);

struct client_request {
    const char *method;
    const char *host;          /* another name of the same server: "holdfast.azurecr.localhost" */
    const char *path;          /* from "/" */
    const char *authorization; /* whole value of the field, or NULL */
    const char *content_type;  /* of body */
    struct text body;          /* p NULL: none */
    const char *doing;         /* for the progress line */
};

struct client_answer {
    int status;
    struct buf body;
    json_t *document; /* NULL when the body is not JSON */
};

#define OWN_ANSWER __attribute__((cleanup(client_answer_done))) struct client_answer
void client_answer_done(struct client_answer *a);

/* client_ask(c, request, out, err): any answer is 0; -1 when there was none, with the reason. */
MUST_CHECK int client_ask(struct client *c, const struct client_request *request,
                          struct client_answer *out, struct err *err);

/* client_refused(answer, err): -1 with what the server said, its kind by the status. */
int client_refused(const struct client_answer *answer, struct err *err);

#endif /* CLI_CLIENT_H */
