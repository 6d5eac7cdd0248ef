/* A token that parses keeps W1, and its parts are exactly its bytes (W2). */
#include "../property.h"
#include "wire/base64.h"
#include "wire/jws.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN_JWS j = { 0 };
    OWN_BUF(b, JWS_TOKEN_MAX + 1);
    struct text token = text_from(data, n);
    struct err err = { 0 };
    int64_t time;

    if (jws_parse(&j, token, &err) != 0) {
        PROPERTY(err.kind != ERR_OK && j.header == NULL && j.claims == NULL);
        return 0;
    }
    PROPERTY(n <= JWS_TOKEN_MAX && j.signature_n > 0 && j.alg.p != NULL);
    PROPERTY(!text_is_nocase(j.alg, "none") && json_is_object(j.claims));
    buf_text(&b, j.signing_input);
    jws_print_signature(&b, j.signature, j.signature_n);
    PROPERTY(text_equal(buf_view(&b), token));
    if (jws_time(j.claims, "exp", &time, &err) == 0)
        PROPERTY(time >= 0);
    (void)jws_audience_has(j.claims, TEXT("a"));
    return 0;
}
