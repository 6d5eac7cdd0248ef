/* tar_priv.h - the two halves of a tar header, between the files of the tar reader. */
#ifndef WIRE_TAR_PRIV_H
#define WIRE_TAR_PRIV_H

#include <stdbool.h>

#include "wire/tar.h"

/* What a pax extended header says about the next entry.  Texts point into its bytes. */
struct tar_pax {
    struct text path; /* p NULL when not given */
    struct text link;
    bool has_size, has_uid, has_gid, has_mtime;
    uint64_t size, uid, gid;
    int64_t mtime_ns;
    struct tar_xattr xattrs[TAR_XATTRS_MAX];
    size_t n_xattrs;
};

/* tar_pax_parse(out, bytes, err): all records of one extended header. */
MUST_CHECK int tar_pax_parse(struct tar_pax *out, struct text bytes, struct err *err);

/* One header block, its numbers read and its checksum verified. */
struct tar_block {
    char type;
    struct text prefix; /* empty unless the format has one and it is used */
    struct text name;   /* texts point into the block */
    struct text link;
    uint64_t mode, uid, gid, size;
    int64_t mtime;
    uint64_t devmajor, devminor; /* 0 unless it is a device */
};

MUST_CHECK int tar_block_parse(struct tar_block *out, const char block[static TAR_BLOCK],
                               struct err *err);

#endif /* WIRE_TAR_PRIV_H */
