/*
 * A head that is accepted points only into its own bytes (H1), contains nothing outside the grammar
 * (H2), has one length (H3) and a host (H4); it is complete exactly at its last byte (H5).
 */
#include "../property.h"
#include "wire/http.h"
#include "wire/octet.h"

static void
is_inside(struct text part, struct text whole)
{
    PROPERTY(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static int
parse(struct text bytes, struct http_head *head, size_t *used)
{
    struct err err = { 0 };
    int status = 0;
    int got = http_head_parse(head, bytes, used, &status, &err);

    PROPERTY((got < 0) == (err.kind != ERR_OK));
    PROPERTY(got >= 0 || (status >= 400 && status <= 505 && http_reason(status)[0] != '\0'));
    return got;
}

static void
check_bytes(struct text head)
{
    for (size_t i = 0; i < head.n; i++) {
        if (head.p[i] == '\n')
            PROPERTY(i > 0 && head.p[i - 1] == '\r');
        else if (head.p[i] == '\r')
            PROPERTY(i + 1 < head.n && head.p[i + 1] == '\n');
        else
            PROPERTY(octet_is(head.p[i], OCTET_VALUE));
    }
}

static void
check_fields(const struct http_head *head, struct text bytes)
{
    size_t hosts = 0, lengths = 0, encodings = 0;

    for (size_t i = 0; i < head->n_fields; i++) {
        struct text name = head->fields[i].name;

        is_inside(name, bytes);
        is_inside(head->fields[i].value, bytes);
        PROPERTY(name.n > 0 && octet_all(name, OCTET_TOKEN));
        hosts += text_is_nocase(name, "host");
        lengths += text_is_nocase(name, "content-length");
        encodings += text_is_nocase(name, "transfer-encoding");
    }
    PROPERTY(hosts <= 1 && lengths + encodings <= 1);
    PROPERTY(head->minor == 0 || hosts == 1);
    PROPERTY(head->has_length == (lengths == 1) && head->chunked == (encodings == 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct http_head head, again;
    struct text bytes = text_from(data, n);
    size_t used = 0, used_again = 0;
    int got = parse(bytes, &head, &used);

    /* Refused or unfinished early must not be accepted with the same bytes and more. */
    if (n > 1 && parse(text_first(bytes, n / 2), &again, &used_again) < 0)
        PROPERTY(got < 0);
    if (got != 1)
        return 0;
    PROPERTY(used <= n && used <= HTTP_HEAD_MAX);
    check_bytes(text_first(bytes, used));
    check_fields(&head, text_first(bytes, used));
    is_inside(head.target, text_first(bytes, used));
    is_inside(head.host, text_first(bytes, used));
    PROPERTY(head.target.n > 0 && (head.target.p[0] == '/' || text_is(head.target, "*")));
    PROPERTY(head.minor == 0 || head.host.n > 0);
    PROPERTY(parse(text_first(bytes, used), &again, &used_again) == 1 && used_again == used);
    PROPERTY(parse(text_first(bytes, used - 1), &again, &used_again) == 0);
    return 0;
}
