/* The invariants of registry/manifest_row.h and registry/repository.h, on a real database. */
#include "registry/manifest_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hasher.h"
#include "scratch.h"
#include "store/database.h"
#include "wire/json.h"

#define TYPE "application/vnd.oci.image.manifest.v1+json"

static const struct migration *const sets[] = { registry_migrations, NULL };
static const struct place app = { { "holdfast", 8 }, { "app", 3 } };
static const struct place other = { { "holdfast", 8 }, { "other", 5 } };
static const struct place elsewhere = { { "second", 6 }, { "app", 3 } };

static struct digest
digest_of(const char *bytes)
{
    struct digest d;

    hasher_of(DIGEST_SHA256, bytes, strlen(bytes), &d);
    return d;
}

struct blob_arrival {
    const struct place *place;
    const char *bytes;
};

static int
add_blob(struct db *db, void *arg, struct err *err)
{
    const struct blob_arrival *a = arg;
    struct digest d = digest_of(a->bytes);
    int64_t id;

    if (repository_ensure(db, a->place, 1, &id, err) < 0)
        return -1;
    return repository_blob_add(db, id, &d, strlen(a->bytes), 1, err);
}

static void
push_blob(struct database *d, const struct place *place, const char *bytes)
{
    struct blob_arrival a = { place, bytes };
    struct err err = { 0 };

    must(&err, database_write(d, add_blob, &a, &err));
}

/* An image of one config and no layer; the note makes its digest its own. */
static const char *
image(struct arena *arena, const char *config, const char *more)
{
    struct digest d = digest_of(config);
    char text[DIGEST_TEXT_MAX + 1];

    (void)digest_text(&d, text);
    return arena_printf(arena,
                        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x/config\",\"digest\":"
                        "\"%s\",\"size\":%zu},\"layers\":[]%s}",
                        text, strlen(config), more);
}

static int
store_row(struct db *db, void *arg, struct err *err)
{
    return manifest_row_store(db, arg, err);
}

static int
put(struct database *d, struct arena *arena, const struct place *place, const char *bytes,
    const char *tag, struct err *err)
{
    struct text tags = text_of(tag);
    struct manifest_document document;
    struct manifest_row row = { .place = *place,
                                .digest = digest_of(bytes),
                                .bytes = text_of(bytes),
                                .document = &document,
                                .tags = &tags,
                                .n_tags = tag != NULL,
                                .pushed_by = "someone",
                                .now_us = 2 };

    must(err, manifest_document_read(row.bytes, TEXT(TYPE), arena, &document, err));
    return database_write(d, store_row, &row, err);
}

static int
find(struct database *d, struct arena *arena, const struct place *place, const char *reference,
     struct manifest *out)
{
    struct err err = { 0 };

    return must(&err, manifest_row_find(database_reader(d), place, text_of(reference), true, arena,
                                        out, &err));
}

#define WORLD                                                                                      \
    SCRATCH(s);                                                                                    \
    OWN(arena) arena = arena_new(1 << 20);                                                         \
    struct err err = { 0 };                                                                        \
    OWN(database) d = database_open(s.database, sets, &err);                                       \
    (void)state;                                                                                   \
    must(&err, d != NULL ? 0 : -1)

static void
w1_bytes_come_back_as_pushed(void **state)
{
    WORLD;
    const char *bytes = image(arena, "{}", ",\"x\":  \"spaces   stay\"");
    struct digest digest = digest_of(bytes);
    char text[DIGEST_TEXT_MAX + 1];
    struct manifest m;

    push_blob(d, &app, "{}");
    must(&err, put(d, arena, &app, bytes, "1", &err));
    (void)digest_text(&digest, text);
    assert_int_equal(find(d, arena, &app, "1", &m), 0);
    assert_true(text_is(m.bytes, bytes));
    assert_true(text_is(m.media_type, TYPE));
    assert_true(digest_equal(&m.digest, &digest));
    assert_int_equal(find(d, arena, &app, text, &m), 0);
    assert_true(text_is(m.bytes, bytes));
    assert_int_equal(find(d, arena, &app, "2", &m), 1);
    assert_int_equal(find(d, arena, &other, "1", &m), 1);
    assert_int_equal(find(d, arena, &elsewhere, "1", &m), 1);
}

static void
w2_what_it_needs_must_be_there(void **state)
{
    WORLD;
    const char *bytes = image(arena, "{}", "");
    struct manifest m;

    push_blob(d, &other, "{}"); /* there, but not here */
    assert_int_equal(put(d, arena, &app, bytes, "1", &err), -1);
    assert_string_equal(err.code, "MANIFEST_BLOB_UNKNOWN");
    assert_int_equal(find(d, arena, &app, "1", &m), 1);
    err_clear(&err);
    push_blob(d, &app, "{}");
    must(&err, put(d, arena, &app, bytes, "1", &err));
    assert_int_equal(find(d, arena, &app, "1", &m), 0);
}

static void
w2_sizes_must_agree(void **state)
{
    WORLD;
    struct digest digest = digest_of("four");
    char text[DIGEST_TEXT_MAX + 1];
    const char *bytes;

    (void)digest_text(&digest, text);
    bytes = arena_printf(arena,
                         "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x/y\",\"digest\":\"%s\","
                         "\"size\":5},\"layers\":[]}",
                         text);
    push_blob(d, &app, "four");
    assert_int_equal(put(d, arena, &app, bytes, "1", &err), -1);
    assert_string_equal(err.code, "MANIFEST_INVALID");
}

struct removal {
    const struct place *place;
    struct digest digest;
};

static int
remove_row(struct db *db, void *arg, struct err *err)
{
    const struct removal *r = arg;
    struct repository repository;

    if (repository_find(db, r->place, &repository, err) != 0)
        return -1;
    return manifest_row_remove(db, repository.id, &r->digest, err);
}

static void
w3_tags_go_with_their_manifest(void **state)
{
    WORLD;
    const char *one = image(arena, "{}", ""), *two = image(arena, "{}", ",\"x\":1");
    struct removal r = { &app, digest_of(one) };
    struct manifest m;

    push_blob(d, &app, "{}");
    must(&err, put(d, arena, &app, one, "a", &err));
    must(&err, put(d, arena, &app, one, "b", &err));
    must(&err, put(d, arena, &app, two, "c", &err));
    must(&err, put(d, arena, &app, two, "b", &err)); /* b moves */
    must(&err, database_write(d, remove_row, &r, &err));
    assert_int_equal(find(d, arena, &app, "a", &m), 1);
    assert_int_equal(find(d, arena, &app, "b", &m), 0);
    assert_true(text_is(m.bytes, two));
    assert_int_equal(find(d, arena, &app, "c", &m), 0);
}

static size_t
referrers(struct database *d, struct arena *arena, struct digest subject, struct text type,
          size_t n, struct page *page)
{
    struct err err = { 0 };
    OWN_JSON items = json_array();

    *page = (struct page){ .last = page->last, .n = n, .arena = arena };
    must(&err, manifest_row_referrers(database_reader(d), &app, &subject, type, page, items, &err));
    return json_array_size(items);
}

static void
w4_referrers_outlive_their_subject(void **state)
{
    WORLD;
    const char *subject = image(arena, "{}", "");
    struct removal r = { &app, digest_of(subject) };
    struct page page = { .last = TEXT("") };
    char text[DIGEST_TEXT_MAX + 1];

    (void)digest_text(&r.digest, text);
    push_blob(d, &app, "{}");
    for (int i = 0; i < 3; i++) {
        const char *more =
            arena_printf(arena,
                         ",\"artifactType\":\"t/%d\",\"subject\":{\"mediaType\":\"a/b\","
                         "\"digest\":\"%s\",\"size\":1}",
                         i, text);

        must(&err, put(d, arena, &app, image(arena, "{}", more), NULL, &err));
    }
    must(&err, put(d, arena, &app, subject, "1", &err));
    must(&err, database_write(d, remove_row, &r, &err));
    assert_int_equal(referrers(d, arena, r.digest, (struct text){ NULL, 0 }, 10, &page), 3);
    assert_false(page.more);
    assert_int_equal(referrers(d, arena, r.digest, TEXT("t/1"), 10, &page), 1);
    assert_int_equal(referrers(d, arena, r.digest, TEXT(""), 10, &page), 0);
    assert_int_equal(referrers(d, arena, r.digest, (struct text){ NULL, 0 }, 2, &page), 2);
    assert_true(page.more);
    page.last = page.end;
    assert_int_equal(referrers(d, arena, r.digest, (struct text){ NULL, 0 }, 2, &page), 1);
    assert_false(page.more);
}

static void
r2_blobs_belong_to_repositories(void **state)
{
    WORLD;
    struct digest digest = digest_of("bytes");
    uint64_t size = 0;

    push_blob(d, &app, "bytes");
    push_blob(d, &app, "bytes"); /* twice is once */
    assert_int_equal(
        must(&err, repository_blob_find(database_reader(d), &app, &digest, &size, &err)), 0);
    assert_int_equal(size, 5);
    assert_int_equal(
        must(&err, repository_blob_find(database_reader(d), &other, &digest, &size, &err)), 1);
    assert_int_equal(
        must(&err, repository_blob_find(database_reader(d), &elsewhere, &digest, &size, &err)), 1);
}

static int
remove_all(struct db *db, void *arg, struct err *err)
{
    (void)arg;
    return repository_remove_all(db, TEXT("holdfast"), err);
}

static void
r1_a_registry_goes_with_all_it_has(void **state)
{
    WORLD;
    const char *bytes = image(arena, "{}", "");
    struct digest digest = digest_of("{}");
    struct manifest m;
    uint64_t size;

    push_blob(d, &app, "{}");
    push_blob(d, &other, "{}");
    push_blob(d, &elsewhere, "{}");
    must(&err, put(d, arena, &app, bytes, "1", &err));
    must(&err, put(d, arena, &elsewhere, bytes, "1", &err));
    must(&err, database_write(d, remove_all, NULL, &err));
    assert_int_equal(find(d, arena, &app, "1", &m), 1);
    assert_int_equal(
        must(&err, repository_blob_find(database_reader(d), &other, &digest, &size, &err)), 1);
    assert_int_equal(find(d, arena, &elsewhere, "1", &m), 0);
    push_blob(d, &app, "x"); /* a new one of the same name begins empty */
    assert_int_equal(
        must(&err, repository_blob_find(database_reader(d), &app, &digest, &size, &err)), 1);
}

static void
tags_are_in_the_order_of_their_bytes(void **state)
{
    static const char *const tags[] = { "b", "a", "B", "_x", "a.1", "a-1", "10", "9" };
    static const char *const sorted[] = { "10", "9", "B", "_x", "a", "a-1", "a.1", "b" };
    WORLD;
    const char *bytes = image(arena, "{}", "");
    OWN_JSON names = json_array();
    struct repository repository;
    struct page page = { .last = TEXT(""), .n = 3, .arena = arena };

    push_blob(d, &app, "{}");
    for (size_t i = 0; i < 8; i++)
        must(&err, put(d, arena, &app, bytes, tags[i], &err));
    must(&err, repository_find(database_reader(d), &app, &repository, &err));
    do {
        page.more = false;
        must(&err, manifest_row_tags(database_reader(d), repository.id, &page, names, &err));
        page.last = page.end;
    } while (page.more);
    assert_int_equal(json_array_size(names), 8);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(json_string_value(json_array_get(names, i)), sorted[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w1_bytes_come_back_as_pushed),
        cmocka_unit_test(w2_what_it_needs_must_be_there),
        cmocka_unit_test(w2_sizes_must_agree),
        cmocka_unit_test(w3_tags_go_with_their_manifest),
        cmocka_unit_test(w4_referrers_outlive_their_subject),
        cmocka_unit_test(r2_blobs_belong_to_repositories),
        cmocka_unit_test(r1_a_registry_goes_with_all_it_has),
        cmocka_unit_test(tags_are_in_the_order_of_their_bytes),
    };

    json_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
