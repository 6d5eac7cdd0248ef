/* token_priv.h - what the two services of this room share. */
#ifndef TOKEN_TOKEN_PRIV_H
#define TOKEN_TOKEN_PRIV_H

#include "token/token.h"

route_handler token_registry_get;
route_handler token_registry_post;
route_handler token_registry_exchange;
route_handler token_login_configuration;
route_handler token_login_keys;
route_handler token_login_post;

#define TOKEN_TARGET_MAX 128 /* bytes of a claimed name that a record keeps */

/* token_form(x, out, err): the body as a form. */
MUST_CHECK int token_form(struct exchange *x, struct url_query *out, struct err *err);
struct text token_form_get(const struct url_query *form, const char *name); /* empty: not there */

/* token_answer(x, document, err): 200 with a document that carries a token (O3). */
MUST_CHECK int token_answer(struct exchange *x, const json_t *document, struct err *err);

#endif /* TOKEN_TOKEN_PRIV_H */
