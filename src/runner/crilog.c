#include "runner/crilog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"

#define NAME_MAX_LEN 96
#define HEAD_MAX     64

static void
file_name(const char *name, unsigned age, bool previous, char out[static NAME_MAX_LEN])
{
    char number[16] = "";

    if (age > 0)
        (void)snprintf(number, sizeof(number), ".%u", age);
    (void)snprintf(out, NAME_MAX_LEN, "%s%s.log%s", name, previous ? ".prev" : "", number);
}

static int
open_file(struct crilog *log)
{
    char name[NAME_MAX_LEN];
    struct stat st;

    file_name(log->name, 0, false, name);
    log->fd =
        openat(log->dirfd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->fd < 0)
        return -1;
    log->size = fstat(log->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    return 0;
}

static void
shift(const struct crilog *log, unsigned from, bool to_previous)
{
    char old[NAME_MAX_LEN], new[NAME_MAX_LEN];

    file_name(log->name, from, false, old);
    file_name(log->name, to_previous ? from : from + 1, to_previous, new);
    (void)renameat(log->dirfd, old, log->dirfd, new);
}

static void
remove_previous(const struct crilog *log)
{
    char name[NAME_MAX_LEN];

    for (unsigned age = 0; age < CRILOG_FILES; age++) {
        file_name(log->name, age, true, name);
        (void)unlinkat(log->dirfd, name, 0);
    }
}

/* Only the newest file of the run before is kept: O2. */
static void
begin_run(const struct crilog *log)
{
    char name[NAME_MAX_LEN];

    remove_previous(log);
    shift(log, 0, true);
    for (unsigned age = 1; age < CRILOG_FILES; age++) {
        file_name(log->name, age, false, name);
        (void)unlinkat(log->dirfd, name, 0);
    }
}

int
crilog_open(struct crilog *log, int dirfd, const char *name, bool fresh, struct err *err)
{
    *log = (struct crilog){ .dirfd = dirfd, .fd = -1, .file_max = CRILOG_FILE_MAX };
    (void)text_copy(text_of(name), log->name, sizeof(log->name));
    if (fresh)
        begin_run(log);
    if (open_file(log) != 0)
        return err_sys(err, errno, "cannot open the log of %s", name);
    return 0;
}

static void
rotate(struct crilog *log)
{
    (void)close(log->fd);
    for (unsigned age = CRILOG_FILES - 1; age > 0; age--)
        shift(log, age - 1, false);
    (void)open_file(log);
}

static bool
write_record(struct crilog *log, const char *head, const char *p, size_t n)
{
    union { /* iovec is older than const */
        const char *in;
        char *out;
    } h = { .in = head }, body = { .in = p }, end = { .in = "\n" };
    struct iovec v[] = { { h.out, strlen(head) }, { body.out, n }, { end.out, 1 } };
    size_t all = v[0].iov_len + n + 1;
    ssize_t done;

    if (log->size + all > log->file_max)
        rotate(log);
    if (log->fd < 0 && open_file(log) != 0)
        return false;
    done = writev(log->fd, v, 3);
    if (done == (ssize_t)all) {
        log->size += all;
        return true;
    }
    if (done > 0)
        (void)!ftruncate(log->fd, (off_t)log->size); /* half a record is worse than none */
    return false;
}

static void
head_text(char out[static HEAD_MAX], enum crilog_stream stream, char tag)
{
    char now[CLOCK_TEXT_LEN + 1];

    clock_text(clock_now_us(), now);
    now[CLOCK_TEXT_LEN - 1] = '\0'; /* nine digits of a second, as CRI has it */
    (void)snprintf(out, HEAD_MAX, "%s000Z %s %c ", now,
                   stream == CRILOG_STDOUT ? "stdout" : "stderr", tag);
}

static void
tell_dropped(struct crilog *log)
{
    char head[HEAD_MAX], said[64];
    int n = snprintf(said, sizeof(said), "[holdfast: %lu bytes dropped, disk full]",
                     (unsigned long)log->dropped);

    head_text(head, CRILOG_STDERR, 'F');
    if (write_record(log, head, said, (size_t)n))
        log->dropped = 0;
}

static void
emit(struct crilog *log, enum crilog_stream stream, const char *p, size_t n, char tag)
{
    char head[HEAD_MAX];

    if (log->dropped > 0)
        tell_dropped(log);
    head_text(head, stream, tag);
    if (log->dropped > 0 || !write_record(log, head, p, n))
        log->dropped += n;
}

void
crilog_add(struct crilog *log, enum crilog_stream stream, const char *p, size_t n)
{
    while (n > 0) {
        char *line = log->stream[stream].line;
        size_t *have = &log->stream[stream].n;
        const char *end = memchr(p, '\n', n);
        size_t take = end != NULL ? (size_t)(end - p) : n;
        bool whole = end != NULL;

        if (take > CRILOG_LINE_MAX - *have) {
            take = CRILOG_LINE_MAX - *have;
            whole = false;
        }
        memcpy(line + *have, p, take);
        *have += take;
        p += take + (whole ? 1 : 0);
        n -= take + (whole ? 1 : 0);
        if (whole || *have == CRILOG_LINE_MAX) {
            emit(log, stream, line, *have, whole ? 'F' : 'P');
            *have = 0;
        }
    }
}

void
crilog_close(struct crilog *log)
{
    for (int s = 0; s < CRILOG_STREAMS; s++) {
        if (log->stream[s].n > 0)
            emit(log, (enum crilog_stream)s, log->stream[s].line, log->stream[s].n, 'F');
        log->stream[s].n = 0;
    }
    if (log->fd >= 0)
        (void)close(log->fd);
    log->fd = -1;
}

/* Newest first, so that a rotation meanwhile shows one file twice rather than none: seen by inode.
 */
size_t
crilog_files(int dirfd, const char *name, bool previous, int fds[static CRILOG_FILES])
{
    int found[CRILOG_FILES];
    struct stat st[CRILOG_FILES];
    char file[NAME_MAX_LEN];
    size_t n = 0;

    for (unsigned age = 0; age < CRILOG_FILES; age++) {
        int fd;

        file_name(name, age, previous, file);
        fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            continue;
        if (fstat(fd, &st[n]) != 0 || (n > 0 && st[n].st_ino == st[n - 1].st_ino)) {
            (void)close(fd);
            continue;
        }
        found[n++] = fd;
    }
    for (size_t i = 0; i < n; i++)
        fds[i] = found[n - 1 - i];
    return n;
}
