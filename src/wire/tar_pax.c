/* tar_pax.c - pax extended headers: records "LENGTH KEY=VALUE\n" (POSIX.1-2017, pax). */
#include <string.h>

#include "wire/octet.h"
#include "wire/tar_priv.h"

#define XATTR          "SCHILY.xattr."
#define XATTR_NAME_MAX 255
#define SECOND_NS      INT64_C(1000000000)
#define SECONDS_MAX    (INT64_MAX / SECOND_NS - 1)

static int
read_path(struct text value, struct text *out, struct err *err)
{
    if (text_find(value, '\0') >= 0)
        return err_set(err, ERR_INVALID, "a path in a pax header has a NUL");
    if (value.n > TAR_PATH_MAX)
        return err_set(err, ERR_TOO_LARGE, "a path in a tar is longer than %d bytes", TAR_PATH_MAX);
    *out = value.n > 0 ? value : (struct text){ NULL, 0 }; /* empty: as if it was not there */
    return 0;
}

static int
read_count(struct text value, uint64_t max, bool *has, uint64_t *out, struct err *err)
{
    *has = value.n > 0;
    if (value.n > 0 && !text_to_u64(value, max, out))
        return err_set(err, ERR_INVALID, "a number in a pax header is bad");
    return 0;
}

/* "[-]SECONDS[.FRACTION]"; digits below a nanosecond are dropped. */
static int
read_time(struct text value, bool *has, int64_t *out, struct err *err)
{
    bool negative = text_starts(value, "-");
    struct text rest = negative ? text_after(value, 1) : value;
    struct text whole = { NULL, 0 };
    uint64_t seconds = 0;
    int64_t unit = SECOND_NS / 10, fraction = 0;

    *has = value.n > 0;
    if (value.n == 0)
        return 0;
    if (!text_cut(&rest, '.', &whole) || !text_to_u64(whole, (uint64_t)SECONDS_MAX, &seconds) ||
        !octet_all(rest, OCTET_DIGIT))
        return err_set(err, ERR_INVALID, "a time in a pax header is bad");
    for (size_t i = 0; i < rest.n && unit > 0; i++, unit /= 10)
        fraction += (rest.p[i] - '0') * unit;
    *out = ((int64_t)seconds * SECOND_NS + fraction) * (negative ? -1 : 1);
    return 0;
}

/* A name that comes again replaces what it said first, as for every other key. */
static int
read_xattr(struct tar_pax *pax, struct text name, struct text value, struct err *err)
{
    size_t at = 0;

    if (name.n == 0 || name.n > XATTR_NAME_MAX)
        return err_set(err, ERR_INVALID, "an extended attribute's name is empty or too long");
    while (at < pax->n_xattrs && !text_equal(pax->xattrs[at].name, name))
        at++;
    if (at == TAR_XATTRS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d extended attributes", TAR_XATTRS_MAX);
    if (at == pax->n_xattrs)
        pax->n_xattrs++;
    pax->xattrs[at] = (struct tar_xattr){ name, value };
    return 0;
}

static int
read_record(struct tar_pax *pax, struct text key, struct text value, struct err *err)
{
    if (text_is(key, "path"))
        return read_path(value, &pax->path, err);
    if (text_is(key, "linkpath"))
        return read_path(value, &pax->link, err);
    if (text_is(key, "size"))
        return read_count(value, TAR_SIZE_MAX, &pax->has_size, &pax->size, err);
    if (text_is(key, "uid"))
        return read_count(value, TAR_ID_MAX, &pax->has_uid, &pax->uid, err);
    if (text_is(key, "gid"))
        return read_count(value, TAR_ID_MAX, &pax->has_gid, &pax->gid, err);
    if (text_is(key, "mtime"))
        return read_time(value, &pax->has_mtime, &pax->mtime_ns, err);
    if (text_starts(key, XATTR))
        return read_xattr(pax, text_after(key, strlen(XATTR)), value, err);
    if (text_starts(key, "GNU.sparse."))
        return err_set(err, ERR_UNSUPPORTED, "sparse files in a tar are not supported");
    return 0; /* names of users, other times, comments: nothing we act on */
}

/* Take the record at the start of ${rest}. */
static int
cut_record(struct text *rest, struct text *key, struct text *value, struct err *err)
{
    struct text digits, record = *rest;
    uint64_t n;

    if (!text_cut(&record, ' ', &digits) || digits.n > 8 || !text_to_u64(digits, rest->n, &n) ||
        n < digits.n + 1 || rest->p[n - 1] != '\n')
        return err_set(err, ERR_INVALID, "a record of a pax header has a bad length");
    record = text_from(rest->p + digits.n + 1, (size_t)n - digits.n - 1);
    if (record.n > 0)
        record.n--; /* the line feed */
    if (!text_cut(&record, '=', key) || record.p == NULL || key->n == 0 ||
        text_find(*key, '\0') >= 0)
        return err_set(err, ERR_INVALID, "a record of a pax header is not KEY=VALUE");
    *value = record;
    *rest = text_after(*rest, (size_t)n);
    return 0;
}

int
tar_pax_parse(struct tar_pax *out, struct text bytes, struct err *err)
{
    *out = (struct tar_pax){ 0 };
    while (bytes.n > 0) {
        struct text key, value;

        if (cut_record(&bytes, &key, &value, err) != 0 || read_record(out, key, value, err) != 0)
            return -1;
    }
    return 0;
}
