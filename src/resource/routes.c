/* routes.c - the rows of the engine itself; those of registered types follow in type.c. */
#include "resource/resource_priv.h"

#define S         "/subscriptions/{subscription}"
#define G         S "/resourceGroups/{group}"
#define AUTH      "Microsoft.Authorization"
#define BODY_MAX  ((uint64_t)256 * 1024)
#define NO_BODY   0
#define ANY_KNOWN ACTION_SIGNED_IN
#define ROW(method, pattern, action, handler, flags, max_body)                                     \
    {                                                                                              \
        method, pattern, action, DIALECT_ARM, handler, flags, max_body                             \
    }

const struct route fixed_rows[] = {
    ROW(HTTP_GET, "/tenants", ANY_KNOWN, tenants_get, 0, NO_BODY),
    ROW(HTTP_GET, "/subscriptions", ANY_KNOWN, subscriptions_get, 0, NO_BODY),
    ROW(HTTP_GET, S, ANY_KNOWN, subscription_get, 0, NO_BODY),
    ROW(HTTP_GET, S "/locations", ANY_KNOWN, locations_get, 0, NO_BODY),
    ROW(HTTP_GET, S "/providers", ANY_KNOWN, providers_get, 0, NO_BODY),
    ROW(HTTP_GET, S "/providers/{namespace}", ANY_KNOWN, provider_get, 0, NO_BODY),
    ROW(HTTP_POST, S "/providers/{namespace}/register", ANY_KNOWN, provider_register, 0, BODY_MAX),

    ROW(HTTP_GET, S "/resources", "Microsoft.Resources/subscriptions/resources/read",
        resources_list_all, ROUTE_DECIDES, NO_BODY),
    ROW(HTTP_GET, G "/resources", "Microsoft.Resources/subscriptions/resources/read",
        resources_list_all, ROUTE_DECIDES, NO_BODY),
    ROW(HTTP_GET, S "/resourceGroups", ACTION_GROUP "/read", group_list, ROUTE_DECIDES, NO_BODY),
    ROW(HTTP_GET, G, ACTION_GROUP "/read", group_get, 0, NO_BODY),
    ROW(HTTP_HEAD, G, ACTION_GROUP "/read", group_head, 0, NO_BODY),
    ROW(HTTP_PUT, G, ACTION_GROUP "/write", group_put, 0, BODY_MAX),
    ROW(HTTP_PATCH, G, ACTION_GROUP "/write", group_patch, 0, BODY_MAX),
    ROW(HTTP_DELETE, G, ACTION_GROUP "/delete", group_delete, 0, NO_BODY),

    ROW(HTTP_GET, S "/providers/Microsoft.Resources/operationStatuses/{operation}", ANY_KNOWN,
        operation_status, 0, NO_BODY),
    ROW(HTTP_GET, S "/providers/Microsoft.Resources/operationResults/{operation}", ANY_KNOWN,
        operation_result, 0, NO_BODY),
    ROW(HTTP_POST, S "/providers/Microsoft.ContainerRegistry/checkNameAvailability", ANY_KNOWN,
        registry_check_name, 0, BODY_MAX),

    ROW(HTTP_PUT, "/{scope*}/providers/" AUTH "/roleAssignments/{assignment}",
        AUTH "/roleAssignments/write", assignment_put, 0, BODY_MAX),
    ROW(HTTP_GET, "/{scope*}/providers/" AUTH "/roleAssignments/{assignment}",
        AUTH "/roleAssignments/read", assignment_get, 0, NO_BODY),
    ROW(HTTP_DELETE, "/{scope*}/providers/" AUTH "/roleAssignments/{assignment}",
        AUTH "/roleAssignments/delete", assignment_delete, 0, NO_BODY),
    ROW(HTTP_GET, "/{scope*}/providers/" AUTH "/roleAssignments", AUTH "/roleAssignments/read",
        assignment_list, 0, NO_BODY),
    ROW(HTTP_GET, "/{scope*}/providers/" AUTH "/roleDefinitions/{definition}", ANY_KNOWN,
        definition_get, 0, NO_BODY),
    ROW(HTTP_GET, "/{scope*}/providers/" AUTH "/roleDefinitions", ANY_KNOWN, definition_list, 0,
        NO_BODY),
    ROW(HTTP_GET, "/providers/" AUTH "/roleDefinitions/{definition}", ANY_KNOWN, definition_get, 0,
        NO_BODY),
    ROW(HTTP_GET, "/providers/" AUTH "/roleDefinitions", ANY_KNOWN, definition_list, 0, NO_BODY),

    ROW(HTTP_GET, "/providers/Holdfast.Audit/records", "Holdfast.Audit/records/read",
        audit_records_get, 0, NO_BODY),
    ROW(HTTP_POST, "/providers/Holdfast.Audit/verify", "Holdfast.Audit/verify/action",
        audit_verify_post, 0, BODY_MAX),
    ROW(HTTP_POST, "/providers/Holdfast.Audit/checkpoint", "Holdfast.Audit/checkpoint/action",
        audit_checkpoint_post, 0, BODY_MAX),

    /* Everything that nobody registered, so that the answer says which part is not known. */
    ROW(HTTP_GET, G "/providers/{rest*}", ANY_KNOWN, unknown_type, 0, NO_BODY),
    ROW(HTTP_PUT, G "/providers/{rest*}", ANY_KNOWN, unknown_type, 0, BODY_MAX),
    ROW(HTTP_PATCH, G "/providers/{rest*}", ANY_KNOWN, unknown_type, 0, BODY_MAX),
    ROW(HTTP_POST, G "/providers/{rest*}", ANY_KNOWN, unknown_type, 0, BODY_MAX),
    ROW(HTTP_DELETE, G "/providers/{rest*}", ANY_KNOWN, unknown_type, 0, NO_BODY),
    ROW(HTTP_GET, S "/providers/{rest*}", ANY_KNOWN, unknown_type, 0, NO_BODY),
    { .pattern = NULL },
};
