/* scratch.h - a folder of its own for one test, gone when the test ends. */
#ifndef TEST_STORE_SCRATCH_H
#define TEST_STORE_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

/* A test that makes very many folders and is not about disks asks for memory instead. */
#ifndef SCRATCH_PARENT
#define SCRATCH_PARENT "/tmp"
#endif

struct scratch {
    char dir[64];
    char database[96];
    int fd;
};

static inline int
scratch_remove_(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void
scratch_open(struct scratch *s)
{
    (void)snprintf(s->dir, sizeof(s->dir), "%s/holdfast-store-XXXXXX", SCRATCH_PARENT);
    if (mkdtemp(s->dir) == NULL) {
        (void)snprintf(s->dir, sizeof(s->dir), "/tmp/holdfast-store-XXXXXX");
        if (mkdtemp(s->dir) == NULL)
            abort();
    }
    if ((s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        abort();
    (void)snprintf(s->database, sizeof(s->database), "%s/holdfast.db", s->dir);
}

static inline void
scratch_close(struct scratch *s)
{
    (void)close(s->fd);
    (void)nftw(s->dir, scratch_remove_, 16, FTW_DEPTH | FTW_PHYS);
}

#define SCRATCH(name)                                                                              \
    __attribute__((cleanup(scratch_close))) struct scratch name;                                   \
    scratch_open(&name)

/* must(err, r): the call was to succeed; say why it did not. */
static inline int
must_(const struct err *err, int r, const char *call, int line)
{
    if (r < 0) {
        fprintf(stderr, "line %d: %s: %s: %s (%s)\n", line, call, err_kind_name(err->kind),
                err->msg, err->detail);
        abort();
    }
    return r;
}
#define must(err, call) must_((err), (call), #call, __LINE__)

#endif /* TEST_STORE_SCRATCH_H */
