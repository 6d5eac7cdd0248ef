/*
 * access/snapshot.h: the index decides as a slow and obvious evaluator does, on random cases.
 * HOLDFAST_SEED repeats a run, HOLDFAST_CASES makes it longer.
 */
#include "access/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/scope.h"
#include "base/mem.h"

#define CASES       100000
#define ROUND       500 /* questions to one set of assignments */
#define ASSIGNED    40
#define PRINCIPALS  6
#define SUB         "/subscriptions/11111111-1111-4111-8111-111111111111"
#define MANY        10000
#define MANY_ROUNDS 200000

static uint64_t seed;

static unsigned
random_below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 33) % n);
}

static const char *const pieces[] = {
    "",
    "/resourceGroups",
    "/RG1",
    "/rg1",
    "/providers/Microsoft.ContainerRegistry/registries",
    "/holdfast",
    "/repositories",
    "/app",
    "/app/web",
    "/appweb",
    "/",
    "//",
};

static const char *const roles[] = { "Owner",
                                     "Contributor",
                                     "Reader",
                                     "AcrPull",
                                     "AcrPush",
                                     "AcrDelete",
                                     "AcrImageSigner",
                                     "User Access Administrator",
                                     "Azure Container Instances Contributor Role" };

static const char *const actions[] = {
    "Microsoft.ContainerRegistry/registries/pull/read",
    "Microsoft.ContainerRegistry/registries/push/write",
    "MICROSOFT.containerregistry/registries/artifacts/DELETE",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.ContainerInstance/containerGroups/write",
    "Microsoft.ContainerRegistry/registries/sign/write",
    "",
};

struct one {
    char principal[ID_LEN + 1];
    char scope[256];
    const char *role;
    char id[ID_LEN + 1];
};

static void
random_scope(char out[static 256])
{
    unsigned n = random_below(7);

    (void)snprintf(out, 256, "%s", random_below(20) == 0 ? "/" : SUB);
    for (unsigned i = 0; i < n; i++) {
        size_t used = strlen(out);

        (void)snprintf(out + used, 256 - used, "%s",
                       pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))]);
    }
}

static void
principal_of(unsigned n, char out[static ID_LEN + 1])
{
    (void)snprintf(out, ID_LEN + 1, "%08x-0000-4000-8000-000000000000", n);
}

/* ---- the obvious evaluator: split into lower-case segments, compare one by one ---- */

static size_t
segments(const char *scope, char out[static 32][64])
{
    size_t n = 0, at = 0;

    out[0][0] = '\0';
    for (const char *c = scope;; c++) {
        if (*c == '/' || *c == '\0') {
            if (at > 0) {
                out[n++][at] = '\0';
                at = 0;
            }
            if (*c == '\0')
                return n;
            continue;
        }
        out[n][at++] = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
}

static bool
covers(const char *outer, const char *inner)
{
    char a[32][64], b[32][64];
    size_t na = segments(outer, a), nb = segments(inner, b);

    if (na > nb)
        return false;
    for (size_t i = 0; i < na; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

/* Recursive on purpose. */
static bool
obvious_match(const char *p, const char *s)
{
    if (*p == '\0')
        return *s == '\0';
    if (*p == '*')
        return obvious_match(p + 1, s) || (*s != '\0' && obvious_match(p, s + 1));
    return *s != '\0' && (*p | 32) == (*s | 32) && obvious_match(p + 1, s + 1);
}

static bool
obvious_role(const struct role *r, const char *action)
{
    bool yes = false;

    for (size_t i = 0; r->actions[i] != NULL; i++)
        yes = yes || obvious_match(r->actions[i], action);
    for (size_t i = 0; r->not_actions != NULL && r->not_actions[i] != NULL; i++)
        yes = yes && !obvious_match(r->not_actions[i], action);
    return yes;
}

static bool
gives(const struct one *a, const char *principal, const char *action, const char *scope)
{
    return strcmp(a->principal, principal) == 0 && covers(a->scope, scope) &&
           obvious_role(access_role_find(text_of(a->role)), action);
}

/* ---- the comparison ---- */

static struct snapshot *
make(struct one *all, size_t n)
{
    struct err err = { 0 };
    struct snapshot *s = snapshot_new(7, &err);

    for (size_t i = 0; i < n; i++) {
        struct assignment a = { .scope = text_of(all[i].scope),
                                .role_definition = text_of(all[i].role) };

        memcpy(a.id, all[i].id, sizeof(a.id));
        memcpy(a.principal, all[i].principal, sizeof(a.principal));
        assert_int_equal(snapshot_add(s, &a, &err), 0);
    }
    assert_int_equal(snapshot_seal(s, &err), 0);
    return s;
}

static void
compare(const struct snapshot *s, const struct one *all, size_t n)
{
    char principal[ID_LEN + 1], scope[256];
    const char *action = actions[random_below(sizeof(actions) / sizeof(actions[0]))];
    const struct one *by = NULL;
    bool allowed = false;
    struct decision d;

    principal_of(random_below(PRINCIPALS), principal);
    random_scope(scope);
    for (size_t i = 0; i < n; i++)
        allowed = allowed || gives(&all[i], principal, action, scope);
    snapshot_decide(s, text_of(principal), text_of(action), text_of(scope), &d);
    if (d.allowed != allowed)
        fail_msg("%s %s at %s: %d, should be %d", principal, action, scope, d.allowed, allowed);
    assert_int_equal(d.version, 7);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].id, d.assignment) == 0)
            by = &all[i];
    if (allowed) /* it names one that really allows it */
        assert_true(by != NULL && gives(by, principal, action, scope) &&
                    strcmp(by->role, d.role) == 0);
    else
        assert_int_equal(d.assignment[0], '\0');
}

static void
a1_a2_decides_as_the_obvious_evaluator(void **state)
{
    const char *given = getenv("HOLDFAST_SEED"), *cases = getenv("HOLDFAST_CASES");
    unsigned long n = cases != NULL ? strtoul(cases, NULL, 10) : CASES;
    struct one all[ASSIGNED];

    (void)state;
    if (given != NULL)
        seed = strtoull(given, NULL, 10) | 1;
    else
        id_random(&seed, sizeof(seed));
    seed |= 1;
    print_message("seed %llu, %lu cases\n", (unsigned long long)seed, n);
    for (unsigned long done = 0; done < n; done += ROUND) {
        size_t used = random_below(ASSIGNED);

        for (size_t i = 0; i < used; i++) {
            principal_of(random_below(PRINCIPALS), all[i].principal);
            random_scope(all[i].scope);
            all[i].role = roles[random_below(sizeof(roles) / sizeof(roles[0]))];
            id_new(all[i].id);
        }
        {
            OWN(snapshot) s = make(all, used);

            for (int i = 0; i < ROUND; i++)
                compare(s, all, used);
        }
    }
}

static void
a2_whole_segments_only(void **state)
{
    struct one one = { .scope = SUB "/resourceGroups/rg1", .role = "Owner" };
    struct decision d;

    (void)state;
    principal_of(1, one.principal);
    id_new(one.id);
    {
        OWN(snapshot) s = make(&one, 1);

        snapshot_decide(s, text_of(one.principal), TEXT("x/read"),
                        TEXT(SUB "/resourcegroups/RG1/providers/x"), &d);
        assert_true(d.allowed && d.visible);
        snapshot_decide(s, text_of(one.principal), TEXT("x/read"), TEXT(SUB "/resourceGroups/rg12"),
                        &d);
        assert_false(d.allowed || d.visible);
        snapshot_decide(s, text_of(one.principal), TEXT("x/read"), TEXT(SUB), &d);
        assert_false(d.allowed || d.visible);
        snapshot_decide(s, text_of(one.principal), TEXT("x/read"), TEXT("no slash"), &d);
        assert_false(d.allowed);
        snapshot_decide(s, TEXT(""), TEXT("x/read"), TEXT(SUB "/resourceGroups/rg1"), &d);
        assert_false(d.allowed);
    }
}

static void
visible_means_some_reading_right_at_or_above(void **state)
{
    struct one all[2] = { { .scope = SUB "/a", .role = "AcrPull" },
                          { .scope = SUB "/b", .role = "AcrDelete" } };
    struct decision d;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        principal_of(1, all[i].principal);
        id_new(all[i].id);
    }
    {
        OWN(snapshot) s = make(all, 2);

        snapshot_decide(s, text_of(all[0].principal), TEXT("x/write"), TEXT(SUB "/a/b"), &d);
        assert_true(!d.allowed && d.visible);
        snapshot_decide(s, text_of(all[0].principal), TEXT("x/write"), TEXT(SUB "/b"), &d);
        assert_true(!d.allowed && !d.visible);
    }
}

/* Processor time of this thread: what others do on the machine does not count. */
static int64_t
spent_ns(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
a4_quick_among_ten_thousand(void **state)
{
    struct one *all = mem_zalloc(MANY * sizeof(*all));
    struct err err = { 0 };
    OWN(snapshot) s = NULL;
    long live;
    int64_t begin;
    unsigned allowed = 0;
    struct decision d;

    (void)state;
    (void)err;
    for (size_t i = 0; i < MANY; i++) {
        principal_of((unsigned)i % 1000, all[i].principal);
        (void)snprintf(all[i].scope, sizeof(all[i].scope),
                       SUB "/resourceGroups/rg%zu/providers/Microsoft.ContainerRegistry/registries/"
                           "holdfast/repositories/team/app%zu",
                       i % 7, i);
        all[i].role = "AcrPush";
        id_new(all[i].id);
    }
    s = make(all, MANY);
    live = mem_live();
    begin = spent_ns();
    for (unsigned i = 0; i < MANY_ROUNDS; i++) {
        const struct one *a = &all[i * 7919u % MANY];

        snapshot_decide(s, text_of(a->principal), text_of(actions[1]), text_of(a->scope), &d);
        allowed += d.allowed;
    }
    begin = spent_ns() - begin;
    assert_int_equal(allowed, MANY_ROUNDS);
    assert_true(mem_live() == live);
    print_message("%.0f ns a decision among %d assignments\n", (double)begin / MANY_ROUNDS, MANY);
    mem_free(all);
}

static void
allocations_fail_cleanly(void **state)
{
    struct one one = { .scope = SUB, .role = "Owner" };
    struct assignment a = { .scope = TEXT(SUB), .role_definition = TEXT("Owner") };

    (void)state;
    principal_of(1, one.principal);
    memcpy(a.principal, one.principal, sizeof(a.principal));
    for (long n = 0;; n++) {
        struct err err = { 0 };
        long live = mem_live();
        bool made = false;

        mem_fail_after(n);
        {
            OWN(snapshot) s = snapshot_new(1, &err);

            made = s != NULL && snapshot_add(s, &a, &err) == 0 && snapshot_seal(s, &err) == 0;
        }
        mem_fail_after(-1);
        assert_true(mem_live() == live);
        if (made)
            break;
        assert_int_equal(err.kind, ERR_NO_SPACE);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a1_a2_decides_as_the_obvious_evaluator),
        cmocka_unit_test(a2_whole_segments_only),
        cmocka_unit_test(visible_means_some_reading_right_at_or_above),
        cmocka_unit_test(a4_quick_among_ten_thousand),
        cmocka_unit_test(allocations_fail_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
