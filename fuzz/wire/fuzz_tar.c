/*
 * A tar gives the same events however it is cut into pieces; the data of an entry adds up to its
 * size (T2); announced entries keep T1; cleaned paths stay inside.
 *
 * The first byte is the size of the pieces.  Blocks with a ustar magic get a right checksum first,
 * or no mutation would ever come past it.
 */
#include "../property.h"
#include <string.h>

#include "base/mem.h"
#include "wire/tar.h"

#define MAGIC    257
#define CHECKSUM 148

struct summary {
    uint64_t hash;
    int got;
    uint64_t left;
};

static void
mix(struct summary *s, struct text t, uint64_t tag)
{
    s->hash = text_hash(t, s->hash ^ tag);
}

static void
check_clean(struct text path)
{
    static char out[TAR_PATH_MAX + 1], again[TAR_PATH_MAX + 1];
    struct err err = { 0 };
    struct text rest, part;

    if (tar_path_clean(path, out, &err) != 0)
        return;
    PROPERTY(out[0] != '\0' && out[0] != '/');
    rest = text_of(out);
    while (text_cut(&rest, '/', &part))
        PROPERTY(part.n > 0 && part.n <= 255 && !text_is(part, "..") &&
                 (!text_is(part, ".") || strcmp(out, ".") == 0));
    PROPERTY(tar_path_clean(text_of(out), again, &err) == 0 && strcmp(out, again) == 0);
}

static void
take_entry(struct summary *s, const struct tar_entry *e)
{
    uint64_t numbers[] = { (uint64_t)e->type,     e->mode,     e->uid,      e->gid,     e->size,
                           (uint64_t)e->mtime_ns, e->devmajor, e->devminor, e->n_xattrs };

    PROPERTY(e->path.n > 0 && e->path.n <= TAR_PATH_MAX && text_find(e->path, '\0') < 0);
    PROPERTY(e->link.n <= TAR_PATH_MAX && text_find(e->link, '\0') < 0);
    PROPERTY((e->link.n > 0) == (e->type == TAR_HARDLINK || e->type == TAR_SYMLINK));
    PROPERTY(e->type == TAR_FILE || e->size == 0);
    PROPERTY(e->mode <= 07777 && e->size <= TAR_SIZE_MAX && e->n_xattrs <= TAR_XATTRS_MAX);
    mix(s, e->path, 1);
    mix(s, e->link, 2);
    mix(s, text_from(numbers, sizeof(numbers)), 3);
    for (size_t i = 0; i < e->n_xattrs; i++) {
        mix(s, e->xattrs[i].name, 4);
        mix(s, e->xattrs[i].value, 5);
    }
    check_clean(e->path);
    s->left = e->size;
}

static void
take_event(struct summary *s, const struct tar_event *event)
{
    switch (event->kind) {
    case TAR_ENTRY: take_entry(s, event->entry); break;
    case TAR_DATA:
        PROPERTY(event->data.n > 0 && event->data.n <= s->left);
        s->left -= event->data.n;
        for (size_t i = 0; i < event->data.n; i++)
            mix(s, text_from(event->data.p + i, 1), 6);
        break;
    case TAR_END_ENTRY: PROPERTY(s->left == 0); break;
    case TAR_END: mix(s, TEXT("end"), 7); break;
    case TAR_MORE: break;
    }
}

static struct summary
read_all(struct text in, size_t step)
{
    OWN(tar) t = tar_new();
    struct summary s = { 0 };
    struct tar_event event = { .kind = TAR_MORE };
    struct err err = { 0 };
    size_t at = 0;

    while (s.got == 0 && (at < in.n || event.kind != TAR_MORE)) {
        struct text piece = text_first(text_after(in, at), step);
        size_t used = 0;

        s.got = tar_feed(t, piece.p, piece.n, &used, &event, &err);
        PROPERTY(used <= piece.n && (s.got == 0) == (err.kind == ERR_OK));
        PROPERTY(s.got != 0 || event.kind != TAR_MORE || used == piece.n);
        if (s.got == 0)
            take_event(&s, &event);
        at += used;
    }
    if (s.got == 0)
        s.got = tar_finish(t, &err) != 0 ? -2 : 0;
    return s;
}

static void
mend_checksums(char *p, size_t n)
{
    for (size_t at = 0; n - at >= TAR_BLOCK; at += TAR_BLOCK) {
        char *block = p + at;
        unsigned sum = 0;

        if (memcmp(block + MAGIC, "ustar", 5) != 0)
            continue;
        memset(block + CHECKSUM, ' ', 8);
        for (size_t i = 0; i < TAR_BLOCK; i++)
            sum += (unsigned char)block[i];
        (void)snprintf(block + CHECKSUM, 8, "%06o", sum);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    OWN_MEM(char) copy = NULL;
    struct summary whole, pieces;

    if (n < 1 || (copy = mem_zalloc(n - 1)) == NULL)
        return 0;
    memcpy(copy, data + 1, n - 1);
    mend_checksums(copy, n - 1);
    whole = read_all(text_from(copy, n - 1), n);
    pieces = read_all(text_from(copy, n - 1), (size_t)data[0] * 3 + 1);
    PROPERTY(whole.hash == pieces.hash && whole.got == pieces.got);
    return 0;
}
