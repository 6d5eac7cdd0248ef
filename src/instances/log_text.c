#include "instances/log_text.h"

#include <sys/stat.h>
#include <unistd.h>

#define REPLACEMENT "\xef\xbf\xbd"

static int
read_from(int fd, off_t at, size_t n, struct buf *out, struct err *err)
{
    while (n > 0) {
        size_t step = n < 65536 ? n : 65536;
        char *room = buf_room(out, step);
        ssize_t got;

        if (room == NULL)
            return err_memory(err);
        got = pread(fd, room, step, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, errno, "cannot read the log");
        if (got == 0)
            return 0; /* rotated away under us */
        buf_used(out, (size_t)got);
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

int
log_text_read(const int *fds, size_t n, struct buf *out, struct err *err)
{
    size_t sizes[8] = { 0 }, take[8] = { 0 }, left = LOG_TEXT_MAX;
    bool cut = false;
    ptrdiff_t newline;

    if (n > 8)
        return err_set(err, ERR_INVALID, "too many log files");
    for (size_t i = n; i-- > 0;) {
        struct stat st;

        if (fstat(fds[i], &st) != 0)
            return err_sys(err, errno, "cannot read the log");
        sizes[i] = st.st_size > 0 ? (size_t)st.st_size : 0;
        take[i] = sizes[i] < left ? sizes[i] : left;
        cut = cut || take[i] < sizes[i];
        left -= take[i];
    }
    for (size_t i = 0; i < n; i++)
        if (read_from(fds[i], (off_t)(sizes[i] - take[i]), take[i], out, err) != 0)
            return -1;
    if (cut && (newline = text_find(buf_view(out), '\n')) >= 0)
        buf_drop(out, (size_t)newline + 1);
    return 0;
}

/* Bytes of the UTF-8 character at the start of ${t}, 0 when there is none (Unicode, table 3-7). */
static size_t
character(struct text t)
{
    const unsigned char *p = (const unsigned char *)t.p;
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (p[0] < 0x80)
        return p[0] != 0 ? 1 : 0;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (t.n < n)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void
print_clean(struct buf *out, struct text bytes)
{
    while (bytes.n > 0) {
        size_t n = character(bytes);

        if (n > 0)
            buf_add(out, bytes.p, n);
        else
            buf_str(out, REPLACEMENT);
        bytes = text_after(bytes, n > 0 ? n : 1);
    }
}

struct record {
    struct text time;
    bool ends; /* F: the line is complete */
    struct text bytes;
};

static bool
next_record(struct text *rest, struct record *out)
{
    struct text line, stream, tag;

    while (rest->p != NULL && rest->n > 0 && text_cut(rest, '\n', &line)) {
        if (text_cut(&line, ' ', &out->time) && text_cut(&line, ' ', &stream) &&
            text_cut(&line, ' ', &tag) && tag.n == 1) {
            out->ends = tag.p[0] == 'F';
            out->bytes = line;
            return true;
        }
    }
    return false;
}

static uint64_t
count_lines(struct text records)
{
    struct record r;
    uint64_t n = 0;

    while (next_record(&records, &r))
        n += r.ends ? 1 : 0;
    return n;
}

void
log_text_print(struct text records, const struct log_wish *wish, struct buf *out)
{
    uint64_t lines = wish->tail > 0 ? count_lines(records) : 0;
    uint64_t skip = wish->tail > 0 && lines > wish->tail ? lines - wish->tail : 0;
    bool fresh = true;
    struct record r;

    while (next_record(&records, &r)) {
        if (skip > 0) {
            skip -= r.ends ? 1 : 0;
            continue;
        }
        if (fresh && wish->timestamps) {
            print_clean(out, r.time);
            buf_char(out, ' ');
        }
        print_clean(out, r.bytes);
        if (r.ends)
            buf_char(out, '\n');
        fresh = r.ends;
    }
}
