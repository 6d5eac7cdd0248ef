/* unpack.h - what runnerd and holdfast-unpack agree on. */
#ifndef RUNNER_UNPACK_H
#define RUNNER_UNPACK_H

#include <stdint.h>

#include "base/err.h"

#define UNPACK_FD_BLOB     3
#define UNPACK_FD_FOLDER   4

#define UNPACK_ENTRIES_MAX 1000000u                            /* of one layer */
#define UNPACK_BYTES_MAX   ((uint64_t)64 * 1024 * 1024 * 1024) /* of its uncompressed stream */
#define UNPACK_RATIO_MAX   250u /* uncompressed to compressed; deflate can do 1032 */
#define UNPACK_RATIO_FREE  ((uint64_t)256 * 1024 * 1024) /* bytes before the ratio counts */

/* The one thing it says, on its standard output, as its last act. */
struct unpack_report {
    uint32_t kind; /* enum err_kind; ERR_OK: unpacked, on disk, digest right */
    int32_t sys;
    uint64_t entries;
    uint64_t bytes;
    uint64_t skipped; /* device nodes left out */
    char msg[256];
};

#endif /* RUNNER_UNPACK_H */
