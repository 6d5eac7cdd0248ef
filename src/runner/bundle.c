#include "runner/bundle.h"

#include <string.h>
#include <sys/utsname.h>

#include "runner/place.h"
#include "runner/seccomp_table.h"

#define CPU_PERIOD_US 100000u
#define PIDS_LIMIT    2048

/* Docker's default set without MKNOD, NET_RAW and SETFCAP; all of it inside the user namespace. */
static const char *const capabilities[] = {
    "CAP_AUDIT_WRITE",      "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER",
    "CAP_FSETID",           "CAP_KILL",    "CAP_SETGID",       "CAP_SETUID",
    "CAP_NET_BIND_SERVICE", "CAP_SETPCAP", "CAP_SYS_CHROOT",
};

static const char *const masked[] = {
    "/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/scsi",
    "/proc/sched_debug",   "/proc/interrupts", "/sys/firmware",     "/sys/devices/virtual/powercap",
};

static const char *const readonly[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const struct {
    const char *target, *type, *source, *options;
} mounts[] = {
    { "/proc", "proc", "proc", "\"nosuid\",\"noexec\",\"nodev\"" },
    { "/dev", "tmpfs", "tmpfs", "\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"" },
    { "/dev/pts", "devpts", "devpts",
      "\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"" },
    { "/dev/shm", "tmpfs", "shm", "\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"" },
    { "/dev/mqueue", "mqueue", "mqueue", "\"nosuid\",\"noexec\",\"nodev\"" },
    { "/sys", "sysfs", "sysfs", "\"nosuid\",\"noexec\",\"nodev\",\"ro\"" },
};

static const char *const etc_files[] = { "resolv.conf", "hosts", "hostname" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

void
bundle_string(struct buf *out, struct text t)
{
    buf_char(out, '"');
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else
            buf_char(out, (char)c);
    }
    buf_char(out, '"');
}

static void
put_texts(struct buf *out, const char *key, const struct text *v, size_t n)
{
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < n; i++) {
        buf_str(out, i > 0 ? "," : "");
        bundle_string(out, v[i]);
    }
    buf_str(out, "]");
}

static void
put_names(struct buf *out, const char *key, const char *const *v, size_t n)
{
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", v[i]);
    buf_str(out, "]");
}

static bool
has_variable(const struct plan_container *c, const char *prefix)
{
    for (size_t i = 0; i < c->env_count; i++)
        if (text_starts(c->env[i], prefix))
            return true;
    return false;
}

/* As docker does: PATH, HOSTNAME and HOME are there, and the plan's own win. */
static void
put_environment(const struct bundle *b, struct buf *out)
{
    const struct plan_container *c = b->container;
    OWN_BUF(line, PLAN_STRING_MAX);

    buf_str(out, "\"env\":[\"container=holdfast\"");
    if (!has_variable(c, "PATH="))
        buf_str(out, ",\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"");
    if (!has_variable(c, "HOSTNAME="))
        buf_printf(out, ",\"HOSTNAME=%s\"", b->hostname);
    if (!has_variable(c, "HOME=")) {
        buf_str(&line, "HOME=");
        buf_text(&line, b->user->home.n > 0 ? b->user->home
                                            : (b->user->uid == 0 ? TEXT("/root") : TEXT("/")));
        buf_char(out, ',');
        bundle_string(out, buf_view(&line));
    }
    for (size_t i = 0; i < c->env_count; i++) {
        buf_char(out, ',');
        bundle_string(out, c->env[i]);
    }
    buf_str(out, "]");
}

static void
put_process(const struct bundle *b, struct buf *out)
{
    static const char *const root_sets[] = { "bounding", "effective", "permitted" };
    const struct plan_container *c = b->container;
    uint64_t soft = b->nofile_hard < 1024 ? b->nofile_hard : 1024;

    buf_printf(out,
               "\"process\":{\"terminal\":false,\"user\":{\"uid\":%u,\"gid\":%u,"
               "\"additionalGids\":[",
               b->user->uid, b->user->gid);
    for (size_t i = 0; i < b->user->group_count; i++)
        buf_printf(out, "%s%u", i > 0 ? "," : "", b->user->groups[i]);
    buf_str(out, "]},");
    put_texts(out, "args", c->args, c->arg_count);
    buf_str(out, ",");
    put_environment(b, out);
    buf_str(out, ",\"cwd\":");
    bundle_string(out, c->cwd.n > 0 ? c->cwd : TEXT("/"));
    buf_str(out, ",\"capabilities\":{");
    for (size_t i = 0; i < COUNT(root_sets); i++) {
        buf_str(out, i > 0 ? "," : "");
        put_names(out, root_sets[i], capabilities,
                  i == 0 || b->user->uid == 0 ? COUNT(capabilities) : 0);
    }
    buf_printf(out,
               "},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":%lu,\"soft\":%lu}],"
               "\"noNewPrivileges\":true},",
               (unsigned long)b->nofile_hard, (unsigned long)soft);
}

static void
put_mounts(const struct bundle *b, struct buf *out)
{
    buf_str(out, "\"mounts\":[");
    for (size_t i = 0; i < COUNT(mounts); i++)
        buf_printf(out,
                   "{\"destination\":\"%s\",\"type\":\"%s\",\"source\":\"%s\",\"options\":[%s]},",
                   mounts[i].target, mounts[i].type, mounts[i].source, mounts[i].options);
    for (size_t i = 0; i < COUNT(etc_files); i++) {
        buf_printf(out,
                   "%s{\"destination\":\"/etc/%s\",\"type\":\"bind\",\"source\":", i > 0 ? "," : "",
                   etc_files[i]);
        buf_printf(out, "\"%s/%s\"", b->etc, etc_files[i]);
        buf_str(out, ",\"options\":[\"bind\",\"rprivate\"]}");
    }
    buf_str(out, "],");
}

static void
put_namespaces(const struct bundle *b, struct buf *out)
{
    static const char *const joined[] = { "user", "network", "ipc", "uts" };
    static const char *const maps[] = { "uidMappings", "gidMappings" };

    buf_str(out, "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"cgroup\"}");
    for (size_t i = 0; i < COUNT(joined); i++)
        buf_printf(out, ",{\"type\":\"%s\",\"path\":\"%s%d\"}", joined[i], b->namespace_at,
                   b->namespace_fd + (int)i);
    buf_str(out, "],");
    /* runc wants them beside the path of the namespace that already has them. */
    for (size_t i = 0; i < COUNT(maps); i++)
        buf_printf(out, "\"%s\":[{\"containerID\":0,\"hostID\":%u,\"size\":%u}],", maps[i], b->uid,
                   PLACE_UIDS);
}

static void
put_resources(const struct bundle *b, struct buf *out)
{
    const struct plan_container *c = b->container;

    buf_printf(out,
               "\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}],"
               "\"pids\":{\"limit\":%d}",
               PIDS_LIMIT);
    if (c->memory_bytes > 0) {
        buf_printf(out, ",\"memory\":{\"limit\":%lu", (unsigned long)c->memory_bytes);
        if (b->swap)
            buf_printf(out, ",\"swap\":%lu", (unsigned long)c->memory_bytes);
        buf_str(out, "}");
    }
    if (c->cpu_millis > 0) {
        uint64_t shares = (uint64_t)c->cpu_millis * 1024 / 1000;

        buf_printf(out, ",\"cpu\":{\"period\":%u,\"quota\":%lu,\"shares\":%lu}", CPU_PERIOD_US,
                   (unsigned long)((uint64_t)c->cpu_millis * CPU_PERIOD_US / 1000),
                   (unsigned long)(shares < 2 ? 2 : shares));
    }
    buf_str(out, "},");
}

/* The native one only: the 32-bit doors of the kernel stay shut, and the filter is a third as long
 * to compile, which is what a start waits for. */
static const char *
architecture(void)
{
    struct utsname machine = { 0 };

    (void)uname(&machine);
    return strcmp(machine.machine, "aarch64") == 0 ? "\"SCMP_ARCH_AARCH64\""
                                                   : "\"SCMP_ARCH_X86_64\"";
}

static void
put_seccomp(struct buf *out)
{
    buf_printf(out,
               "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[%s],"
               "\"syscalls\":[{",
               architecture());
    put_names(out, "names", seccomp_allowed, seccomp_allowed_count);
    buf_str(out, ",\"action\":\"SCMP_ACT_ALLOW\"}");
    for (size_t i = 0; i < seccomp_condition_count; i++) {
        const struct seccomp_condition *c = &seccomp_conditions[i];

        buf_printf(out, ",{\"names\":[\"%s\"],\"action\":\"%s\"", c->name, c->action);
        if (c->error != 0)
            buf_printf(out, ",\"errnoRet\":%d", c->error);
        if (c->op != NULL)
            buf_printf(out,
                       ",\"args\":[{\"index\":%u,\"value\":%lu,\"valueTwo\":%lu,\"op\":\"%s\"}]",
                       c->argument, (unsigned long)c->value, (unsigned long)c->value_two, c->op);
        buf_str(out, "}");
    }
    buf_str(out, "]},");
}

void
bundle_print(const struct bundle *b, struct buf *out)
{
    buf_str(out, "{\"ociVersion\":\"1.0.2\",");
    put_process(b, out);
    buf_str(out, "\"root\":{\"path\":");
    bundle_string(out, text_of(b->rootfs));
    buf_printf(out, ",\"readonly\":%s},\"hostname\":\"%s\",",
               b->container->readonly ? "true" : "false", b->hostname);
    put_mounts(b, out);
    buf_str(out, "\"linux\":{");
    put_namespaces(b, out);
    put_resources(b, out);
    buf_printf(out, "\"cgroupsPath\":\"%s\",", b->cgroups_path);
    put_seccomp(out);
    put_names(out, "maskedPaths", masked, COUNT(masked));
    buf_str(out, ",");
    put_names(out, "readonlyPaths", readonly, COUNT(readonly));
    buf_str(out, "}}\n");
}
