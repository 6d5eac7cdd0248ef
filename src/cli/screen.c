#include "cli/screen.h"

#include <stdint.h>
#include <unistd.h>

/* One character and its length; 0 for a byte that begins none. */
static size_t
decode(struct text t, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)t.p;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;

    if (n == 0 || n > t.n || p[0] > 0xf4)
        return 0;
    *out = n == 1 ? p[0] : (uint32_t)(p[0] & (0xff >> (n + 1)));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *out = *out << 6 | (p[i] & 0x3f);
    }
    return n;
}

static bool
may_show(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        return false;
    /* Marks, embeddings and isolates that change the direction or hide what is written. */
    return !((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
             (c >= 0x2060 && c <= 0x206f) || c == 0xfeff);
}

void
screen_clean(struct buf *out, struct text t, bool newlines)
{
    while (t.n > 0) {
        uint32_t c = 0;
        size_t n = decode(t, &c);

        if (n > 0 && (may_show(c) || (newlines && (c == '\n' || c == '\t')))) {
            buf_add(out, t.p, n);
        } else {
            n = n > 0 ? n : 1;
            for (size_t i = 0; i < n; i++)
                buf_printf(out, "\\x%02x", (unsigned char)t.p[i]);
        }
        t = text_after(t, n);
    }
}

void
screen_text(FILE *to, struct text t)
{
    OWN_BUF(clean, (size_t)64 * 1024 * 1024);

    if (!isatty(fileno(to))) {
        (void)fwrite(t.p, 1, t.n, to);
        return;
    }
    screen_clean(&clean, t, true);
    (void)fwrite(clean.p, 1, clean.n, to);
}

size_t
screen_width(struct text t)
{
    size_t n = 0;

    for (size_t i = 0; i < t.n; i++)
        n += ((unsigned char)t.p[i] & 0xc0) != 0x80;
    return n;
}
