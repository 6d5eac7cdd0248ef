#include "wire/jws.h"

#include "base/mem.h"
#include "wire/base64.h"

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

void
jws_done(struct jws *j)
{
    json_decref(j->header);
    json_decref(j->claims);
    *j = (struct jws){ 0 };
}

/* One part of the token: an object in JSON in base64url. */
static json_t *
read_part(struct text part, const char *name, struct err *err)
{
    OWN_MEM(char) bytes = mem_zalloc(base64_size(BASE64_URL, part));
    OWN_JSON tree = NULL;
    size_t n;

    if (bytes == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    if (!base64_parse(BASE64_URL, part, bytes, base64_size(BASE64_URL, part), &n)) {
        (void)err_set(err, ERR_INVALID, "the token's %s is not base64url", name);
        return NULL;
    }
    if ((tree = json_read(text_from(bytes, n), err)) == NULL)
        return NULL;
    if (!json_is_object(tree)) {
        (void)err_set(err, ERR_INVALID, "the token's %s is not a JSON object", name);
        return NULL;
    }
    return GIVE(tree);
}

static int
read_header(struct jws *j, struct err *err)
{
    if (json_need_text(j->header, "alg", &j->alg, err) != 0 ||
        json_want_text(j->header, "kid", (struct text){ NULL, 0 }, &j->kid, err) != 0 ||
        json_want_text(j->header, "typ", (struct text){ NULL, 0 }, &j->typ, err) != 0)
        return json_within(err, "token header");
    if (text_is_nocase(j->alg, "none"))
        return err_set(err, ERR_INVALID, "the token is not signed (\"alg\" is \"none\")");
    /* RFC 7515, 4.1.11: what we do not understand, and must, we refuse. */
    if (json_object_get(j->header, "crit") != NULL || json_object_get(j->header, "b64") != NULL)
        return err_set(err, ERR_UNSUPPORTED, "the token's header has \"crit\" or \"b64\"");
    return 0;
}

int
jws_parse(struct jws *out, struct text token, struct err *err)
{
    OWN_JWS j = { 0 };
    struct text rest = token, header, claims;

    if (token.n > JWS_TOKEN_MAX)
        return err_set(err, ERR_TOO_LARGE, "the token is longer than %zu bytes", JWS_TOKEN_MAX);
    if (!text_cut(&rest, '.', &header) || !text_cut(&rest, '.', &claims) || rest.n == 0)
        return err_set(err, ERR_INVALID, "the token is not HEADER.CLAIMS.SIGNATURE");
    j.signing_input = text_first(token, token.n - rest.n - 1);
    if (!base64_parse(BASE64_URL, rest, j.signature, sizeof(j.signature), &j.signature_n))
        return err_set(err, ERR_INVALID,
                       "the token's signature is not base64url of at most %d bytes",
                       JWS_SIGNATURE_MAX);
    if ((j.header = read_part(header, "header", err)) == NULL || read_header(&j, err) != 0 ||
        (j.claims = read_part(claims, "claims", err)) == NULL)
        return -1;
    *out = j;
    j = (struct jws){ 0 };
    return 0;
}

int
jws_time(const json_t *claims, const char *name, int64_t *out, struct err *err)
{
    const json_t *at = json_object_get(claims, name);
    double value;

    if (at == NULL)
        return 1;
    value = json_number_value(at);
    if (!json_is_number(at) || !(value >= 0 && value <= (double)LAST_SECOND))
        return json_refuse(err, name, "must be a time in seconds since 1970");
    *out = json_is_integer(at) ? json_integer_value(at) : (int64_t)value;
    return 0;
}

struct text
jws_claim(const json_t *claims, const char *name)
{
    return json_text(json_object_get(claims, name));
}

bool
jws_audience_has(const json_t *claims, struct text audience)
{
    const json_t *at = json_object_get(claims, "aud");
    const json_t *item;
    size_t i;

    if (json_is_string(at))
        return text_equal(json_text(at), audience);
    json_array_foreach(at, i, item) if (json_is_string(item) &&
                                        text_equal(json_text(item), audience)) return true;
    return false;
}

static int
print_part(struct buf *b, const json_t *part, struct err *err)
{
    OWN_BUF(text, JWS_TOKEN_MAX);

    if (json_print(part, &text, err) != 0)
        return -1;
    base64_print(b, BASE64_URL, text.p, text.n);
    return 0;
}

int
jws_print(struct buf *b, const json_t *header, const json_t *claims, struct err *err)
{
    if (print_part(b, header, err) != 0)
        return -1;
    buf_char(b, '.');
    if (print_part(b, claims, err) != 0)
        return -1;
    return buf_check(b, err);
}

void
jws_print_signature(struct buf *b, const void *p, size_t n)
{
    buf_char(b, '.');
    base64_print(b, BASE64_URL, p, n);
}
