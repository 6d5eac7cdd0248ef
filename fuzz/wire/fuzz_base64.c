/* What decodes encodes back to the same characters (X1); what is encoded decodes. */
#include "../property.h"
#include "base/buf.h"
#include "base/mem.h"
#include "wire/base64.h"

static void
check(enum base64_variant variant, struct text t)
{
    OWN_MEM(char) out = mem_zalloc(t.n + 1);
    OWN_BUF(b, SIZE_MAX / 2);
    OWN_BUF(encoded, SIZE_MAX / 2);
    size_t n = 0;

    if (base64_parse(variant, t, out, t.n, &n)) {
        PROPERTY(n == base64_size(variant, t) && n <= t.n);
        base64_print(&b, variant, out, n);
        PROPERTY(text_equal(buf_view(&b), t));
    }
    base64_print(&encoded, variant, t.p, t.n);
    PROPERTY(base64_parse(variant, buf_view(&encoded), out, t.n, &n));
    PROPERTY(text_equal(text_from(out, n), t));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    check(BASE64_STANDARD, text_from(data, n));
    check(BASE64_URL, text_from(data, n));
    return 0;
}
