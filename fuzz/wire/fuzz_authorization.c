/* Credentials that parse are, put together again, the bytes that came (Z1, Z3). */
#include "../property.h"
#include <string.h>

#include "base/buf.h"
#include "wire/authorization.h"
#include "wire/base64.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN_AUTHORIZATION a = { 0 };
    OWN_BUF(both, AUTHORIZATION_MAX);
    OWN_BUF(b, 2 * AUTHORIZATION_MAX);
    struct text value = text_from(data, n);
    struct err err = { 0 };

    if (authorization_parse(&a, value, &err) != 0) {
        PROPERTY(err.kind == ERR_UNAUTHENTICATED && a.password == NULL);
        return 0;
    }
    if (a.scheme == AUTHORIZATION_NONE)
        PROPERTY(n == 0);
    if (a.scheme == AUTHORIZATION_BEARER)
        PROPERTY(a.token.n > 0 && a.token.p + a.token.n <= value.p + n && a.password == NULL);
    if (a.scheme == AUTHORIZATION_BASIC) {
        PROPERTY(strchr(a.user, ':') == NULL && text_is_utf8(text_of(a.user)));
        buf_str(&both, a.user);
        buf_char(&both, ':');
        buf_text(&both, secret_view(a.password));
        base64_print(&b, BASE64_STANDARD, both.p, both.n);
        PROPERTY(text_ends(text_trim(value), b.p));
    }
    return 0;
}
