#include "runner/etc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/own.h"
#include "base/text.h"
#include "runner/place.h"

#define FILE_MAX 16384

static const char *const resolvers[] = { "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf" };

/* Lines a container can use: not the nameservers that listen on the host's loopback only. */
static bool
add_resolver_lines(const char *path, struct buf *out)
{
    OWN_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    char bytes[FILE_MAX];
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : 0;
    struct text rest = text_from(bytes, n > 0 ? (size_t)n : 0), line;
    bool any = false;

    while (text_cut(&rest, '\n', &line)) {
        struct text t = text_trim(line);
        bool server = text_starts(t, "nameserver ");

        if (server && (text_starts(text_after(t, 11), "127.") || text_is(text_after(t, 11), "::1")))
            continue;
        if (!server && !text_starts(t, "search ") && !text_starts(t, "options "))
            continue;
        any = any || server;
        buf_text(out, t);
        buf_char(out, '\n');
    }
    return any;
}

static int
put(int etc_fd, const char *name, const struct buf *b, uint32_t uid, struct err *err)
{
    if (buf_check(b, err) != 0 || place_file_write(etc_fd, name, b->p, b->n, 0644, err) != 0)
        return -1;
    if (fchownat(etc_fd, name, uid, uid, AT_SYMLINK_NOFOLLOW) != 0)
        return err_sys(err, errno, "cannot give %s to the group", name);
    return 0;
}

/* The folder etc, with a filesystem of its own upon it; it ends with the mount namespace. */
static int
mount_folder(int run_fd, struct err *err)
{
    char at[32];
    OWN_FD below = place_folder(run_fd, "etc", 0711, err);

    if (below < 0)
        return -1;
    (void)snprintf(at, sizeof(at), "/proc/self/fd/%d", below);
    if (mount("holdfast", at, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "size=128k,nr_inodes=16,mode=0711") != 0)
        return err_sys(err, errno, "cannot mount the folder etc of a group");
    return place_folder(run_fd, "etc", 0711, err);
}

int
etc_write(int run_fd, const char *hostname, const char *address, uint32_t uid, struct err *err)
{
    OWN_FD etc_fd = mount_folder(run_fd, err);
    OWN_BUF(resolv, FILE_MAX);
    OWN_BUF(hosts, FILE_MAX);
    OWN_BUF(name, FILE_MAX);

    if (etc_fd < 0)
        return -1;
    buf_str(&resolv, "# made by holdfast from the host's\n");
    for (size_t i = 0; i < sizeof(resolvers) / sizeof(resolvers[0]); i++)
        if (add_resolver_lines(resolvers[i], &resolv))
            break;
    buf_printf(&hosts, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n%s\t%s\n", address,
               hostname);
    buf_printf(&name, "%s\n", hostname);
    if (put(etc_fd, "resolv.conf", &resolv, uid, err) != 0 ||
        put(etc_fd, "hosts", &hosts, uid, err) != 0 ||
        put(etc_fd, "hostname", &name, uid, err) != 0)
        return -1;
    return 0;
}
