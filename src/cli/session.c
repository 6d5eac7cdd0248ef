#include "cli/session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "wire/json.h"

#define SESSION_FILE "session.json"
#define SESSION_MAX  ((size_t)256 * 1024)

static int
make_folder(const char *path, struct err *err)
{
    return mkdir(path, 0700) != 0 && errno != EEXIST ? err_sys(err, errno, "cannot make %s", path)
                                                     : 0;
}

/* The folder for our files; made when ${make}. */
static int
open_folder(bool make, int *fd, struct err *err)
{
    OWN_BUF(path, 4096);
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config != NULL && config[0] == '/') {
        buf_str(&path, config);
    } else {
        buf_printf(&path, "%s/.config", home != NULL ? home : "");
        if (home == NULL || home[0] != '/')
            return err_set(err, ERR_INVALID, "HOME is not set: there is no place for credentials");
    }
    if (make && make_folder(path.p, err) != 0)
        return -1;
    buf_str(&path, "/holdfast");
    if (make && make_folder(path.p, err) != 0)
        return -1;
    if (buf_failed(&path))
        return err_set(err, ERR_INVALID, "the path of the home folder is too long");
    *fd = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    return errno == ENOENT ? 1 : err_sys(err, errno, "cannot open %s", path.p);
}

const char *
session_get(const struct session *s, const char *member)
{
    return json_string_value(json_object_get(s->document, member));
}

int64_t
session_expiry(const struct session *s)
{
    return json_integer_value(json_object_get(s->document, "expiresAt"));
}

int
session_load(struct session *s, struct err *err)
{
    OWN_BUF(bytes, SESSION_MAX);
    OWN_FD folder = -1;
    int rc = open_folder(false, &folder, err);

    if (rc == 0)
        rc = file_read(folder, SESSION_FILE, &bytes, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    s->document = json_read(buf_view(&bytes), err);
    return s->document == NULL ? err_note(err, "session.json; log in again") : 0;
}

int
session_store(const struct session *s, struct err *err)
{
    OWN_BUF(bytes, SESSION_MAX);
    OWN_FD folder = -1;

    if (open_folder(true, &folder, err) != 0 || json_print(s->document, &bytes, err) != 0)
        return -1;
    return file_replace(folder, SESSION_FILE, 0600, buf_view(&bytes), err);
}

int
session_forget(struct err *err)
{
    OWN_FD folder = -1;
    int rc = open_folder(false, &folder, err);

    if (rc != 0)
        return rc;
    if (unlinkat(folder, SESSION_FILE, 0) == 0)
        return 0;
    return errno == ENOENT ? 1 : err_sys(err, errno, "cannot remove the stored credentials");
}

void
session_done(struct session *s)
{
    json_decref(s->document);
    s->document = NULL;
}
