#include "wire/tar.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/tar_priv.h"

#define SECOND_NS INT64_C(1000000000)

enum state {
    HEADER,  /* collecting a header block */
    META,    /* collecting what describes the next entry */
    BODY,    /* handing out the data of the entry */
    PADDING, /* up to the next block */
    ENDED,
};

struct tar {
    enum state state;
    char block[TAR_BLOCK];
    size_t have;   /* bytes of the block */
    uint64_t left; /* bytes of META or BODY to come */
    size_t pad;    /* bytes of PADDING to come */
    bool zero;     /* one zero block has been seen */

    char meta; /* type of the header in META: 'x', 'g', 'L' or 'K' */
    bool has_pax, has_path, has_link;
    size_t described; /* bytes of descriptions of the next entry (T3) */
    struct buf pax_bytes;
    struct buf gnu_path;
    struct buf gnu_link;
    struct tar_pax pax;

    struct tar_entry entry;
    char path[TAR_PATH_MAX + 1];
    char link[TAR_PATH_MAX + 1];
};

struct tar *
tar_new(void)
{
    struct tar *t = mem_zalloc(sizeof(*t));

    if (t == NULL)
        return NULL;
    t->pax_bytes.max = TAR_PAX_MAX;
    t->gnu_path.max = TAR_PATH_MAX + 1;
    t->gnu_link.max = TAR_PATH_MAX + 1;
    return t;
}

void
tar_free(struct tar *t)
{
    if (t == NULL)
        return;
    buf_done(&t->pax_bytes);
    buf_done(&t->gnu_path);
    buf_done(&t->gnu_link);
    mem_free(t);
}

static size_t
padding_of(uint64_t size)
{
    return (TAR_BLOCK - (size_t)(size % TAR_BLOCK)) % TAR_BLOCK;
}

/* Where the bytes of a description go; NULL for a global one, which is dropped. */
static struct buf *
meta_buf(struct tar *t)
{
    switch (t->meta) {
    case 'x': return &t->pax_bytes;
    case 'L': return &t->gnu_path;
    case 'K': return &t->gnu_link;
    default: return NULL;
    }
}

static int
begin_meta(struct tar *t, const struct tar_block *b, struct err *err)
{
    bool *seen = b->type == 'x' ? &t->has_pax : b->type == 'L' ? &t->has_path : &t->has_link;

    if (b->type != 'g' && *seen)
        return err_set(err, ERR_INVALID, "a tar entry is described twice");
    if (b->type != 'g')
        *seen = true;
    if (b->size > TAR_PAX_MAX - t->described)
        return err_set(err, ERR_TOO_LARGE, "more than %zu bytes describe one tar entry",
                       TAR_PAX_MAX);
    t->described += (size_t)b->size;
    t->meta = b->type;
    t->left = b->size;
    t->pad = padding_of(b->size);
    t->state = META;
    return 0;
}

/* A GNU name ends at its NUL; anything but more of them behind it is nonsense. */
static int
end_gnu(struct buf *name, struct err *err)
{
    size_t n = strnlen(name->p != NULL ? name->p : "", name->n);

    for (size_t i = n; i < name->n; i++)
        if (name->p[i] != '\0')
            return err_set(err, ERR_INVALID, "a long name in the tar has a NUL");
    if (n == 0)
        return err_set(err, ERR_INVALID, "a long name in the tar is empty");
    if (n > TAR_PATH_MAX)
        return err_set(err, ERR_TOO_LARGE, "a path in a tar is longer than %d bytes", TAR_PATH_MAX);
    name->n = n;
    return 0;
}

static int
end_meta(struct tar *t, struct err *err)
{
    struct buf *name = meta_buf(t);

    t->state = PADDING;
    if (t->meta == 'x')
        return tar_pax_parse(&t->pax, buf_view(&t->pax_bytes), err);
    return name != NULL ? end_gnu(name, err) : 0;
}

static int
add_meta(struct tar *t, struct text run, struct err *err)
{
    struct buf *b = meta_buf(t);

    t->left -= run.n;
    if (b != NULL && run.n > 0) {
        size_t before = b->n;

        buf_text(b, run);
        if (buf_failed(b) && run.n <= b->max - before)
            return err_memory(err);
        if (buf_failed(b))
            return err_set(err, ERR_TOO_LARGE, "a path in a tar is longer than %d bytes",
                           TAR_PATH_MAX);
    }
    return t->left == 0 ? end_meta(t, err) : 0;
}

static int
type_of(const struct tar_block *b, enum tar_type *out, struct err *err)
{
    switch (b->type) {
    case '\0': *out = text_ends(b->name, "/") ? TAR_DIR : TAR_FILE; return 0;
    case '0':
    case '7': *out = TAR_FILE; return 0;
    case '1': *out = TAR_HARDLINK; return 0;
    case '2': *out = TAR_SYMLINK; return 0;
    case '3': *out = TAR_CHAR; return 0;
    case '4': *out = TAR_BLOCKDEV; return 0;
    case '5': *out = TAR_DIR; return 0;
    case '6': *out = TAR_FIFO; return 0;
    default:
        return err_set(err, ERR_UNSUPPORTED, "the tar has an entry of the unsupported type 0x%02x",
                       (unsigned)(uint8_t)b->type);
    }
}

/* The one name of several that counts, as a C string in ${out}. */
static int
pick_name(struct text pax, bool has_gnu, const struct buf *gnu, struct text prefix,
          struct text plain, char out[static TAR_PATH_MAX + 1], struct text *name, struct err *err)
{
    struct text from = pax.p != NULL ? pax : has_gnu ? buf_view(gnu) : plain;
    size_t n = 0;

    if (pax.p != NULL && has_gnu)
        return err_set(err, ERR_INVALID, "a tar entry is named twice, by pax and by GNU headers");
    if (pax.p == NULL && !has_gnu && prefix.n > 0) {
        memcpy(out, prefix.p, prefix.n);
        out[prefix.n] = '/';
        n = prefix.n + 1;
    }
    if (from.n > 0)
        memcpy(out + n, from.p, from.n);
    *name = text_from(out, n + from.n);
    return 0;
}

static int
mtime_of(const struct tar *t, const struct tar_block *b, int64_t *out, struct err *err)
{
    if (!t->pax.has_mtime && (b->mtime > INT64_MAX / SECOND_NS || b->mtime < INT64_MIN / SECOND_NS))
        return err_set(err, ERR_INVALID, "the time in a tar header is out of all bounds");
    *out = t->pax.has_mtime ? t->pax.mtime_ns : b->mtime * SECOND_NS;
    return 0;
}

/* Header block and descriptions, put together. */
static int
make_entry(struct tar *t, const struct tar_block *b, struct err *err)
{
    const struct tar_pax *pax = &t->pax;
    struct tar_entry *e = &t->entry;
    uint64_t size = pax->has_size ? pax->size : b->size;

    *e = (struct tar_entry){ .mode = (uint32_t)(b->mode & 07777),
                             .uid = (uint32_t)(pax->has_uid ? pax->uid : b->uid),
                             .gid = (uint32_t)(pax->has_gid ? pax->gid : b->gid),
                             .devmajor = (uint32_t)b->devmajor,
                             .devminor = (uint32_t)b->devminor,
                             .n_xattrs = pax->n_xattrs };
    if (type_of(b, &e->type, err) != 0 || mtime_of(t, b, &e->mtime_ns, err) != 0 ||
        pick_name(pax->path, t->has_path, &t->gnu_path, b->prefix, b->name, t->path, &e->path,
                  err) != 0 ||
        pick_name(pax->link, t->has_link, &t->gnu_link, (struct text){ NULL, 0 }, b->link, t->link,
                  &e->link, err) != 0)
        return -1;
    if (e->path.n == 0)
        return err_set(err, ERR_INVALID, "a tar entry has no name");
    if (e->type != TAR_HARDLINK && e->type != TAR_SYMLINK)
        e->link = (struct text){ NULL, 0 };
    else if (e->link.n == 0)
        return err_set(err, ERR_INVALID, "a link in the tar has no target");
    if (e->type == TAR_HARDLINK && size > 0)
        return err_set(err, ERR_UNSUPPORTED, "a hard link in the tar has a size");
    e->size = e->type == TAR_FILE ? size : 0;
    memcpy(e->xattrs, pax->xattrs, pax->n_xattrs * sizeof(pax->xattrs[0]));
    return 0;
}

static void
forget_descriptions(struct tar *t)
{
    t->has_pax = t->has_path = t->has_link = false;
    t->described = 0;
    buf_clear(&t->pax_bytes);
    buf_clear(&t->gnu_path);
    buf_clear(&t->gnu_link);
    t->pax = (struct tar_pax){ 0 };
}

static bool
is_zero(const char *block)
{
    return block[0] == '\0' && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

/* A whole block has arrived. */
static int
take_block(struct tar *t, struct tar_event *event, struct err *err)
{
    struct tar_block b;

    t->have = 0;
    if (is_zero(t->block)) {
        if (t->has_pax || t->has_path || t->has_link)
            return err_set(err, ERR_INVALID, "the tar ends behind a description of an entry");
        if (t->zero) {
            t->state = ENDED;
            event->kind = TAR_END;
        }
        t->zero = true;
        return 0;
    }
    if (t->zero)
        return err_set(err, ERR_INVALID, "the tar goes on behind a zero block");
    if (tar_block_parse(&b, t->block, err) != 0)
        return -1;
    if (b.type == 'x' || b.type == 'g' || b.type == 'L' || b.type == 'K') {
        if (begin_meta(t, &b, err) != 0)
            return -1;
        return t->left == 0 ? end_meta(t, err) : 0;
    }
    if (make_entry(t, &b, err) != 0)
        return -1;
    t->left = t->entry.size;
    t->pad = padding_of(t->left);
    t->state = BODY;
    *event = (struct tar_event){ .kind = TAR_ENTRY, .entry = &t->entry };
    return 0;
}

static int
feed_header(struct tar *t, struct text in, size_t *used, struct tar_event *event, struct err *err)
{
    size_t n = in.n < TAR_BLOCK - t->have ? in.n : TAR_BLOCK - t->have;

    memcpy(t->block + t->have, in.p, n);
    t->have += n;
    *used += n;
    return t->have == TAR_BLOCK ? take_block(t, event, err) : 0;
}

static void
feed_body(struct tar *t, struct text in, size_t *used, struct tar_event *event)
{
    *event = (struct tar_event){ .kind = TAR_DATA, .entry = &t->entry };
    if (t->left == 0) {
        event->kind = TAR_END_ENTRY;
        t->state = PADDING;
        return;
    }
    event->data = text_first(in, t->left < in.n ? (size_t)t->left : in.n);
    t->left -= event->data.n;
    *used += event->data.n;
}

/* Behind the padding of an entry, or of a description: only the former starts afresh. */
static void
feed_padding(struct tar *t, struct text in, size_t *used)
{
    size_t n = in.n < t->pad ? in.n : t->pad;

    t->pad -= n;
    *used += n;
    if (t->pad > 0)
        return;
    t->state = HEADER;
    if (t->meta == '\0')
        forget_descriptions(t);
    t->meta = '\0';
}

/* Can this state do something without another byte? */
static bool
needs_no_bytes(const struct tar *t)
{
    return (t->state == BODY && t->left == 0) || (t->state == PADDING && t->pad == 0);
}

int
tar_feed(struct tar *t, const void *bytes, size_t n, size_t *used, struct tar_event *event,
         struct err *err)
{
    struct text in = text_from(bytes, n);

    *event = (struct tar_event){ .kind = TAR_MORE };
    *used = 0;
    while (event->kind == TAR_MORE && (*used < n || needs_no_bytes(t))) {
        struct text rest = text_after(in, *used);
        struct text run;

        switch (t->state) {
        case HEADER:
            if (feed_header(t, rest, used, event, err) != 0)
                return -1;
            break;
        case META:
            run = text_first(rest, t->left < rest.n ? (size_t)t->left : rest.n);
            *used += run.n;
            if (add_meta(t, run, err) != 0)
                return -1;
            break;
        case BODY: feed_body(t, rest, used, event); break;
        case PADDING: feed_padding(t, rest, used); break;
        case ENDED: *used = n; break;
        }
    }
    return 0;
}

int
tar_finish(struct tar *t, struct err *err)
{
    bool described = t->has_pax || t->has_path || t->has_link;

    if (t->state == ENDED || (t->state == HEADER && t->have == 0 && !described))
        return 0;
    /* Some writers leave out the last padding and the end mark; no byte of an entry is missing. */
    if (t->state == PADDING && t->meta == '\0')
        return 0;
    return err_set(err, ERR_INVALID, "the tar is cut off");
}
