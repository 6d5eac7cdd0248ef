/* tar_block.c - one header block of 512 bytes (POSIX ustar, old GNU, and the seventh edition's). */
#include <string.h>

#include "wire/tar_priv.h"

/* Offsets and lengths of the fields (POSIX.1-2017, pax, "ustar Header Block"). */
enum {
    NAME = 0,
    NAME_N = 100,
    MODE = 100,
    UID = 108,
    GID = 116,
    ID_N = 8,
    SIZE = 124,
    MTIME = 136,
    LONG_N = 12,
    CHECKSUM = 148,
    CHECKSUM_N = 8,
    TYPE = 156,
    LINK = 157,
    LINK_N = 100,
    MAGIC = 257,
    DEVMAJOR = 329,
    DEVMINOR = 337,
    PREFIX = 345,
    PREFIX_N = 155,
};

static bool
is_filler(char c)
{
    return c == ' ' || c == '\0';
}

/* Digits in base 8 between spaces and NULs; an empty field is 0. */
static bool
read_octal(const char *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;

    while (i < n && is_filler(p[i]))
        i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
        if (v > (uint64_t)INT64_MAX >> 3)
            return false;
        v = v << 3 | (uint64_t)(p[i] - '0');
    }
    while (i < n && is_filler(p[i]))
        i++;
    *out = v;
    return i == n;
}

/* GNU's base 256: the top bit marks it, the rest is a big-endian number in two's complement. */
static bool
read_binary(const char *p, size_t n, int64_t *out)
{
    bool negative = (p[0] & 0x40) != 0;
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t byte = (uint8_t)p[i];

        if (i == 0)
            byte &= 0x7f;
        if (negative)
            byte ^= i == 0 ? 0x7f : 0xff;
        if (v > (uint64_t)INT64_MAX >> 8)
            return false;
        v = v << 8 | byte;
    }
    *out = negative ? -(int64_t)v - 1 : (int64_t)v;
    return true;
}

static bool
read_signed(const char *p, size_t n, int64_t *out)
{
    uint64_t v;

    if ((p[0] & 0x80) != 0)
        return read_binary(p, n, out);
    if (!read_octal(p, n, &v))
        return false;
    *out = (int64_t)v;
    return true;
}

static int
read_number(const char *block, size_t at, size_t n, uint64_t max, uint64_t *out, struct err *err)
{
    int64_t v;

    if (!read_signed(block + at, n, &v) || v < 0 || (uint64_t)v > max)
        return err_set(err, ERR_INVALID, "a number in a tar header (byte %zu) is bad", at);
    *out = (uint64_t)v;
    return 0;
}

/* The sum of all bytes, the checksum's own counting as spaces; old writers added signed ones. */
static int
check_sum(const char *block, struct err *err)
{
    uint64_t stated;
    int64_t plain = 0, with_signs = 0;

    for (size_t i = 0; i < TAR_BLOCK; i++) {
        char c = i >= CHECKSUM && i < CHECKSUM + CHECKSUM_N ? ' ' : block[i];

        plain += (uint8_t)c;
        with_signs += (signed char)c;
    }
    if (!read_octal(block + CHECKSUM, CHECKSUM_N, &stated) ||
        ((int64_t)stated != plain && (int64_t)stated != with_signs))
        return err_set(err, ERR_INVALID, "not a tar header: the checksum is wrong");
    return 0;
}

static struct text
field_text(const char *block, size_t at, size_t n)
{
    return text_from(block + at, strnlen(block + at, n));
}

int
tar_block_parse(struct tar_block *out, const char block[static TAR_BLOCK], struct err *err)
{
    struct tar_block b = { .type = block[TYPE] };

    if (check_sum(block, err) != 0 ||
        read_number(block, MODE, ID_N, INT64_MAX, &b.mode, err) != 0 ||
        read_number(block, UID, ID_N, TAR_ID_MAX, &b.uid, err) != 0 ||
        read_number(block, GID, ID_N, TAR_ID_MAX, &b.gid, err) != 0 ||
        read_number(block, SIZE, LONG_N, TAR_SIZE_MAX, &b.size, err) != 0)
        return -1;
    if (!read_signed(block + MTIME, LONG_N, &b.mtime))
        return err_set(err, ERR_INVALID, "the time in a tar header is bad");
    if ((b.type == '3' || b.type == '4') &&
        (read_number(block, DEVMAJOR, ID_N, TAR_ID_MAX, &b.devmajor, err) != 0 ||
         read_number(block, DEVMINOR, ID_N, TAR_ID_MAX, &b.devminor, err) != 0))
        return -1;
    b.name = field_text(block, NAME, NAME_N);
    b.link = field_text(block, LINK, LINK_N);
    /* GNU's own magic has blanks here, and other things where POSIX has the prefix. */
    if (memcmp(block + MAGIC,
               "ustar\0"
               "00",
               8) == 0)
        b.prefix = field_text(block, PREFIX, PREFIX_N);
    *out = b;
    return 0;
}
