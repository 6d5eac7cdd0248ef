#include "runner/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"

#define NAME_BYTES 256
#define FOLDER     (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Unlink everything in ${fd} that is no full folder; the name of the first full one, if any. */
static int
sweep(int fd, char inner[static NAME_BYTES], struct err *err)
{
    int again = openat(fd, ".", FOLDER);
    DIR *dir = again >= 0 ? fdopendir(again) : NULL;
    struct dirent *entry;
    int rc = 0;

    inner[0] = '\0';
    if (dir == NULL)
        return err_sys(err, errno, "cannot read a folder that is to be removed");
    while (rc == 0 && inner[0] == '\0' && (errno = 0, entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        if ((errno == EISDIR || errno == EPERM) && unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0)
            continue;
        if (errno == ENOTEMPTY || errno == EEXIST)
            (void)memcpy(inner, entry->d_name, strlen(entry->d_name) + 1);
        else
            rc = err_sys(err, errno, "cannot remove %s", entry->d_name);
    }
    (void)closedir(dir);
    return rc;
}

/* Go down into full folders and up again with two descriptors, however deep it is. */
static int
empty(int top, struct err *err)
{
    OWN_FD fd = openat(top, ".", FOLDER);
    char inner[NAME_BYTES];
    size_t depth = 0;

    while (fd >= 0) {
        int next;

        if (sweep(fd, inner, err) != 0)
            return -1;
        if (inner[0] == '\0' && depth == 0)
            return 0;
        next = openat(fd, inner[0] != '\0' ? inner : "..", FOLDER);
        depth = inner[0] != '\0' ? depth + 1 : depth - 1;
        (void)close(fd);
        fd = next;
    }
    return err_sys(err, errno, "cannot enter a folder that is to be removed");
}

int
remove_tree(int dirfd, const char *name, struct err *err)
{
    OWN_FD top = -1;

    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
        return 0;
    top = openat(dirfd, name, FOLDER);
    if (top < 0)
        return err_sys(err, errno, "cannot open %s", name);
    if (empty(top, err) != 0)
        return -1;
    if (unlinkat(dirfd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return err_sys(err, errno, "cannot remove %s", name);
    return 0;
}
