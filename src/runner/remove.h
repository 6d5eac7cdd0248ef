/*
 * remove.h - remove a tree that hostile programs filled.
 *
 * Depth does not matter (a container may nest folders deeper than any path is long), symbolic links
 * are removed and never followed, and other filesystems are not entered.
 */
#ifndef RUNNER_REMOVE_H
#define RUNNER_REMOVE_H

#include "base/err.h"

/* remove_tree(dirfd, name, err): 0 also when there is none.  Nobody may be writing in it. */
MUST_CHECK int remove_tree(int dirfd, const char *name, struct err *err);

#endif /* RUNNER_REMOVE_H */
