#include "runner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/id.h"
#include "base/own.h"
#include "base/text.h"

#define TEXT_MAX    16384 /* of mountinfo or another file of /proc that we read */
#define KILL_TRIES  200   /* of 10 ms: dying processes leave a cgroup a little later */
#define NESTED_MAX  8     /* folders below one another that a container may have made */
#define CONTROL_MAX 4096

static struct text
read_file(const char *path, char *out, size_t cap)
{
    OWN_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t got = 0;

    while (fd >= 0 && got < cap) {
        ssize_t n = read(fd, out + got, cap - got);

        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return text_from(out, got);
}

/* One line of mountinfo (proc(5)): root, mount point, type and the controllers of a cgroup mount.
 */
struct mount_line {
    struct text root, point, type, options;
};

static bool
parse_mount(struct text line, struct mount_line *out)
{
    struct text field = { 0 };
    int n = 0;

    while (text_cut(&line, ' ', &field)) {
        n++;
        if (n == 4)
            out->root = field;
        else if (n == 5)
            out->point = field;
        else if (n > 6 && text_is(field, "-"))
            break;
    }
    return text_cut(&line, ' ', &out->type) && text_cut(&line, ' ', &field) &&
           text_cut(&line, ' ', &out->options);
}

/* The path of this process in the hierarchy ${name} ("" is v2), from /proc/self/cgroup. */
static struct text
own_path(struct text self, struct text name)
{
    struct text line, number, controllers;

    while (text_cut(&self, '\n', &line))
        if (text_cut(&line, ':', &number) && text_cut(&line, ':', &controllers) &&
            text_equal(controllers, name))
            return line;
    return TEXT("/");
}

/* "rw,cpu,cpuacct" names the hierarchy "cpu,cpuacct" in /proc/self/cgroup; "rw,name=x" "name=x". */
static struct text
hierarchy_name(struct text options)
{
    if (text_starts(options, "rw,") || text_starts(options, "ro,"))
        options = text_after(options, 3);
    while (text_starts(options, "xattr,") || text_starts(options, "clone_children,"))
        options = text_after(options, text_starts(options, "xattr,") ? 6 : 15);
    for (size_t i = 0; i < options.n; i++)
        if (text_starts(text_after(options, i), ",release_agent="))
            return text_first(options, i);
    return options;
}

static void
add_hierarchy(struct cgroup *c, struct mount_line m, struct text name, struct text self)
{
    struct text own = own_path(self, name);
    int at = c->count;

    if (at == CGROUP_HIERARCHIES_MAX || m.point.n + own.n + 128 > CGROUP_PATH_MAX)
        return;
    if (!text_is(m.root, "/") && own.n >= m.root.n && text_equal(text_first(own, m.root.n), m.root))
        own = text_after(own, m.root.n); /* inside a container: the mount shows a part only */
    if (text_is(own, "/"))
        own.n = 0;
    (void)text_copy(name, c->at[at].name, sizeof(c->at[at].name));
    (void)snprintf(c->at[at].folder, sizeof(c->at[at].folder), "%.*s%.*s", TEXT_ARG(m.point),
                   TEXT_ARG(own));
    c->count++;
}

static bool
has_controller(const struct cgroup *c, int at, const char *controller)
{
    struct text rest = text_of(c->at[at].name), one;

    while (text_cut(&rest, ',', &one))
        if (text_is(one, controller))
            return true;
    return false;
}

static int
memory_at(const struct cgroup *c)
{
    for (int i = 0; i < c->count; i++)
        if (c->version == 2 || has_controller(c, i, "memory"))
            return i;
    return -1;
}

static int
enable_v2(const struct cgroup *c, const char *folder, struct err *err)
{
    static const char wanted[] = "+cpu +memory +pids";
    char path[CGROUP_PATH_MAX + 32];
    OWN_FD fd = -1;

    (void)c;
    (void)snprintf(path, sizeof(path), "%s/cgroup.subtree_control", folder);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, wanted, sizeof(wanted) - 1) < 0)
        return err_sys(err, errno, "cannot enable the cpu, memory and pids controllers in %s",
                       folder);
    return 0;
}

int
cgroup_find(struct cgroup *c, struct err *err)
{
    char mounts_bytes[TEXT_MAX], self_bytes[CONTROL_MAX], path[CGROUP_PATH_MAX + 64];
    struct text mounts = read_file("/proc/self/mountinfo", mounts_bytes, sizeof(mounts_bytes));
    struct text self = read_file("/proc/self/cgroup", self_bytes, sizeof(self_bytes));
    struct mount_line m = { 0 }, v2 = { 0 };
    struct text line;
    int at;

    *c = (struct cgroup){ .version = 1 };
    while (text_cut(&mounts, '\n', &line)) {
        if (!parse_mount(line, &m))
            continue;
        if (text_is(m.type, "cgroup"))
            add_hierarchy(c, m, hierarchy_name(m.options), self);
        else if (text_is(m.type, "cgroup2"))
            v2 = m;
    }
    if (memory_at(c) < 0 && v2.point.n > 0) {
        *c = (struct cgroup){ .version = 2 };
        add_hierarchy(c, v2, (struct text){ 0 }, (struct text){ 0 });
    } else if (v2.point.n > 0) {
        add_hierarchy(c, v2, (struct text){ 0 }, self); /* hybrid: runc makes folders there too */
    }
    at = memory_at(c);
    if (at < 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "no cgroup hierarchy with the memory controller is mounted");
    if (c->version == 2 && enable_v2(c, c->at[0].folder, err) != 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/memory.memsw.limit_in_bytes", c->at[at].folder);
    c->swap = c->version == 2 || access(path, F_OK) == 0;
    return 0;
}

static void
folder_of(const struct cgroup *c, int at, const char *tag, const char *id,
          char out[static CGROUP_PATH_MAX])
{
    (void)snprintf(out, CGROUP_PATH_MAX, "%s/holdfast-%s%s%s", c->at[at].folder, tag,
                   id[0] != '\0' ? "/" : "", id);
}

int
cgroup_make(const struct cgroup *c, const char *tag, const char *id, struct err *err)
{
    char path[CGROUP_PATH_MAX];

    for (int i = 0; i < c->count; i++)
        for (int level = 0; level < 2; level++) {
            folder_of(c, i, tag, level == 0 ? "" : id, path);
            if (mkdir(path, 0755) != 0 && errno != EEXIST)
                return err_sys(err, errno, "cannot make the cgroup %s", path);
            if (c->version == 2 && enable_v2(c, path, err) != 0)
                return -1;
        }
    return 0;
}

void
cgroup_path(const struct cgroup *c, const char *tag, const char *id, unsigned container,
            char out[static CGROUP_PATH_MAX])
{
    /* v1: no leading slash, so that runc works below its own cgroup in each hierarchy. */
    (void)snprintf(out, CGROUP_PATH_MAX, "%sholdfast-%s/%s/c%u", c->version == 2 ? "/" : "", tag,
                   id, container);
}

uint64_t
cgroup_oom_kills(const struct cgroup *c, const char *tag, const char *id, unsigned container)
{
    char path[CGROUP_PATH_MAX], file[CGROUP_PATH_MAX + 64], bytes[CONTROL_MAX];
    int at = memory_at(c);
    struct text all, line;
    uint64_t n = 0;

    if (at < 0)
        return 0;
    folder_of(c, at, tag, id, path);
    (void)snprintf(file, sizeof(file), "%s/c%u/%s", path, container,
                   c->version == 2 ? "memory.events" : "memory.oom_control");
    all = read_file(file, bytes, sizeof(bytes));
    while (text_cut(&all, '\n', &line))
        if (text_starts(line, "oom_kill ") && text_to_u64(text_after(line, 9), INT64_MAX, &n))
            return n;
    return 0;
}

/* Kill every process in the folder at ${dirfd}; whether there was one. */
static bool
kill_all(int dirfd)
{
    OWN_FD kill_fd = openat(dirfd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
    OWN_FD fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    char bytes[CONTROL_MAX];
    struct text all, line;
    uint64_t pid = 0;
    ssize_t n;
    bool any = false;

    if (kill_fd >= 0)
        (void)!write(kill_fd, "1", 1);
    n = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : 0;
    all = text_from(bytes, n > 0 ? (size_t)n : 0);
    while (text_cut(&all, '\n', &line))
        if (text_to_u64(line, INT32_MAX, &pid) && pid > 0) {
            (void)kill((pid_t)pid, SIGKILL);
            any = true;
        }
    return any;
}

/* Empty and remove what lies in ${dirfd}: its child folders, depth first.  True: nothing is left.
 */
static bool
remove_children(int dirfd, int depth)
{
    DIR *dir = fdopendir(dup(dirfd));
    struct dirent *entry;
    bool clean = !kill_all(dirfd);

    if (dir == NULL || depth == 0)
        return false;
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL) {
        int fd;

        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        fd = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            continue;
        clean = remove_children(fd, depth - 1) && clean;
        (void)close(fd);
        if (unlinkat(dirfd, entry->d_name, AT_REMOVEDIR) != 0 && errno != ENOENT)
            clean = false;
    }
    (void)closedir(dir);
    return clean;
}

static int
remove_at(const char *path, struct err *err)
{
    static const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

    for (int i = 0; i < KILL_TRIES; i++) {
        OWN_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0 && errno == ENOENT)
            return 0;
        if (fd >= 0)
            (void)remove_children(fd, NESTED_MAX);
        if (rmdir(path) == 0 || errno == ENOENT)
            return 0;
        (void)nanosleep(&pause, NULL);
    }
    return err_set(err, ERR_BUSY, "the cgroup %s does not become empty", path);
}

int
cgroup_remove(const struct cgroup *c, const char *tag, const char *id, struct err *err)
{
    char path[CGROUP_PATH_MAX];

    for (int i = 0; i < c->count; i++) {
        folder_of(c, i, tag, id, path);
        if (remove_at(path, err) != 0)
            return -1;
        folder_of(c, i, tag, "", path);
        (void)rmdir(path); /* the last group turns off the light; ENOTEMPTY is usual */
    }
    return 0;
}

void
cgroup_each(const struct cgroup *c, const char *tag, void (*fn)(void *self, const char *id),
            void *self)
{
    char path[CGROUP_PATH_MAX];

    for (int i = 0; i < c->count; i++) {
        struct dirent *entry;
        DIR *dir;

        folder_of(c, i, tag, "", path);
        dir = opendir(path);
        while (dir != NULL && (entry = readdir(dir)) != NULL)
            if (entry->d_type == DT_DIR && id_is(text_of(entry->d_name)))
                fn(self, entry->d_name);
        if (dir != NULL)
            (void)closedir(dir);
    }
}
