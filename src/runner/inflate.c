#include "runner/inflate.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/mem.h"

#define INPUT_BYTES (256 * 1024)

struct inflate {
    int fd; /* borrowed */
    enum runner_media media;
    uint64_t offset;
    bool ended;   /* no more input */
    bool between; /* gzip: no member is open; zstd: no frame is */
    bool any;     /* one was */
    size_t at, n; /* unread input */
    ZSTD_DStream *zstd;
    struct inflate_state gzip;
    unsigned char input[INPUT_BYTES];
};

static int
refill(struct inflate *in, struct err *err)
{
    ssize_t n;

    if (in->at < in->n || in->ended)
        return 0;
    do {
        n = pread(in->fd, in->input, sizeof(in->input), (off_t)in->offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_sys(err, errno, "cannot read the layer");
    in->ended = n == 0;
    in->offset += (uint64_t)n;
    in->at = 0;
    in->n = (size_t)n;
    return 0;
}

static enum runner_media
look_at(const unsigned char *p, size_t n)
{
    static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };

    if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b)
        return RUNNER_MEDIA_GZIP;
    if (n >= 4 && memcmp(p, zstd, 4) == 0)
        return RUNNER_MEDIA_ZSTD;
    return RUNNER_MEDIA_TAR;
}

struct inflate *
inflate_new(int fd, enum runner_media media, struct err *err)
{
    OWN(inflate) in = mem_zalloc(sizeof(*in));

    if (in == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    in->fd = fd;
    in->between = true;
    if (refill(in, err) != 0)
        return NULL;
    in->media = media != RUNNER_MEDIA_AUTO ? media : look_at(in->input, in->n);
    if (in->media == RUNNER_MEDIA_ZSTD) {
        in->zstd = ZSTD_createDStream();
        if (in->zstd == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax,
                                                                    INFLATE_WINDOW_LOG))) {
            (void)err_memory(err);
            return NULL;
        }
    }
    return GIVE(in);
}

void
inflate_free(struct inflate *in)
{
    if (in == NULL)
        return;
    (void)ZSTD_freeDStream(in->zstd);
    mem_free(in);
}

uint64_t
inflate_taken(const struct inflate *in)
{
    return in->offset;
}

static int
read_plain(struct inflate *in, void *out, size_t cap, size_t *n, struct err *err)
{
    if (refill(in, err) != 0)
        return -1;
    if (in->at == in->n)
        return 1;
    *n = in->n - in->at < cap ? in->n - in->at : cap;
    memcpy(out, in->input + in->at, *n);
    in->at += *n;
    return 0;
}

/* Between two members: another one, zeros that some tools pad with, or the end. */
static int
next_member(struct inflate *in, struct err *err)
{
    if (in->any) {
        while (refill(in, err) == 0 && in->at < in->n && in->input[in->at] == 0)
            in->at++;
        if (err->kind != ERR_OK)
            return -1;
        if (in->at == in->n)
            return 1;
    }
    isal_inflate_init(&in->gzip);
    in->gzip.crc_flag = ISAL_GZIP;
    in->between = false;
    return 0;
}

static int
read_gzip(struct inflate *in, void *out, size_t cap, size_t *n, struct err *err)
{
    int rc;

    *n = 0;
    while (*n == 0) {
        if (refill(in, err) != 0)
            return -1;
        if (in->between && (rc = next_member(in, err)) != 0)
            return rc;
        if (refill(in, err) != 0)
            return -1;
        if (in->at == in->n)
            return err_set(err, ERR_INVALID, "the layer's gzip stream is cut off");
        in->gzip.next_in = in->input + in->at;
        in->gzip.avail_in = (uint32_t)(in->n - in->at);
        in->gzip.next_out = out;
        in->gzip.avail_out = (uint32_t)cap;
        rc = isal_inflate(&in->gzip);
        if (rc < 0)
            return err_set(err, ERR_INVALID, "the layer is not good gzip (%d)", rc);
        in->at = in->n - in->gzip.avail_in;
        *n = cap - in->gzip.avail_out;
        if (in->gzip.block_state == ISAL_BLOCK_FINISH)
            in->between = in->any = true;
        else if (*n == 0 && in->at < in->n && in->gzip.avail_in != 0)
            return err_set(err, ERR_INVALID, "the layer is not good gzip");
    }
    return 0;
}

static int
read_zstd(struct inflate *in, void *out, size_t cap, size_t *n, struct err *err)
{
    ZSTD_outBuffer to = { out, cap, 0 };

    while (to.pos == 0) {
        ZSTD_inBuffer from;
        size_t rc;

        if (refill(in, err) != 0)
            return -1;
        if (in->at == in->n && in->between && in->any)
            return 1;
        if (in->at == in->n)
            return err_set(err, ERR_INVALID, "the layer's zstd stream is cut off");
        from = (ZSTD_inBuffer){ in->input, in->n, in->at };
        rc = ZSTD_decompressStream(in->zstd, &to, &from);
        if (ZSTD_isError(rc))
            return err_set(err, ERR_INVALID, "the layer is not good zstd: %s",
                           ZSTD_getErrorName(rc));
        in->at = from.pos;
        in->between = rc == 0;
        in->any = true;
    }
    *n = to.pos;
    return 0;
}

int
inflate_read(struct inflate *in, void *out, size_t cap, size_t *n, struct err *err)
{
    switch (in->media) {
    case RUNNER_MEDIA_GZIP: return read_gzip(in, out, cap, n, err);
    case RUNNER_MEDIA_ZSTD: return read_zstd(in, out, cap, n, err);
    case RUNNER_MEDIA_TAR:
    case RUNNER_MEDIA_AUTO: break;
    }
    return read_plain(in, out, cap, n, err);
}
