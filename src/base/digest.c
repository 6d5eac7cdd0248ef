#include "base/digest.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} algorithms[] = {
    [DIGEST_SHA256] = { "sha256", 32 },
    [DIGEST_SHA512] = { "sha512", 64 },
};

size_t
digest_size(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].size;
}

const char *
digest_algorithm_name(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

void
hex_print(const uint8_t *p, size_t n, char *out)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex[p[i] >> 4];
        out[2 * i + 1] = hex[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hex_parse(struct text t, uint8_t *out, size_t n)
{
    if (t.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(t.p[2 * i]);
        int low = hex_value(t.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int
digest_parse(struct digest *out, struct text t, struct err *err)
{
    struct digest d = { 0 };
    struct text name, rest = t;

    if (!text_cut(&rest, ':', &name) || rest.p == NULL)
        return err_code(err, ERR_INVALID, "DIGEST_INVALID", "a digest is ALGORITHM:HEX");
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (!text_is(name, algorithms[i].name))
            continue;
        d.algorithm = (enum digest_algorithm)i;
        if (!hex_parse(rest, d.bytes, algorithms[i].size))
            return err_code(err, ERR_INVALID, "DIGEST_INVALID",
                            "a %s digest has %zu lower-case hex digits", algorithms[i].name,
                            2 * algorithms[i].size);
        *out = d;
        return 0;
    }
    return err_code(err, ERR_INVALID, "DIGEST_INVALID", "digest algorithm is not sha256 or sha512");
}

size_t
digest_text(const struct digest *d, char out[static DIGEST_TEXT_MAX + 1])
{
    size_t n = strlen(algorithms[d->algorithm].name);

    memcpy(out, algorithms[d->algorithm].name, n);
    out[n] = ':';
    hex_print(d->bytes, algorithms[d->algorithm].size, out + n + 1);
    return n + 1 + 2 * algorithms[d->algorithm].size;
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
    return a->algorithm == b->algorithm && memcmp(a->bytes, b->bytes, DIGEST_MAX) == 0;
}
