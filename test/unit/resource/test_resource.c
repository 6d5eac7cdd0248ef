/* The invariants of resource/resource.h, through the whole way of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arm.h"

#define G      S "/resourceGroups/web"
#define T      G "/providers/" THINGS
#define R      G "/providers/Microsoft.ContainerRegistry/registries"
#define LOCAL  "{\"location\":\"local\"}"
#define ROLES  "/providers/Microsoft.Authorization/roleAssignments/"
#define NAME_1 "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define READER "acdd72a7-3385-48ef-bd42-f606fba81ae7"
#define OWNER  "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

#define is(a, want)                                                                                \
    do {                                                                                           \
        if ((a).status != (want))                                                                  \
            print_message("%d: %.*s\n", (a).status, TEXT_ARG((a).answer.body));                    \
        assert_int_equal((a).status, (want));                                                      \
    } while (0)

static void
ask(struct arm *a, int want, enum who who, const char *line, const char *body)
{
    (void)arm_ask(a, who, line, "", body);
    if (a->status != want)
        print_message("%s -> ", line);
    is(*a, want);
}

static void
make_group(struct arm *a)
{
    ask(a, 201, ADMIN, "PUT " G, LOCAL);
}

static const char *
assignment(struct arm *a, const char *role, const char *principal)
{
    return arena_printf(a->kept,
                        "{\"properties\":{\"roleDefinitionId\":\"" S
                        "/providers/Microsoft.Authorization/roleDefinitions/%s\","
                        "\"principalId\":\"%s\",\"principalType\":\"ServicePrincipal\"}}",
                        role, principal);
}

static void
p1_ids_ignore_case_and_keep_their_spelling(void **state)
{
    ARM_OF_TEST(a);

    (void)state;
    ask(&a, 201, ADMIN, "PUT /subscriptions/" SUBSCRIPTION "/resourcegroups/Web", LOCAL);
    assert_string_equal(arm_text(&a, "id"), S "/resourceGroups/Web");
    ask(&a, 201, ADMIN, "PUT " S "//resourcegroups/WEB/providers/test.things//THINGS/One", LOCAL);
    assert_string_equal(arm_text(&a, "type"), THINGS);
    ask(&a, 200, ADMIN, "PUT " T "/ONE", LOCAL);
    assert_string_equal(arm_text(&a, "name"), "One");
    ask(&a, 200, ADMIN, "GET " T "/one", NULL);
    ask(&a, 200, ADMIN, "GET " T, NULL);
    assert_int_equal(arm_count(&a), 1);
    ask(&a, 200, ADMIN, "DELETE " T "/oNe", NULL);
    ask(&a, 404, ADMIN, "GET " T "/One", NULL);
}

static void
p2_change_and_record_are_one(void **state)
{
    ARM_OF_TEST(a);
    int64_t before;

    (void)state;
    make_group(&a);
    before = log_number(&a.log, "SELECT count(*) FROM audit_record WHERE kind = 'change'");
    a.breaks = true;
    ask(&a, 500, ADMIN, "PUT " T "/one", LOCAL);
    assert_int_equal(a.begun, 0);
    a.breaks = false;
    assert_int_equal(log_number(&a.log, "SELECT count(*) FROM resource"), 1);
    assert_int_equal(log_number(&a.log, "SELECT count(*) FROM audit_record WHERE kind = 'change'"),
                     before);
    ask(&a, 201, ADMIN, "PUT " T "/one", LOCAL);
    assert_int_equal(a.begun, 1);
    assert_int_equal(log_number(&a.log, "SELECT count(*) FROM audit_record WHERE kind = 'change'"
                                        " AND action = 'Test.Things/things/write' AND status = 201"
                                        " AND role = 'Owner' AND scope LIKE '%/things/one'"),
                     1);
}

static void
p2_etags_guard_changes(void **state)
{
    ARM_OF_TEST(a);
    char match[128];

    (void)state;
    make_group(&a);
    ask(&a, 201, ADMIN, "PUT " T "/one", LOCAL);
    (void)snprintf(match, sizeof(match), "If-Match: %.*s\r\n", TEXT_ARG(arm_field(&a, "ETag")));
    arm_ask(&a, ADMIN, "PUT " T "/one", match, "{\"tags\":{\"a\":\"b\"}}");
    is(a, 200);
    arm_ask(&a, ADMIN, "PUT " T "/one", match, "{\"tags\":{\"a\":\"c\"}}");
    is(a, 412);
    assert_string_equal(arm_text(&a, "error.code"), "PreconditionFailed");
    arm_ask(&a, ADMIN, "DELETE " T "/one", match, NULL);
    is(a, 412);
    arm_ask(&a, ADMIN, "PUT " T "/one", "If-None-Match: *\r\n", LOCAL);
    is(a, 412);
    arm_ask(&a, ADMIN, "PUT " T "/two", "If-None-Match: *\r\n", LOCAL);
    is(a, 201);
    arm_ask(&a, ADMIN, "PUT " T "/three", "If-Match: *\r\n", LOCAL);
    is(a, 412);
}

static void
p3_what_is_not_there_says_so(void **state)
{
    static const struct {
        int status;
        const char *line;
        const char *code;
    } cases[] = {
        { 404, "GET " G, "ResourceGroupNotFound" },
        { 404, "PUT " T "/one", "ResourceGroupNotFound" },
        { 404, "DELETE " G, "ResourceGroupNotFound" },
        { 404, "GET " R "/nothing", "ResourceNotFound" },
        { 404, "PATCH " T "/nothing", "ResourceNotFound" },
        { 404, "GET " G "/providers/Microsoft.Nope/things/x", "InvalidResourceNamespace" },
        { 404, "PUT " G "/providers/Test.Things/others/x", "InvalidResourceType" },
        { 404, "GET " S ROLES NAME_1, "RoleAssignmentNotFound" },
        { 404, "GET /subscriptions/x", "SubscriptionNotFound" },
        { 404, "GET " S "/providers/Microsoft.Resources/operationStatuses/x", "OperationNotFound" },
    };
    ARM_OF_TEST(a);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool body = strncmp(cases[i].line, "P", 1) == 0;

        ask(&a, cases[i].status, ADMIN, cases[i].line, body ? LOCAL : NULL);
        assert_string_equal(arm_text(&a, "error.code"), cases[i].code);
        assert_true(strlen(arm_text(&a, "error.message")) > 10);
    }
    ask(&a, 204, ADMIN, "DELETE " T "/nothing", NULL);
    ask(&a, 204, ADMIN, "DELETE " S ROLES NAME_1, NULL);
    ask(&a, 404, ADMIN, "HEAD " G, NULL);
}

static void
p4_secrets_are_not_read_back(void **state)
{
    static const char secret[] = "{\"properties\":{\"secret\":\"hunter2\",\"open\":1}}";
    static const char *const lines[] = { "GET " T "/one", "GET " T, "GET " S "/resources",
                                         "GET " S "/providers/" THINGS };
    ARM_OF_TEST(a);

    (void)state;
    make_group(&a);
    ask(&a, 201, ADMIN, "PUT " T "/one", secret);
    assert_null(memmem(a.answer.body.p, a.answer.body.n, "hunter2", 7));
    ask(&a, 200, ADMIN, "PATCH " T "/one", "{\"tags\":{}}");
    assert_null(memmem(a.answer.body.p, a.answer.body.n, "hunter2", 7));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ask(&a, 200, ADMIN, lines[i], NULL);
        assert_non_null(memmem(a.answer.body.p, a.answer.body.n, "\"open\"", 6));
        assert_null(memmem(a.answer.body.p, a.answer.body.n, "hunter2", 7));
    }
    ask(&a, 200, ADMIN, "DELETE " T "/one", NULL);
    assert_null(memmem(a.answer.body.p, a.answer.body.n, "hunter2", 7));
}

static void
patch_merges_and_null_clears(void **state)
{
    ARM_OF_TEST(a);

    (void)state;
    make_group(&a);
    ask(&a, 201, ADMIN, "PUT " T "/one",
        "{\"tags\":{\"a\":\"b\"},\"sku\":{\"name\":\"s\"},\"properties\":{\"x\":{\"p\":1,\"q\":2},"
        "\"y\":3,\"provisioningState\":\"Lie\"}}");
    assert_string_equal(arm_text(&a, "properties.provisioningState"), "Succeeded");
    ask(&a, 200, ADMIN, "PATCH " T "/one",
        "{\"tags\":{\"c\":\"d\"},\"properties\":{\"x\":{\"p\":null,\"r\":4},\"y\":null}}");
    ask(&a, 200, ADMIN, "GET " T "/one", NULL);
    assert_string_equal(arm_text(&a, "tags.c"), "d");
    assert_string_equal(arm_text(&a, "tags.a"), "");
    assert_string_equal(arm_text(&a, "sku.name"), "s");
    assert_non_null(memmem(a.answer.body.p, a.answer.body.n, "\"x\":{\"q\":2,\"r\":4}", 17));
    assert_null(memmem(a.answer.body.p, a.answer.body.n, "\"y\"", 3));
}

static void
bad_bodies_are_refused(void **state)
{
    static const struct {
        const char *body;
        const char *code;
    } cases[] = {
        { "", "InvalidRequestContent" },
        { "[]", "InvalidRequestContent" },
        { "{\"a\":1,\"a\":2}", "InvalidRequestContent" },
        { "{\"tags\":[]}", "InvalidRequestContent" },
        { "{\"tags\":{\"a\":1}}", "InvalidRequestContent" },
        { "{\"tags\":{\"a/b\":\"c\"}}", "InvalidTagNameCharacters" },
        { "{\"location\":\"no/where\"}", "LocationNotAvailableForResourceType" },
        { "{\"properties\":7}", "InvalidRequestContent" },
    };
    ARM_OF_TEST(a);

    (void)state;
    make_group(&a);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask(&a, 400, ADMIN, "PUT " T "/one", cases[i].body);
        assert_string_equal(arm_text(&a, "error.code"), cases[i].code);
    }
    assert_int_equal(log_number(&a.log, "SELECT count(*) FROM resource"), 1);
    a.refuses = true;
    ask(&a, 400, ADMIN, "PUT " T "/one", LOCAL);
    assert_string_equal(arm_text(&a, "error.code"), "ThingRefused");
}

static void
work_that_goes_on_can_be_followed(void **state)
{
    ARM_OF_TEST(a);
    char *status, *result;
    struct err err = { 0 };

    (void)state;
    make_group(&a);
    a.goes_on = true;
    ask(&a, 201, ADMIN, "PUT " T "/one", LOCAL);
    assert_string_equal(arm_text(&a, "properties.provisioningState"), "Creating");
    assert_true(text_is(arm_field(&a, "Retry-After"), "1"));
    status = arena_printf(a.kept, "GET %.*s",
                          TEXT_ARG(text_after(arm_field(&a, "Azure-AsyncOperation"),
                                              strlen("https://localhost:8443"))));
    result = arena_printf(
        a.kept, "GET %.*s",
        TEXT_ARG(text_after(arm_field(&a, "Location"), strlen("https://localhost:8443"))));
    ask(&a, 200, ADMIN, status, NULL);
    assert_string_equal(arm_text(&a, "status"), "Creating");
    ask(&a, 202, ADMIN, result, NULL);
    ask(&a, 404, OTHER, status, NULL);
    log_sql(&a.log, "UPDATE resource SET state = 'Succeeded' WHERE name = 'one'");
    ask(&a, 200, ADMIN, status, NULL);
    assert_string_equal(arm_text(&a, "status"), "Succeeded");
    ask(&a, 204, ADMIN, result, NULL);
    ask(&a, 202, ADMIN, "DELETE " T "/one", NULL);
    ask(&a, 409, ADMIN, "PUT " T "/one", LOCAL);
    MUST(&err, err.kind == ERR_OK ? 0 : -1);
}

static int
remove_one(struct db *db, void *arg, struct err *err)
{
    (void)arg;
    return resource_remove(db, TEXT(T "/ONE"), err);
}

static void
group_goes_with_all_that_is_in_it(void **state)
{
    ARM_OF_TEST(a);
    struct err err = { 0 };

    (void)state;
    make_group(&a);
    ask(&a, 201, ADMIN, "PUT " T "/one", LOCAL);
    ask(&a, 201, ADMIN, "PUT " T "/two", LOCAL);
    a.refuses = true;
    ask(&a, 409, ADMIN, "DELETE " G, NULL);
    assert_non_null(strstr(arm_text(&a, "error.message"), "the thing is in use"));
    ask(&a, 200, ADMIN, "GET " T "/one", NULL);
    a.refuses = false;
    ask(&a, 200, ADMIN, "DELETE " T "/two", NULL);
    a.goes_on = true;
    ask(&a, 202, ADMIN, "DELETE " G, NULL);
    assert_non_null(arm_field(&a, "Location").p);
    ask(&a, 409, ADMIN, "PUT " T "/three", LOCAL);
    MUST(&err, database_write(a.log.database, remove_one, NULL, &err));
    ask(&a, 404, ADMIN, "GET " G, NULL);
}

static void
stranger_learns_nothing_about_what_exists(void **state)
{
    ARM_OF_TEST(a);
    char there[600], missing[600];

    (void)state;
    make_group(&a);
    ask(&a, 201, ADMIN, "PUT " T "/one", LOCAL);
    ask(&a, 403, OTHER, "GET " T "/one", NULL);
    assert_string_equal(arm_text(&a, "error.code"), "AuthorizationFailed");
    (void)snprintf(there, sizeof(there), "%s", arm_text(&a, "error.message"));
    assert_null(strstr(there, "role '"));
    ask(&a, 403, OTHER, "GET " T "/two", NULL);
    (void)snprintf(missing, sizeof(missing), "%s", arm_text(&a, "error.message"));
    *strstr(there, "things/one") = '\0';
    *strstr(missing, "things/two") = '\0';
    assert_string_equal(there, missing);
    ask(&a, 200, OTHER, "GET " T, NULL);
    assert_int_equal(arm_count(&a), 0);
    ask(&a, 200, OTHER, "GET " S "/resources", NULL);
    assert_int_equal(arm_count(&a), 0);
    ask(&a, 200, OTHER, "GET /subscriptions", NULL);
    assert_int_equal(arm_count(&a), 0);
    ask(&a, 404, OTHER, "GET " S, NULL);
    ask(&a, 401, NOBODY, "GET " T "/one", NULL);
    assert_string_equal(arm_text(&a, "error.code"), "AuthenticationFailed");
    assert_true(text_starts(arm_field(&a, "WWW-Authenticate"),
                            "Bearer authorization_uri=\"https://localhost:8443/adfs\""));
}

static void
reader_sees_and_is_told_which_role_would_do(void **state)
{
    ARM_OF_TEST(a);

    (void)state;
    make_group(&a);
    ask(&a, 201, ADMIN, "PUT " T "/one", LOCAL);
    ask(&a, 201, ADMIN, "PUT " T "/two", LOCAL);
    ask(&a, 201, ADMIN, "PUT " T "/one" ROLES NAME_1,
        assignment(&a, READER, a.principals.principal_id));
    ask(&a, 200, OTHER, "GET " T "/one", NULL); /* at once */
    ask(&a, 403, OTHER, "GET " T "/two", NULL);
    ask(&a, 200, OTHER, "GET " S "/resources", NULL);
    assert_int_equal(arm_count(&a), 1);
    ask(&a, 200, OTHER, "GET /subscriptions", NULL);
    assert_int_equal(arm_count(&a), 1);
    ask(&a, 403, OTHER, "PUT " T "/one", LOCAL);
    assert_non_null(strstr(arm_text(&a, "error.message"), "The role '"));
    ask(&a, 200, ADMIN, "DELETE " T "/one" ROLES NAME_1, NULL);
    ask(&a, 403, OTHER, "GET " T "/one", NULL); /* at once */
}

static void
assignments_are_checked(void **state)
{
    ARM_OF_TEST(a);
    const char *good = assignment(&a, READER, a.principals.principal_id);

    (void)state;
    ask(&a, 400, ADMIN, "PUT " S ROLES "no-uuid", good);
    ask(&a, 400, ADMIN, "PUT " S ROLES NAME_1, assignment(&a, READER, NAME_1));
    assert_string_equal(arm_text(&a, "error.code"), "PrincipalNotFound");
    ask(&a, 404, ADMIN, "PUT " S ROLES NAME_1, assignment(&a, NAME_1, a.principals.principal_id));
    ask(&a, 201, ADMIN, "PUT " S ROLES NAME_1, good);
    ask(&a, 201, ADMIN, "PUT " S ROLES NAME_1, good);
    ask(&a, 409, ADMIN, "PUT " S ROLES "bbbbbbbb-aaaa-4aaa-8aaa-aaaaaaaaaaaa", good);
    assert_string_equal(arm_text(&a, "error.code"), "RoleAssignmentExists");
    ask(&a, 400, ADMIN, "PUT " S ROLES "bbbbbbbb-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
        "{\"properties\":{\"roleDefinitionId\":\"" READER "\",\"principalId\":\"" NAME_1
        "\",\"condition\":\"x\"}}");
    assert_string_equal(arm_text(&a, "error.code"), "ConditionsNotSupported");
    ask(&a, 200, ADMIN, "GET " S "/providers/Microsoft.Authorization/roleAssignments", NULL);
    assert_int_equal(arm_count(&a), 2);
    ask(&a, 200, ADMIN, "DELETE " S ROLES NAME_1, NULL);
}

static void
last_owner_stays(void **state)
{
    ARM_OF_TEST(a);
    char *line;

    (void)state;
    ask(&a, 200, ADMIN, "GET " S "/providers/Microsoft.Authorization/roleAssignments", NULL);
    line = arena_printf(a.kept, "DELETE %s",
                        json_string_value(json_object_get(
                            json_array_get(json_object_get(a.doc, "value"), 0), "id")));
    ask(&a, 409, ADMIN, line, NULL);
    assert_string_equal(arm_text(&a, "error.code"), "LastOwnerCannotBeRemoved");
    ask(&a, 201, ADMIN, "PUT " S ROLES NAME_1, assignment(&a, OWNER, a.principals.principal_id));
    ask(&a, 200, ADMIN, line, NULL);
    ask(&a, 403, ADMIN, "GET " G, NULL);
}

static void
registries_have_names_of_their_own(void **state)
{
    ARM_OF_TEST(a);

    (void)state;
    make_group(&a);
    ask(&a, 201, ADMIN, "PUT " S "/resourceGroups/b", LOCAL);
    ask(&a, 201, ADMIN, "PUT " R "/Team1", "{\"location\":\"West Europe\"}");
    assert_string_equal(arm_text(&a, "location"), "westeurope");
    assert_string_equal(arm_text(&a, "properties.loginServer"), "team1.azurecr.localhost:8443");
    ask(&a, 409, ADMIN,
        "PUT " S "/resourceGroups/b/providers/Microsoft.ContainerRegistry/registries/TEAM1", LOCAL);
    ask(&a, 400, ADMIN, "PUT " R "/four", LOCAL);
    ask(&a, 400, ADMIN, "PUT " R "/team2", "{\"properties\":{\"adminUserEnabled\":true}}");
    ask(&a, 400, ADMIN, "PUT " R "/team2",
        "{\"properties\":{\"networkRuleSet\":{\"defaultAction\":\"Deny\"}}}");
    ask(&a, 201, ADMIN, "PUT " R "/holdfast", LOCAL);
    assert_string_equal(arm_text(&a, "properties.loginServer"), "localhost:8443");
    ask(&a, 409, ADMIN, "DELETE " R "/holdfast", NULL);
}

static void
lists_come_in_pages(void **state)
{
    ARM_OF_TEST(a);
    struct text link;
    char line[512];
    size_t seen = 0;

    (void)state;
    make_group(&a);
    for (int i = 0; i < 7; i++) {
        (void)snprintf(line, sizeof(line), "PUT " T "/thing%d", i);
        ask(&a, 201, ADMIN, line, LOCAL);
    }
    (void)snprintf(line, sizeof(line), "GET " T "?$top=3");
    for (int page = 0; page < 3; page++) {
        ask(&a, 200, ADMIN, line, NULL);
        seen += arm_count(&a);
        link = json_text(json_object_get(a.doc, "nextLink"));
        assert_int_equal(link.p != NULL, page < 2);
        if (link.p != NULL)
            (void)snprintf(line, sizeof(line), "GET %.*s",
                           TEXT_ARG(text_after(link, strlen("https://localhost:8443"))));
    }
    assert_int_equal(seen, 7);
}

static void
decision_records_are_listed_and_verified(void **state)
{
    ARM_OF_TEST(a);

    (void)state;
    make_group(&a);
    ask(&a, 403, OTHER, "GET " G, NULL);
    ask(&a, 403, OTHER, "GET /providers/Holdfast.Audit/records", NULL);
    ask(&a, 200, ADMIN,
        "GET /providers/Holdfast.Audit/records?$filter=verdict%20eq%20'refused'%20and%20scope%20eq"
        "%20'" G "'",
        NULL);
    assert_int_equal(arm_count(&a), 1);
    ask(&a, 400, ADMIN, "GET /providers/Holdfast.Audit/records?$filter=nope%20eq%20'x'", NULL);
    ask(&a, 200, ADMIN, "POST /providers/Holdfast.Audit/checkpoint", NULL);
    assert_int_equal(strlen(arm_text(&a, "root")), 44);
    ask(&a, 200, ADMIN, "POST /providers/Holdfast.Audit/verify", "");
    assert_true(json_is_true(json_object_get(a.doc, "valid")));
    log_sql(&a.log, "UPDATE audit_record SET verdict = 'allowed' WHERE verdict = 'refused' AND "
                    "seq = (SELECT min(seq) FROM audit_record WHERE verdict = 'refused')");
    ask(&a, 200, ADMIN, "POST /providers/Holdfast.Audit/verify", "");
    assert_true(json_is_false(json_object_get(a.doc, "valid")));
    assert_int_equal(json_array_size(json_object_get(a.doc, "findings")), 1);
}

/* Whatever allocation fails: an error and nothing stored, or the whole thing. */
static void
p2_every_allocation_may_fail(void **state)
{
    static const char body[] = "{\"tags\":{\"a\":\"b\"},\"properties\":{\"x\":{\"y\":[1,2]}}}";
    ARM_OF_TEST(a);
    char put[256], get[256];
    int succeeded = 0;

    (void)state;
    make_group(&a);
    for (long n = 0; n < 200 && succeeded < 3; n++) {
        int64_t records;

        (void)snprintf(put, sizeof(put), "PUT " T "/thing%ld", n);
        (void)snprintf(get, sizeof(get), "GET " T "/thing%ld", n);
        records = log_number(&a.log, "SELECT count(*) FROM audit_record WHERE kind = 'change'");
        a.fail = n;
        (void)arm_ask(&a, ADMIN, put, "", body);
        a.fail = -1;
        records =
            log_number(&a.log, "SELECT count(*) FROM audit_record WHERE kind = 'change'") - records;
        (void)arm_ask(&a, ADMIN, get, "", NULL);
        assert_int_equal(records, a.status == 200);
        succeeded += a.status == 200;
    }
    assert_int_equal(succeeded, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_ids_ignore_case_and_keep_their_spelling),
        cmocka_unit_test(p2_change_and_record_are_one),
        cmocka_unit_test(p2_etags_guard_changes),
        cmocka_unit_test(p2_every_allocation_may_fail),
        cmocka_unit_test(p3_what_is_not_there_says_so),
        cmocka_unit_test(p4_secrets_are_not_read_back),
        cmocka_unit_test(patch_merges_and_null_clears),
        cmocka_unit_test(bad_bodies_are_refused),
        cmocka_unit_test(work_that_goes_on_can_be_followed),
        cmocka_unit_test(group_goes_with_all_that_is_in_it),
        cmocka_unit_test(stranger_learns_nothing_about_what_exists),
        cmocka_unit_test(reader_sees_and_is_told_which_role_would_do),
        cmocka_unit_test(assignments_are_checked),
        cmocka_unit_test(last_owner_stays),
        cmocka_unit_test(registries_have_names_of_their_own),
        cmocka_unit_test(lists_come_in_pages),
        cmocka_unit_test(decision_records_are_listed_and_verified),
    };

    json_start();
    log_start("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
