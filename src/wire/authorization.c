#include "wire/authorization.h"

#include "wire/base64.h"
#include "wire/octet.h"

void
authorization_done(struct authorization *a)
{
    secret_free(a->password);
    *a = (struct authorization){ 0 };
}

static bool
is_user(struct text user)
{
    for (size_t i = 0; i < user.n; i++)
        if (octet_is_control(user.p[i]))
            return false;
    return user.n > 0 && user.n <= AUTHORIZATION_USER_MAX && text_is_utf8(user);
}

static int
read_basic(struct authorization *a, struct text t, struct err *err)
{
    OWN(secret) both = secret_new(NULL, base64_size(BASE64_STANDARD, t));
    struct text user, password;
    size_t n;

    if (both == NULL)
        return err_memory(err);
    if (!base64_parse(BASE64_STANDARD, t, secret_bytes(both), base64_size(BASE64_STANDARD, t), &n))
        return err_set(err, ERR_UNAUTHENTICATED, "the Basic credentials are not base64");
    password = secret_view(both);
    if (!text_cut(&password, ':', &user) || password.p == NULL || !is_user(user))
        return err_set(err, ERR_UNAUTHENTICATED, "the Basic credentials are not USER:PASSWORD");
    if ((a->password = secret_new(password.p, password.n)) == NULL)
        return err_memory(err);
    (void)text_copy(user, a->user, sizeof(a->user));
    a->scheme = AUTHORIZATION_BASIC;
    return 0;
}

/* token68: letters, digits, "-._~+/", then any number of "=" (RFC 9110, 11.2). */
static bool
is_token68(struct text t)
{
    size_t i = 0;

    while (i < t.n && (octet_is(t.p[i], OCTET_UNRESERVED) || t.p[i] == '+' || t.p[i] == '/'))
        i++;
    if (i == 0)
        return false;
    while (i < t.n && t.p[i] == '=')
        i++;
    return i == t.n;
}

/* What follows the scheme's name; p is NULL when it is another scheme. */
static struct text
after_scheme(struct text value, const char *scheme)
{
    struct text word;

    if (!text_cut(&value, ' ', &word) || value.p == NULL || !text_is_nocase(word, scheme))
        return (struct text){ NULL, 0 };
    return text_trim(value);
}

int
authorization_parse(struct authorization *out, struct text value, struct err *err)
{
    OWN_AUTHORIZATION a = { 0 };
    struct text basic = after_scheme(value, "Basic");
    struct text bearer = after_scheme(value, "Bearer");

    if (value.n > AUTHORIZATION_MAX)
        return err_set(err, ERR_UNAUTHENTICATED, "Authorization is longer than %zu bytes",
                       AUTHORIZATION_MAX);
    if (basic.p != NULL && read_basic(&a, basic, err) != 0)
        return -1;
    if (bearer.p != NULL) {
        if (!is_token68(bearer))
            return err_set(err, ERR_UNAUTHENTICATED, "the bearer token has characters of no token");
        a.scheme = AUTHORIZATION_BEARER;
        a.token = bearer;
    }
    if (value.n > 0 && a.scheme == AUTHORIZATION_NONE)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "Authorization is neither Basic nor Bearer with credentials");
    *out = a;
    a = (struct authorization){ 0 };
    return 0;
}
