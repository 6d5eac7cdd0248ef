/*
 * tree.h - a hostile layer becomes files below one folder.
 *
 * Invariants:
 *   T1  nothing outside the folder is read, written or linked, whatever names, links and orders the
 *       layer uses: parents are resolved with openat2(RESOLVE_IN_ROOT), last components never
 *       followed, absolute paths and ".." refused;
 *   T2  the folder holds no device but 0/0 whiteouts that the layer's own ".wh." names asked for,
 * and no overlay attribute but the opaque marks it asked for; T3  owners are below PLACE_UIDS;
 *   T4  at most UNPACK_ENTRIES_MAX names are made, folders the layer leaves out included: a short
 *       header can name two thousand of them.
 */
#ifndef RUNNER_TREE_H
#define RUNNER_TREE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "wire/tar.h"

struct tree {
    int root;   /* borrowed */
    int file;   /* being written; -1 */
    int parent; /* of parent_path; -1 */
    char parent_path[TAR_PATH_MAX + 1];
    uint64_t entries;
    uint64_t skipped;
    struct buf times; /* folders and their times, set when all is written */
};

void tree_begin(struct tree *t, int root);
MUST_CHECK int tree_event(struct tree *t, const struct tar_event *event, struct err *err);
MUST_CHECK int tree_end(struct tree *t, struct err *err);
void tree_done(struct tree *t);

#endif /* RUNNER_TREE_H */
