#include "daemon/certificates.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "crypto/certificate.h"

#define EXTRA_MAX (OPTIONS_NAMES_MAX + OPTIONS_LISTEN_MAX)

/* The names of the configuration, and every address that is listened on. */
static void
extra_names(const struct options *o, const char *out[static EXTRA_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < o->n_names; i++)
        out[n++] = o->names[i];
    for (size_t i = 0; i < o->n_listen; i++)
        if (strcmp(o->listen[i].host, "0.0.0.0") != 0 && strcmp(o->listen[i].host, "::") != 0)
            out[n++] = o->listen[i].host;
    out[n] = NULL;
}

int
certificates_keep(int dirfd, const struct options *o, struct err *err)
{
    const char *extra[EXTRA_MAX + 1];
    OWN_MEM(struct certificate_names) names = mem_zalloc(sizeof(*names));
    OWN_FD tls = -1;

    if (names == NULL)
        return err_memory(err);
    if (mkdirat(dirfd, "tls", 0700) < 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make the folder tls");
    if ((tls = openat(dirfd, "tls", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return err_sys(err, errno, "cannot open the folder tls");
    extra_names(o, extra);
    if (certificate_names_of(o->domain, extra, names, err) < 0)
        return -1;
    return certificate_keep(tls, names, clock_now_us(), err) < 0 ? -1 : 0;
}
