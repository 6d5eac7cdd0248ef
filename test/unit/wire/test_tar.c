/* The invariants of wire/tar.h. */
#include "wire/tar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sweep.h"
#include "tar_make.h"

/* Read ${in} in pieces of ${step}; a line per entry, its data behind it, into ${out}. */
static int
list(struct text in, size_t step, struct buf *out, struct err *err)
{
    OWN(tar) t = tar_new();
    size_t at = 0;
    uint64_t data = 0;

    buf_clear(out);
    if (t == NULL)
        return err_memory(err);
    for (;;) {
        struct text piece = text_first(text_after(in, at), step);
        struct tar_event event;
        size_t used;

        if (tar_feed(t, piece.p, piece.n, &used, &event, err) != 0)
            return -1;
        assert_true(used <= piece.n);
        at += used;
        if (event.kind == TAR_MORE && at == in.n)
            break;
        if (event.kind == TAR_ENTRY) {
            const struct tar_entry *e = event.entry;

            buf_printf(out, "%d %.*s>%.*s %o %u:%u %lu %lld;", (int)e->type, TEXT_ARG(e->path),
                       TEXT_ARG(e->link), e->mode, e->uid, e->gid, (unsigned long)e->size,
                       (long long)e->mtime_ns);
            for (size_t i = 0; i < e->n_xattrs; i++)
                buf_printf(out, "%.*s=%.*s;", TEXT_ARG(e->xattrs[i].name),
                           TEXT_ARG(e->xattrs[i].value));
            data = e->size;
        } else if (event.kind == TAR_DATA) {
            assert_true(event.data.n <= data); /* T2 */
            data -= event.data.n;
            buf_text(out, event.data);
        } else if (event.kind == TAR_END_ENTRY) {
            assert_true(data == 0); /* T2 */
            buf_char(out, '\n');
        }
    }
    return tar_finish(t, err);
}

static void
refused(struct text in, enum err_kind kind)
{
    OWN_BUF(out, 100000);

    for (size_t step = 1; step <= in.n + 100; step += step < 600 ? 173 : in.n) {
        struct err err = { 0 };

        assert_int_equal(list(in, step, &out, &err), -1);
        assert_int_equal(err.kind, kind);
    }
}

static void
t1_t2_entries_of_every_type(void **state)
{
    OWN_BUF(b, 100000);
    OWN_BUF(out, 100000);
    char block[TAR_BLOCK];
    struct err err = { 0 };

    (void)state;
    make_entry(&b, '5', "./etc/", "", TEXT(""));
    make_entry(&b, '0', "etc/motd", "", TEXT("hello\n"));
    make_entry(&b, '1', "etc/same", "etc/motd", TEXT(""));
    make_entry(&b, '2', "etc/soft", "/motd", TEXT(""));
    make_block(block, '3', "dev/null", "", 0);
    memcpy(block + 329, "0000001", 7);
    memcpy(block + 337, "0000003", 7);
    memcpy(block + 345, "prefix", 6);
    make_checksum(block);
    buf_add(&b, block, sizeof(block));
    make_entry(&b, '6', "fifo", "", TEXT(""));
    make_entry(&b, '\0', "old/", "", TEXT(""));
    make_end(&b);
    buf_str(&b, "junk behind the end mark");
    for (size_t step = 1; step < 2000; step += 37) {
        assert_int_equal(list(buf_view(&b), step, &out, &err), 0);
        assert_string_equal(out.p, "5 ./etc/> 644 1000:100 0 1700000000000000000;\n"
                                   "0 etc/motd> 644 1000:100 6 1700000000000000000;hello\n\n"
                                   "1 etc/same>etc/motd 644 1000:100 0 1700000000000000000;\n"
                                   "2 etc/soft>/motd 644 1000:100 0 1700000000000000000;\n"
                                   "3 prefix/dev/null> 644 1000:100 0 1700000000000000000;\n"
                                   "6 fifo> 644 1000:100 0 1700000000000000000;\n"
                                   "5 old/> 644 1000:100 0 1700000000000000000;\n");
    }
}

static void
pax_headers_override(void **state)
{
    OWN_BUF(pax, 100000);
    OWN_BUF(b, 100000);
    OWN_BUF(out, 100000);
    struct err err = { 0 };

    (void)state;
    make_record(&pax, "path", TEXT("a/long=name"));
    make_record(&pax, "size", TEXT("3"));
    make_record(&pax, "uid", TEXT("3000000"));
    make_record(&pax, "gid", TEXT(""));
    make_record(&pax, "mtime", TEXT("-1.5"));
    make_record(&pax, "SCHILY.xattr.user.a", TEXT("first"));
    make_record(&pax, "SCHILY.xattr.user.b", TEXT("x\ny"));
    make_record(&pax, "SCHILY.xattr.user.a", TEXT("second"));
    make_record(&pax, "comment", TEXT("ignored"));
    make_entry(&b, 'g', "global", "", TEXT("13 path=evil\n"));
    make_entry(&b, 'x', "PaxHeaders/0", "", buf_view(&pax));
    make_entry(&b, '0', "short", "", TEXT("abc"));
    make_entry(&b, '0', "next", "", TEXT("d"));
    assert_int_equal(list(buf_view(&b), 700, &out, &err), 0); /* no end mark: as Go accepts */
    assert_string_equal(out.p, "0 a/long=name> 644 3000000:100 3 -1500000000;"
                               "user.a=second;user.b=x\ny;abc\n"
                               "0 next> 644 1000:100 1 1700000000000000000;d\n");
}

static void
gnu_long_names_and_binary_numbers(void **state)
{
    char name[TAR_PATH_MAX + 2] = { 0 };
    char block[TAR_BLOCK];
    OWN_BUF(b, 100000);
    OWN_BUF(out, 100000);
    struct err err = { 0 };

    (void)state;
    memset(name, 'n', 300);
    make_entry(&b, 'L', "././@LongLink", "", text_from(name, 301));
    make_entry(&b, 'K', "././@LongLink", "", TEXT("target"));
    make_block(block, '2', "cut", "cut", 0);
    memcpy(block + 257, "ustar  \0", 8);
    memcpy(block + 345, "12345", 5); /* GNU keeps times here, not a prefix */
    memcpy(block + 108, "\x80\0\0\0\0\x01\0\0", 8);
    memset(block + 136, 0xff, 12); /* -1 */
    make_checksum(block);
    buf_add(&b, block, sizeof(block));
    make_end(&b);
    assert_int_equal(list(buf_view(&b), 100, &out, &err), 0);
    assert_memory_equal(out.p + 2, name, 300);
    assert_string_equal(out.p + 302, ">target 644 65536:100 0 -1000000000;\n");

    memset(name, 'n', sizeof(name));
    for (size_t over = 0; over < 2; over++) {
        buf_clear(&b);
        make_entry(&b, 'L', "././@LongLink", "", text_from(name, TAR_PATH_MAX + over));
        make_entry(&b, '0', "cut", "", TEXT(""));
        if (over)
            refused(buf_view(&b), ERR_TOO_LARGE);
        else
            assert_int_equal(list(buf_view(&b), 100, &out, &err), 0);
    }
}

/* One header that is wrong in one way. */
static void
t1_refuses_bad_headers(void **state)
{
    static const struct {
        const char *name;
        size_t at, n;
        const char *bytes;
        enum err_kind kind;
    } cases[] = {
        { "unknown type", 156, 1, "Z", ERR_UNSUPPORTED },
        { "sparse", 156, 1, "S", ERR_UNSUPPORTED },
        { "no name", 0, 1, "\0", ERR_INVALID },
        { "mode not octal", 100, 7, "000064x", ERR_INVALID },
        { "mode with a 9", 100, 7, "0000649", ERR_INVALID },
        { "negative uid", 108, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", ERR_INVALID },
        { "uid of 2^32-1", 108, 8, "\x80\0\0\0\xff\xff\xff\xff", ERR_INVALID },
        { "negative size", 124, 12, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
          ERR_INVALID },
        { "size of 2^95", 124, 12, "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
          ERR_INVALID },
        { "time of 2^62", 136, 12, "\x80\0\0\0\x40\0\0\0\0\0\0\0", ERR_INVALID },
        { "hard link without target", 156, 1, "1", ERR_INVALID },
        { "device number not octal", 329, 3, "12-", ERR_OK }, /* of a file: not looked at */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char block[TAR_BLOCK];
        OWN_BUF(out, 10000);
        struct err err = { 0 };

        make_block(block, '0', "a", "", 0);
        memcpy(block + cases[i].at, cases[i].bytes, cases[i].n);
        make_checksum(block);
        (void)list(text_from(block, sizeof(block)), 512, &out, &err);
        if (err.kind != cases[i].kind)
            fail_msg("%s: %s", cases[i].name, err.msg);
        block[500] ^= 1;
        err = (struct err){ 0 };
        assert_int_equal(list(text_from(block, sizeof(block)), 512, &out, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void
t1_refuses_bad_pax_records(void **state)
{
    const struct text cases[] = {
        TEXT("x"),
        TEXT("12 path=evil"),
        TEXT("99 path=evil\n"),
        TEXT("12 path=evil\n"),
        TEXT("13 pathxevil\n"),
        TEXT("8 =evil\n"),
        TEXT("0 \n"),
        TEXT("2 \n"),
        TEXT("-13 path=evil\n"),
        TEXT("000000013 path=evil\n"),
        TEXT("13 path=ev\0l\n"),
        TEXT("10 size=x\n"),
        TEXT("11 size=-1\n"),
        TEXT("29 size=18446744073709551616\n"),
        TEXT("18 uid=4294967295\n"),
        TEXT("11 mtime=\n\n"),
        TEXT("12 mtime=1-\n"),
        TEXT("13 mtime=1.x\n"),
        TEXT("20 SCHILY.xattr.=1\n"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        OWN_BUF(b, 10000);
        OWN_BUF(out, 10000);
        struct err err = { 0 };

        make_entry(&b, 'x', "p", "", cases[i]);
        make_entry(&b, '0', "a", "", TEXT(""));
        if (list(buf_view(&b), 512, &out, &err) != -1)
            fail_msg("accepted: %.*s", TEXT_ARG(cases[i]));
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void
t3_descriptions_are_limited(void **state)
{
    OWN_BUF(b, 4 * TAR_PAX_MAX);
    OWN_BUF(pax, 4 * TAR_PAX_MAX);
    OWN_BUF(out, 1000);
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i <= TAR_XATTRS_MAX; i++) {
        char key[64];

        (void)snprintf(key, sizeof(key), "SCHILY.xattr.user.%zu", i);
        make_record(&pax, key, TEXT("v"));
    }
    make_entry(&b, 'x', "p", "", buf_view(&pax));
    refused(buf_view(&b), ERR_TOO_LARGE);

    buf_clear(&b);
    for (int i = 0; i < 3; i++) { /* global headers are dropped, and counted all the same */
        make_entry(&b, 'g', "g", "", text_from("", 0));
        buf_clear(&pax);
    }
    make_entry(&b, '0', "a", "", TEXT(""));
    assert_int_equal(list(buf_view(&b), 512, &out, &err), 0);
    buf_clear(&b);
    buf_clear(&pax);
    for (size_t i = 0; i < TAR_PAX_MAX / 2 + 1; i++)
        buf_char(&pax, 'c');
    make_entry(&b, 'g', "g", "", buf_view(&pax));
    make_entry(&b, 'g', "g", "", buf_view(&pax));
    assert_int_equal(list(buf_view(&b), SIZE_MAX, &out, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

static void
t4_refuses_what_readers_differ_on(void **state)
{
    OWN_BUF(b, 100000);
    char zeros[TAR_BLOCK] = { 0 };

    (void)state;
    make_entry(&b, 'x', "p", "", TEXT("22 GNU.sparse.major=1\n"));
    refused(buf_view(&b), ERR_UNSUPPORTED);
    buf_clear(&b);
    make_entry(&b, 'x', "p", "", TEXT("12 path=one\n"));
    make_entry(&b, 'x', "p", "", TEXT("12 path=two\n"));
    refused(buf_view(&b), ERR_INVALID);
    buf_clear(&b);
    make_entry(&b, 'L', "l", "", TEXT("two"));
    make_entry(&b, 'x', "p", "", TEXT("12 path=one\n"));
    make_entry(&b, '0', "a", "", TEXT(""));
    refused(buf_view(&b), ERR_INVALID);
    buf_clear(&b);
    make_entry(&b, 'L', "l", "", TEXT("a\0b"));
    make_entry(&b, '0', "a", "", TEXT(""));
    refused(buf_view(&b), ERR_INVALID);
    buf_clear(&b);
    make_entry(&b, '1', "a", "b", TEXT("data"));
    refused(buf_view(&b), ERR_UNSUPPORTED);
    buf_clear(&b);
    buf_add(&b, zeros, sizeof(zeros));
    make_entry(&b, '0', "a", "", TEXT(""));
    refused(buf_view(&b), ERR_INVALID);
}

static void
t4_refuses_what_is_cut_off(void **state)
{
    OWN_BUF(b, 100000);
    OWN_BUF(out, 1000);

    (void)state;
    make_entry(&b, 'x', "p", "", TEXT("12 path=one\n"));
    make_entry(&b, '0', "a", "", TEXT("data"));
    for (size_t n = 0; n <= b.n; n++) {
        struct err err = { 0 };
        bool whole = n == 0 || n + (512 - 4) >= b.n; /* the last padding may be missing */

        assert_int_equal(list(text_from(b.p, n), 512, &out, &err), whole ? 0 : -1);
    }
    buf_clear(&b);
    make_entry(&b, 'x', "p", "", TEXT("12 path=one\n"));
    make_end(&b);
    refused(buf_view(&b), ERR_INVALID);
}

static void
clean_paths_stay_inside(void **state)
{
    static const char *const rows[][2] = {
        { "etc/motd", "etc/motd" },
        { "./etc//motd/", "etc/motd" },
        { "./", "." },
        { ".", "." },
        { "a/./b", "a/b" },
        { "...", "..." },
        { "..a/b..", "..a/b.." },
        { "/", "." },
        { "//", "." },
        { "/etc", NULL },
        { "..", NULL },
        { "a/..", NULL },
        { "a/../b", NULL },
        { "./../a", NULL },
        { "", NULL },
    };
    char out[TAR_PATH_MAX + 1] = "untouched";
    char longest[TAR_PATH_MAX + 2];
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        err = (struct err){ 0 };
        if (tar_path_clean(text_of(rows[i][0]), out, &err) != (rows[i][1] != NULL ? 0 : -1) ||
            (rows[i][1] != NULL && strcmp(out, rows[i][1]) != 0))
            fail_msg("%s", rows[i][0]);
    }
    assert_int_equal(tar_path_clean(TEXT("a\0b"), out, &err), -1);
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(tar_path_clean(text_from(longest, 256), out, &err), -1);
    for (size_t i = 1; i < sizeof(longest); i += 2)
        longest[i] = '/';
    err = (struct err){ 0 };
    assert_int_equal(tar_path_clean(text_from(longest, TAR_PATH_MAX), out, &err), 0);
    assert_int_equal(strlen(out), TAR_PATH_MAX - 1);
    assert_int_equal(tar_path_clean(text_from(longest, TAR_PATH_MAX + 1), out, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

static int
list_once(struct text in)
{
    struct err err = { 0 };
    OWN(tar) t = tar_new();
    struct tar_event event = { .kind = TAR_ENTRY };
    size_t at = 0, used;

    if (t == NULL)
        return -1;
    while (event.kind != TAR_END) {
        if (tar_feed(t, in.p + at, in.n - at, &used, &event, &err) != 0) {
            assert_int_equal(err.kind, ERR_NO_SPACE);
            return -1;
        }
        at += used;
    }
    return 0;
}

static void
every_allocation_may_fail(void **state)
{
    OWN_BUF(b, 100000);
    long live;

    (void)state;
    make_entry(&b, 'L', "l", "", TEXT("long"));
    make_entry(&b, 'x', "p", "", TEXT("10 size=1\n"));
    make_entry(&b, '0', "a", "", TEXT("d"));
    make_end(&b);
    live = mem_live();
    SWEEP(list_once(buf_view(&b)), live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t1_t2_entries_of_every_type),
        cmocka_unit_test(pax_headers_override),
        cmocka_unit_test(gnu_long_names_and_binary_numbers),
        cmocka_unit_test(t1_refuses_bad_headers),
        cmocka_unit_test(t1_refuses_bad_pax_records),
        cmocka_unit_test(t3_descriptions_are_limited),
        cmocka_unit_test(t4_refuses_what_readers_differ_on),
        cmocka_unit_test(t4_refuses_what_is_cut_off),
        cmocka_unit_test(clean_paths_stay_inside),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
