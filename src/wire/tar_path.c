/* tar_path.c - a path out of an archive, made safe to join to a folder. */
#include <string.h>

#include "wire/tar.h"

#define COMPONENT_MAX 255 /* NAME_MAX of Linux */

/* "/": some writers begin with an entry for the folder itself. */
static bool
is_the_root(struct text path)
{
    while (text_starts(path, "/"))
        path = text_after(path, 1);
    return path.n == 0;
}

int
tar_path_clean(struct text path, char out[static TAR_PATH_MAX + 1], struct err *err)
{
    char clean[TAR_PATH_MAX + 2];
    struct text rest = path, part;
    size_t n = 0;

    if (path.n == 0 || text_find(path, '\0') >= 0)
        return err_set(err, ERR_INVALID, "a path in the tar is empty or has a NUL");
    if (path.n > TAR_PATH_MAX)
        return err_set(err, ERR_TOO_LARGE, "a path in the tar is longer than %d bytes",
                       TAR_PATH_MAX);
    if (path.p[0] == '/' && !is_the_root(path))
        return err_set(err, ERR_INVALID, "a path in the tar is absolute");
    while (text_cut(&rest, '/', &part)) {
        if (part.n == 0 || text_is(part, "."))
            continue;
        if (text_is(part, ".."))
            return err_set(err, ERR_INVALID, "a path in the tar leads out of it (\"..\")");
        if (part.n > COMPONENT_MAX)
            return err_set(err, ERR_TOO_LARGE, "a name in the tar is longer than %d bytes",
                           COMPONENT_MAX);
        if (n > 0)
            clean[n++] = '/';
        memcpy(clean + n, part.p, part.n);
        n += part.n;
    }
    if (n == 0)
        clean[n++] = '.';
    memcpy(out, clean, n);
    out[n] = '\0';
    return 0;
}
