/*
 * tar.h - a tar stream (ustar, pax, GNU long names) as events; bytes are pushed in, nothing is
 * read.
 *
 * Sources: POSIX.1-2017 pax, "pax Interchange Format"; GNU tar manual, "Basic Tar Format"; where
 * they leave room, what Go's archive/tar does, because that is what writes and reads layers.
 *
 * Invariants:
 *   T1  an entry is announced only with a valid checksum, a known type, every number within its
 *       bounds, and a path of 1 to TAR_PATH_MAX bytes without NUL;
 *   T2  the DATA runs of an entry add up to entry.size, exactly;
 *   T3  memory stays below TAR_PAX_MAX and a constant, whatever arrives; headers that only describe
 *       others (pax, GNU) count against TAR_PAX_MAX per entry;
 *   T4  what different readers understand differently is refused: sparse files, unknown types, hard
 *       links with a size, an entry described twice, records behind a zero block, a stream cut off
 *       inside an entry.
 * Paths are as written in the archive: hostile.  Pass them through tar_path_clean() before use.
 */
#ifndef WIRE_TAR_H
#define WIRE_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/text.h"

#define TAR_BLOCK      512
#define TAR_PATH_MAX   4096
#define TAR_PAX_MAX    ((size_t)1024 * 1024)
#define TAR_XATTRS_MAX 128
#define TAR_SIZE_MAX   ((uint64_t)1 << 60)
#define TAR_ID_MAX     ((uint64_t)UINT32_MAX - 1) /* uid, gid, device numbers */

enum tar_type {
    TAR_FILE,
    TAR_HARDLINK,
    TAR_SYMLINK,
    TAR_CHAR,
    TAR_BLOCKDEV,
    TAR_DIR,
    TAR_FIFO,
};

struct tar_xattr {
    struct text name;  /* "user.x", "security.capability" ... */
    struct text value; /* any bytes */
};

struct tar_entry {
    struct text path; /* a directory's may end in "/" */
    struct text link; /* target of a hard or symbolic link: not empty then */
    enum tar_type type;
    uint32_t mode; /* permission bits only: 07777 */
    uint32_t uid;
    uint32_t gid;
    uint64_t size; /* of a file's data; 0 for every other type */
    int64_t mtime_ns;
    uint32_t devmajor; /* devices only */
    uint32_t devminor;
    struct tar_xattr xattrs[TAR_XATTRS_MAX];
    size_t n_xattrs;
};

enum tar_event_kind {
    TAR_MORE,      /* nothing yet: feed more bytes */
    TAR_ENTRY,     /* a new entry */
    TAR_DATA,      /* a run of its data */
    TAR_END_ENTRY, /* its data is complete; every entry ends so, also those without data */
    TAR_END,       /* the end mark; whatever follows is taken and ignored */
};

struct tar_event {
    enum tar_event_kind kind;
    const struct tar_entry *entry; /* of ENTRY, DATA, END_ENTRY: until the feed behind the latter */
    struct text data;              /* of DATA, inside the bytes that were fed */
};

struct tar;

struct tar *tar_new(void); /* NULL when out of memory */
void tar_free(struct tar *t);
DEFINE_OWN(tar);

/*
 * tar_feed(t, bytes, n, used, event, err): take up to ${n} bytes and say what they brought.
 * ${used} bytes are taken; call again with the rest, and as long as the event is not TAR_MORE (it
 * may then be called with n = 0).  -1: ERR_INVALID (not a good tar), ERR_TOO_LARGE,
 * ERR_UNSUPPORTED, ERR_NO_SPACE (memory); ${t} is then good for tar_free() only.
 */
MUST_CHECK int tar_feed(struct tar *t, const void *bytes, size_t n, size_t *used,
                        struct tar_event *event, struct err *err);

/* tar_finish(t, err): there are no more bytes; -1 when an entry, or a header of one, is cut off.
 * The padding of the last entry and the end mark may be missing: some writers leave them out. */
MUST_CHECK int tar_finish(struct tar *t, struct err *err);

/*
 * tar_path_clean(path, out, err): the path relative to the root of the layer, with single slashes,
 * no "." component, no slash at its end; the root itself ("./", "/") is ".".  Refused: other
 * absolute paths, "..", NUL, the empty path, components above 255 bytes, more than TAR_PATH_MAX.
 */
MUST_CHECK int tar_path_clean(struct text path, char out[static TAR_PATH_MAX + 1], struct err *err);

#endif /* WIRE_TAR_H */
