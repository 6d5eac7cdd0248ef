#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/own.h"

#define NAME_CAP 256
#define STEP     4096

int
file_read(int dirfd, const char *name, struct buf *out, struct err *err)
{
    OWN_FD fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char step[STEP];
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT ? 1 : err_sys(err, errno, "cannot open the file %s", name);
    do {
        if ((n = read(fd, step, sizeof(step))) < 0 && errno != EINTR)
            return err_sys(err, errno, "cannot read the file %s", name);
        if (n > 0)
            buf_add(out, step, (size_t)n);
    } while (n != 0 && !buf_failed(out));
    mem_wipe(step, sizeof(step)); /* it may have been a key */
    return buf_failed(out)
               ? err_set(err, ERR_TOO_LARGE, "the file %s is larger than %zu bytes", name, out->max)
               : 0;
}

static int
write_all(int fd, struct text bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            bytes = text_after(bytes, (size_t)n);
    }
    return 0;
}

int
file_replace(int dirfd, const char *name, mode_t mode, struct text bytes, struct err *err)
{
    char beside[NAME_CAP];
    OWN_FD fd = -1;
    OWN_FD folder = -1;
    const char *slash = strrchr(name, '/');
    const char *last = slash != NULL ? slash + 1 : name;
    int n = snprintf(beside, sizeof(beside), "%.*s.%s.new", (int)(last - name), name, last);

    if (n < 0 || (size_t)n >= sizeof(beside))
        return err_set(err, ERR_INVALID, "the file name is too long");
    /* What a crash left behind is of no use to anybody. */
    if (unlinkat(dirfd, beside, 0) != 0 && errno != ENOENT)
        return err_sys(err, errno, "cannot replace the file %s", name);
    fd = openat(dirfd, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_sys(err, errno, "cannot write the file %s", name);
    if (write_all(fd, bytes) != 0 || fsync(fd) != 0 || renameat(dirfd, beside, dirfd, name) != 0) {
        (void)err_sys(err, errno, "cannot write the file %s", name);
        (void)unlinkat(dirfd, beside, 0);
        return -1;
    }
    beside[last - name] = '\0';
    folder = openat(dirfd, slash != NULL ? beside : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) != 0)
        return err_sys(err, errno, "cannot make the file %s durable", name);
    return 0;
}
