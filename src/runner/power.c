#include "runner/power.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define WANTED_MAX 32

/* No SYS_MODULE, SYS_RAWIO, SYS_BOOT, SYS_TIME, NET_RAW, SYSLOG, MAC_*, AUDIT_CONTROL ... */
static const unsigned supervisor[] = {
    CAP_CHOWN,       CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,  CAP_FOWNER,
    CAP_FSETID,      CAP_KILL,         CAP_SETGID,           CAP_SETUID,
    CAP_SETPCAP,     CAP_SETFCAP,      CAP_SYS_CHROOT,       CAP_SYS_PTRACE,
    CAP_SYS_ADMIN,   CAP_MKNOD,        CAP_NET_ADMIN,        CAP_BPF,
    CAP_AUDIT_WRITE, CAP_SYS_RESOURCE, CAP_NET_BIND_SERVICE,
};

static const unsigned unpack[] = {
    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP,
};

static int
keep(const unsigned *wanted, size_t n, const char *who, struct err *err)
{
    capng_select_t what = CAPNG_SELECT_CAPS;
    bool have[WANTED_MAX];

    if (capng_get_caps_process() != 0)
        return err_set(err, ERR_IO, "the %s cannot see its capabilities", who);
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1)
        what = CAPNG_SELECT_BOTH;
    /* Never more than we have: machines differ, SYS_RESOURCE is often missing. */
    for (size_t i = 0; i < n; i++)
        have[i] = capng_have_capability(CAPNG_PERMITTED, wanted[i]) == 1;
    capng_clear(CAPNG_SELECT_BOTH);
    for (size_t i = 0; i < n; i++)
        if (have[i])
            (void)capng_update(
                CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                wanted[i]);
    errno = 0;
    if (capng_apply(what) != 0)
        return err_sys(err, errno, "the %s cannot give up its capabilities", who);
    return 0;
}

int
power_keep_supervisor(struct err *err)
{
    return keep(supervisor, sizeof(supervisor) / sizeof(supervisor[0]), "supervisor", err);
}

int
power_keep_unpack(struct err *err)
{
    return keep(unpack, sizeof(unpack) / sizeof(unpack[0]), "unpacker", err);
}
