/* holdfast-unpack DIGEST MEDIA - one hostile layer (fd 3) becomes files in one folder (fd 4). */
#include "runner/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/hasher.h"
#include "runner/fence.h"
#include "runner/inflate.h"
#include "runner/tree.h"

#define CHUNK_BYTES (256 * 1024)

static int
feed(struct tar *tar, struct tree *tree, const char *p, size_t n, struct err *err)
{
    struct tar_event event = { 0 };

    do {
        size_t used = 0;

        if (tar_feed(tar, p, n, &used, &event, err) != 0 || tree_event(tree, &event, err) != 0)
            return -1;
        p += used;
        n -= used;
    } while (n > 0 || (event.kind != TAR_MORE && event.kind != TAR_END));
    return 0;
}

/* More than any honest layer holds, or more than its compressed bytes can honestly become. */
static int
check_size(uint64_t bytes, uint64_t taken, struct err *err)
{
    if (bytes > UNPACK_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the layer unpacks to more than %lu GiB",
                       (unsigned long)(UNPACK_BYTES_MAX >> 30));
    if (bytes > UNPACK_RATIO_FREE && bytes / UNPACK_RATIO_MAX > taken)
        return err_set(err, ERR_TOO_LARGE,
                       "the layer is a decompression bomb: %lu bytes became over %lu",
                       (unsigned long)taken, (unsigned long)bytes);
    return 0;
}

static int
check_digest(const struct hasher *hasher, const struct digest *wanted, struct err *err)
{
    char text[DIGEST_TEXT_MAX + 1];
    struct digest got;

    hasher_end(hasher, &got);
    if (digest_equal(&got, wanted))
        return 0;
    (void)digest_text(&got, text);
    return err_code(err, ERR_INVALID, "DIGEST_INVALID",
                    "the layer's bytes are not what the image's config says: diff_id is %s", text);
}

static int
unpack(struct tree *tree, const struct digest *wanted, enum runner_media media, uint64_t *bytes,
       struct err *err)
{
    OWN(inflate) in = inflate_new(UNPACK_FD_BLOB, media, err);
    OWN(tar) tar = tar_new();
    OWN_MEM(char) chunk = mem_zalloc(CHUNK_BYTES);
    struct hasher hasher;
    int rc;

    if (in == NULL)
        return -1;
    if (tar == NULL || chunk == NULL)
        return err_memory(err);
    hasher_init(&hasher, wanted->algorithm);
    for (;;) {
        size_t n = 0;

        rc = inflate_read(in, chunk, CHUNK_BYTES, &n, err);
        if (rc != 0)
            break;
        *bytes += n;
        if (check_size(*bytes, inflate_taken(in), err) != 0)
            return -1;
        hasher_add(&hasher, chunk, n);
        if (feed(tar, tree, chunk, n, err) != 0)
            return -1;
    }
    if (rc < 0 || tar_finish(tar, err) != 0 || check_digest(&hasher, wanted, err) != 0)
        return -1;
    return tree_end(tree, err);
}

static int
run(int argc, char **argv, struct unpack_report *report, struct err *err)
{
    struct digest wanted;
    uint64_t media = 0;
    struct tree tree;
    int rc;

    if (argc != 3 || !text_to_u64(text_of(argv[2]), RUNNER_MEDIA_ZSTD, &media))
        return err_set(err, ERR_INVALID, "usage: holdfast-unpack DIGEST MEDIA, run by runnerd");
    if (digest_parse(&wanted, text_of(argv[1]), err) != 0 ||
        fence_raise(UNPACK_FD_FOLDER, err) != 0)
        return -1;
    tree_begin(&tree, UNPACK_FD_FOLDER);
    rc = unpack(&tree, &wanted, (enum runner_media)media, &report->bytes, err);
    report->entries = tree.entries;
    report->skipped = tree.skipped;
    tree_done(&tree);
    return rc;
}

int
main(int argc, char **argv)
{
    struct unpack_report report = { 0 };
    struct err err = { 0 };

    if (run(argc, argv, &report, &err) != 0) {
        report.kind = (uint32_t)err.kind;
        report.sys = err.sys;
        (void)text_copy(text_of(err.msg), report.msg, sizeof(report.msg));
    }
    if (write(STDOUT_FILENO, &report, sizeof(report)) != (ssize_t)sizeof(report))
        _exit(1);
    _exit(report.kind == ERR_OK ? 0 : 1);
}
