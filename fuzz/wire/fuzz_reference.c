/*
 * Names are judged as the specification's own regular expression judges them (F1); what parses
 * prints back to the same bytes (F2), digests included (D1, D2).
 */
#include "../property.h"
#include <regex.h>
#include <string.h>

#include "wire/reference.h"

#define COMPONENT "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"

static void
check_against(const char *pattern, const char *s, bool verdict)
{
    regex_t re;

    PROPERTY(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0);
    PROPERTY((regexec(&re, s, 0, NULL, 0) == 0) == verdict);
    regfree(&re);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN_BUF(b, 10000);
    struct text t = text_from(data, n);
    struct reference r;
    struct digest d;
    struct err err = { 0 };
    char text[DIGEST_TEXT_MAX + 1], s[REFERENCE_NAME_MAX + 1];

    if (reference_parse(&r, t, &err) == 0) {
        reference_print(&r, &b);
        PROPERTY(text_equal(buf_view(&b), t));
        PROPERTY(reference_name_ok(r.name) && (r.tag.n == 0 || reference_tag_ok(r.tag)));
    }
    if (digest_parse(&d, t, &err) == 0)
        PROPERTY(digest_text(&d, text) == n && memcmp(text, data, n) == 0);
    /* The expression library wants a C string, and is slow with long ones. */
    if (n < 64 && text_find(t, '\0') < 0 && text_find(t, '\n') < 0) {
        (void)text_copy(t, s, sizeof(s));
        check_against("^" COMPONENT "(/" COMPONENT ")*$", s, reference_name_ok(t));
        check_against("^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$", s, reference_tag_ok(t));
    }
    return 0;
}
