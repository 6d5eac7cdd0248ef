/*
 * keeper.h - the process that keeps the power to start our other processes.
 *
 * holdfastd forks it before it gives its privileges up.  It reads nothing but the number of a row
 * of a const table; it starts that program and hands back our end of the program's channel.
 *
 * Invariants:
 *   K1  only programs of the table are started, as the row says;
 *   K2  of each row at most one process lives: a second start ends the first one before;
 *   K3  the keeper ends when holdfastd does; its programs see the end of their channel then.
 *
 * Threads: keeper_start() before any thread is made; keeper_spawn() from any thread.
 */
#ifndef RT_KEEPER_H
#define RT_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/own.h"

#define KEEPER_PROGRAMS_MAX 8
#define KEEPER_GRACE_MS     2000 /* for an earlier process to end by itself */

struct keeper_program {
    const char *path;
    const char *const *argv; /* NULL-terminated */
    const char *const *env;  /* NULL-terminated; NULL: none */
    bool change_user;        /* only done when the keeper runs as root */
    uid_t uid;
    gid_t gid;
    bool new_session;
};

struct keeper;

/* keeper_start(programs, n, err): the table is copied with the process: free it when you like. */
MUST_CHECK struct keeper *keeper_start(const struct keeper_program *programs, size_t n,
                                       struct err *err);

/* keeper_free(k): it ends; its programs get the end of their channel. */
void keeper_free(struct keeper *k);
DEFINE_OWN(keeper);

/*
 * keeper_spawn(k, index, fd, err): start row ${index}, again if need be (after a crash).  ${fd}
 * becomes the caller's end of the channel; the program has the other end as descriptor 3.
 */
MUST_CHECK int keeper_spawn(struct keeper *k, size_t index, int *fd, struct err *err);

#endif /* RT_KEEPER_H */
