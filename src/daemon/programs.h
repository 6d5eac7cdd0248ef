/* programs.h - our other processes: where their files are and with which power they start. */
#ifndef DAEMON_PROGRAMS_H
#define DAEMON_PROGRAMS_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "daemon/options.h"
#include "daemon/user.h"
#include "rt/keeper.h"

enum program {
    PROGRAM_VAULTD,
    PROGRAM_RUNNERD,
    PROGRAM_COUNT,
};

/*
 * programs_describe(o, users, arena, out, err): rows for keeper_start().  A program is looked for
 * beside holdfastd in a build tree (../ROOM/NAME), then in the installed libexec folder.
 */
MUST_CHECK int programs_describe(const struct options *o, const struct users *users,
                                 struct arena *arena,
                                 struct keeper_program out[static PROGRAM_COUNT], struct err *err);

#endif /* DAEMON_PROGRAMS_H */
