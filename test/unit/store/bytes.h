/* bytes.h - a body made of a number: the same seed gives the same bytes and digest. */
#ifndef TEST_STORE_BYTES_H
#define TEST_STORE_BYTES_H

#include <dirent.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "crypto/hasher.h"
#include "store/blob.h"

struct bytes {
    uint64_t seed;
    uint64_t size, at;
    size_t piece;      /* at most so many at one call; 0: as many as asked for */
    uint64_t break_at; /* fail there; 0: never */
};

/* Byte ${i} of the body ${seed}: eight at a time, cheap and without a period that matters. */
static inline void
bytes_make(uint64_t seed, uint64_t at, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint64_t word = (at + i) / 8;
        uint64_t x = (word + seed * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
        size_t from = (size_t)((at + i) % 8);
        size_t take = 8 - from < n - i ? 8 - from : n - i;

        x ^= x >> 29;
        memcpy(p + i, (uint8_t *)&x + from, take);
        i += take;
    }
}

static inline ssize_t
bytes_source(void *ctx, void *p, size_t max, struct err *err)
{
    struct bytes *b = ctx;
    uint64_t left = b->size - b->at;
    size_t n = left < max ? (size_t)left : max;

    if (b->break_at > 0 && b->at >= b->break_at)
        return err_set(err, ERR_CLOSED, "the peer went away");
    if (b->piece > 0 && n > b->piece)
        n = b->piece;
    bytes_make(b->seed, b->at, p, n);
    b->at += n;
    return (ssize_t)n;
}

static inline struct digest
bytes_digest(enum digest_algorithm algorithm, uint64_t seed, uint64_t size)
{
    static __thread uint8_t block[65536];
    struct hasher h;
    struct digest d;

    hasher_init(&h, algorithm);
    for (uint64_t at = 0; at < size; at += sizeof(block)) {
        size_t n = size - at < sizeof(block) ? (size_t)(size - at) : sizeof(block);

        bytes_make(seed, at, block, n);
        hasher_add(&h, block, n);
    }
    hasher_end(&h, &d);
    return d;
}

/* Entries of a folder below ${dirfd}, without "." and "..". */
static inline int
bytes_entries(int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
    DIR *dir = fdopendir(fd);

    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n - 2;
}

#endif /* TEST_STORE_BYTES_H */
