/* tar_make.h - archives for the tests, built block by block. */
#ifndef TEST_WIRE_TAR_MAKE_H
#define TEST_WIRE_TAR_MAKE_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "wire/tar.h"

#define MAKE_CHECKSUM 148

/* Write the checksum of ${block} into it. */
static inline void
make_checksum(char *block)
{
    unsigned sum = 0;

    memset(block + MAKE_CHECKSUM, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)block[i];
    (void)snprintf(block + MAKE_CHECKSUM, 8, "%06o", sum);
}

/* A ustar header without its checksum, to be changed before make_checksum(). */
static inline void
make_block(char *block, char type, const char *name, const char *link, unsigned long size)
{
    memset(block, 0, TAR_BLOCK);
    memcpy(block, name, strlen(name) < 100 ? strlen(name) : 100);
    (void)snprintf(block + 100, 8, "%07o", 0644U);
    (void)snprintf(block + 108, 8, "%07o", 1000U);
    (void)snprintf(block + 116, 8, "%07o", 100U);
    (void)snprintf(block + 124, 12, "%011lo", size);
    (void)snprintf(block + 136, 12, "%011o", 1700000000U);
    block[156] = type;
    memcpy(block + 157, link, strlen(link) < 100 ? strlen(link) : 100);
    memcpy(block + 257,
           "ustar\0"
           "00",
           8);
}

static inline void
make_padding(struct buf *b)
{
    while (b->n % TAR_BLOCK != 0 && !buf_failed(b))
        buf_char(b, '\0');
}

/* Header and data. */
static inline void
make_entry(struct buf *b, char type, const char *name, const char *link, struct text data)
{
    char block[TAR_BLOCK];

    make_block(block, type, name, link, data.n);
    make_checksum(block);
    buf_add(b, block, sizeof(block));
    buf_text(b, data);
    make_padding(b);
}

static inline void
make_end(struct buf *b)
{
    char zeros[2 * TAR_BLOCK] = { 0 };

    buf_add(b, zeros, sizeof(zeros));
}

/* One pax record, its length computed. */
static inline void
make_record(struct buf *b, const char *key, struct text value)
{
    size_t rest = strlen(key) + value.n + 3; /* " ", "=", line feed */
    size_t n = rest + 1;

    while ((size_t)snprintf(NULL, 0, "%zu", n) + rest != n)
        n++;
    buf_printf(b, "%zu %s=", n, key);
    buf_text(b, value);
    buf_char(b, '\n');
}

#endif /* TEST_WIRE_TAR_MAKE_H */
