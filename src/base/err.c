#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static enum err_kind
kind_of_errno(int sys)
{
    switch (sys) {
    case ENOSPC:
    case EDQUOT:
    case ENOMEM: return ERR_NO_SPACE;
    default: return ERR_IO;
    }
}

int
err_set_at(struct err *err, enum err_kind kind, const char *code, int sys, const char *where,
           const char *fmt, ...)
{
    va_list ap;

    if (err->kind != ERR_OK)
        return -1;
    err->kind = kind != ERR_OK ? kind : kind_of_errno(sys);
    err->code = code;
    err->sys = sys;
    err->where = where;
    va_start(ap, fmt);
    (void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    text_mend_utf8(err->msg);
    return -1;
}

int
err_note(struct err *err, const char *fmt, ...)
{
    size_t used = strlen(err->detail);
    va_list ap;

    if (used > 0 && used + 3 < sizeof(err->detail)) {
        memcpy(err->detail + used, "; ", 3);
        used += 2;
    }
    va_start(ap, fmt);
    (void)vsnprintf(err->detail + used, sizeof(err->detail) - used, fmt, ap);
    va_end(ap);
    return -1;
}

void
err_clear(struct err *err)
{
    *err = (struct err){ 0 };
}

const char *
err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {
        [ERR_OK] = "ok",
        [ERR_INVALID] = "invalid",
        [ERR_UNAUTHENTICATED] = "unauthenticated",
        [ERR_DENIED] = "denied",
        [ERR_NOT_FOUND] = "not-found",
        [ERR_CONFLICT] = "conflict",
        [ERR_PRECONDITION] = "precondition",
        [ERR_TOO_LARGE] = "too-large",
        [ERR_UNSUPPORTED] = "unsupported",
        [ERR_RANGE] = "range",
        [ERR_BUSY] = "busy",
        [ERR_TIMEOUT] = "timeout",
        [ERR_CLOSED] = "closed",
        [ERR_NO_SPACE] = "no-space",
        [ERR_CORRUPT] = "corrupt",
        [ERR_IO] = "io",
    };

    return names[kind];
}
