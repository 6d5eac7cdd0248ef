/* instances/deployment.h: states move along their arrows, ports have one owner. */
#include "instances/deployment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "instances/instances.h"

struct place {
    char dir[64];
    char path[96];
    struct database *database;
};

static void
open_place(struct place *p)
{
    static const struct migration *const sets[] = { instances_migrations, NULL };
    struct err err = { 0 };

    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/holdfast-instances-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->path, sizeof(p->path), "%s/holdfast.db", p->dir);
    p->database = database_open(p->path, sets, &err);
    assert_non_null(p->database);
}

static void
close_place(struct place *p)
{
    static const char *const ends[] = { "", "-wal", "-shm" };

    database_free(p->database);
    for (size_t i = 0; i < 3; i++) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s%s", p->path, ends[i]);
        (void)unlink(path);
    }
    (void)rmdir(p->dir);
}

static const struct deployment_layer layers[] = {
    { .diff_id = { .bytes = { 1 } },
      .blob = { .bytes = { 2 } },
      .media = RUNNER_MEDIA_GZIP,
      .registry = { "holdfast", 8 },
      .repository = { "app/web", 7 } },
};
static const uint16_t ports[] = { 8080 };

static int
insert(struct db *db, void *arg, struct err *err)
{
    return deployment_insert(db, arg, err);
}

static struct deployment
make(const char *resource)
{
    struct deployment d = {
        .resource_id = text_of(resource),
        .plan = TEXT("plan\0bytes"),
        .layers = layers,
        .layer_count = 1,
        .ports = ports,
        .port_count = 1,
    };

    id_new(d.id);
    return d;
}

struct step {
    const char *id;
    enum deployment_state to;
};

static int
move(struct db *db, void *arg, struct err *err)
{
    const struct step *s = arg;

    return deployment_move(db, text_of(s->id), s->to, TEXT("because"), err);
}

static int
drop(struct db *db, void *arg, struct err *err)
{
    return deployment_drop(db, text_of(arg), err);
}

static void
what_is_stored_comes_back(void **state)
{
    OWN(arena) arena = arena_new(1 << 20);
    struct place p;
    struct deployment d = make("/r/a"), back;
    struct err err = { 0 };

    (void)state;
    open_place(&p);
    assert_int_equal(database_write(p.database, insert, &d, &err), 0);
    assert_int_equal(
        deployment_load(database_reader(p.database), text_of(d.id), arena, &back, &err), 0);
    assert_int_equal(back.state, DEPLOYMENT_CREATING);
    assert_true(text_equal(back.plan, d.plan) && text_is(back.resource_id, "/r/a"));
    assert_int_equal(back.layer_count, 1);
    assert_true(digest_equal(&back.layers[0].blob, &layers[0].blob));
    assert_int_equal(back.layers[0].media, RUNNER_MEDIA_GZIP);
    assert_true(text_is(back.layers[0].repository, "app/web"));
    assert_int_equal(database_write(p.database, drop, d.id, &err), 0);
    assert_int_equal(
        deployment_load(database_reader(p.database), text_of(d.id), arena, &back, &err), 1);
    close_place(&p);
}

static void
d1_moves_only_along_an_arrow(void **state)
{
    OWN(arena) arena = arena_new(1 << 20);
    struct place p;
    struct deployment d = make("/r/a"), back;
    struct err err = { 0 };

    (void)state;
    open_place(&p);
    assert_int_equal(database_write(p.database, insert, &d, &err), 0);
    assert_int_equal(
        database_write(p.database, move, &(struct step){ d.id, DEPLOYMENT_STOPPED }, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    err_clear(&err);
    assert_int_equal(
        database_write(p.database, move, &(struct step){ d.id, DEPLOYMENT_FAILED }, &err), 0);
    assert_int_equal(
        database_write(p.database, move, &(struct step){ d.id, DEPLOYMENT_RESTARTING }, &err), 0);
    assert_int_equal(
        database_write(p.database, move, &(struct step){ d.id, DEPLOYMENT_REMOVING }, &err), 0);
    assert_int_equal(
        database_write(p.database, move, &(struct step){ d.id, DEPLOYMENT_RUNNING }, &err), -1);
    assert_int_equal(
        deployment_load(database_reader(p.database), text_of(d.id), arena, &back, &err), 0);
    assert_int_equal(back.state, DEPLOYMENT_REMOVING);
    close_place(&p);
}

static void
d2_a_port_has_one_owner(void **state)
{
    OWN(arena) arena = arena_new(1 << 20);
    struct place p;
    struct deployment first = make("/r/a"), other = make("/r/b"), next = make("/r/a");
    struct deployment_row *rows;
    struct text owner;
    struct err err = { 0 };
    size_t n;

    (void)state;
    open_place(&p);
    assert_int_equal(database_write(p.database, insert, &first, &err), 0);
    assert_int_equal(database_write(p.database, insert, &other, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "PortInUse");
    err_clear(&err);
    /* The same group put anew keeps its port, and supersedes what ran. */
    assert_int_equal(database_write(p.database, insert, &next, &err), 0);
    assert_int_equal(deployment_port_owner(database_reader(p.database), 8080, arena, &owner, &err),
                     0);
    assert_true(text_is(owner, "/r/a"));
    assert_int_equal(
        deployment_list(database_reader(p.database), TEXT("/r/a"), arena, &rows, &n, &err), 0);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rows[i].state, strcmp(rows[i].id, next.id) == 0 ? DEPLOYMENT_CREATING
                                                                         : DEPLOYMENT_SUPERSEDED);
    close_place(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_comes_back),
        cmocka_unit_test(d1_moves_only_along_an_arrow),
        cmocka_unit_test(d2_a_port_has_one_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
