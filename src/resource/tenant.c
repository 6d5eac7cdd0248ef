/* tenant.c - above resources: tenants, subscriptions, locations, providers. */
#include <string.h>

#include "access/access.h"
#include "resource/resource_priv.h"

#define NAMESPACES_MAX 16

static int
answer(struct exchange *x, json_t *doc, struct err *err)
{
    OWN_JSON owned = doc;

    if (owned == NULL)
        return err_memory(err);
    resource_answer(x, 200, owned);
    return 0;
}

int
tenants_get(void *room, struct exchange *x, struct err *err)
{
    const struct resources *rs = room;
    const char *id = rs->world->tenant_id;

    return answer(x,
                  json_pack("{s:[{s:s+, s:s, s:s, s:s}]}", "value", "id", "/tenants/", id,
                            "tenantId", id, "displayName", "Holdfast", "tenantCategory", "Home"),
                  err);
}

static json_t *
subscription_document(const struct resources *rs)
{
    const char *id = rs->world->subscription_id;

    return json_pack("{s:s+, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:[]}", "id",
                     "/subscriptions/", id, "subscriptionId", id, "tenantId", rs->world->tenant_id,
                     "displayName", "Holdfast", "state", "Enabled", "subscriptionPolicies",
                     "locationPlacementId", "local", "quotaId", "local", "spendingLimit", "Off",
                     "authorizationSource", "RoleBased", "managedByTenants");
}

struct wanted {
    const char *principal;
    bool found;
};

static int
is_theirs(void *arg, const struct assignment *a, struct err *err)
{
    struct wanted *w = arg;

    (void)err;
    w->found = w->found || text_equal_nocase(text_of(a->principal), text_of(w->principal));
    return 0;
}

/* Whoever has any role in it may know that the subscription exists. */
static int
has_a_role(struct resources *rs, const struct exchange *x, bool *out, struct err *err)
{
    struct wanted w = { x->caller.id, false };

    if (access_each(database_reader(rs->database), is_theirs, &w, err) < 0)
        return -1;
    *out = w.found;
    return 0;
}

int
subscriptions_get(void *room, struct exchange *x, struct err *err)
{
    OWN_JSON doc = json_pack("{s:[], s:{s:s, s:i}}", "value", "count", "type", "Total", "value", 0);
    bool known;

    if (doc == NULL)
        return err_memory(err);
    if (has_a_role(room, x, &known, err) < 0)
        return -1;
    if (known &&
        (json_array_append_new(json_object_get(doc, "value"), subscription_document(room)) < 0 ||
         json_object_set_new(json_object_get(doc, "count"), "value", json_integer(1)) < 0))
        return err_memory(err);
    return answer(x, GIVE(doc), err);
}

static int
no_subscription(struct exchange *x, struct err *err)
{
    return err_code(err, ERR_NOT_FOUND, "SubscriptionNotFound",
                    "The subscription '%.*s' could not be found.",
                    TEXT_ARG(text_first(exchange_param(x, "subscription"), 60)));
}

int
subscription_get(void *room, struct exchange *x, struct err *err)
{
    struct resources *rs = room;
    bool known;

    if (has_a_role(rs, x, &known, err) < 0)
        return -1;
    if (!known || !text_is_nocase(exchange_param(x, "subscription"), rs->world->subscription_id))
        return no_subscription(x, err);
    return answer(x, subscription_document(rs), err);
}

int
locations_get(void *room, struct exchange *x, struct err *err)
{
    const struct resources *rs = room;
    const char *id = rs->world->subscription_id;

    return answer(x,
                  json_pack("{s:[{s:s++, s:s, s:s, s:s, s:s, s:{s:s, s:s}}]}", "value", "id",
                            "/subscriptions/", id, "/locations/local", "subscriptionId", id, "name",
                            "local", "displayName", "Local", "regionalDisplayName", "Local",
                            "metadata", "regionType", "Physical", "regionCategory", "Recommended"),
                  err);
}

/* Namespaces that others serve with rows of their own. */
static const struct {
    const char *namespace;
    const char *type;
} beside[] = {
    { "Microsoft.Resources", "resourceGroups" },
    { "Microsoft.Resources", "subscriptions" },
    { "Microsoft.Authorization", "roleAssignments" },
    { "Microsoft.Authorization", "roleDefinitions" },
};

#define BESIDE (sizeof(beside) / sizeof(beside[0]))

static struct text
namespace_of(const char *type)
{
    struct text t = text_of(type);

    return text_first(t, (size_t)text_find(t, '/'));
}

/* The nth type of all: namespace and type; false behind the last. */
static bool
nth_type(const struct resources *rs, size_t n, struct text *namespace, struct text *type)
{
    if (n < BESIDE) {
        *namespace = text_of(beside[n].namespace);
        *type = text_of(beside[n].type);
        return true;
    }
    if (n - BESIDE >= rs->n_types)
        return false;
    *type = text_of(rs->types[n - BESIDE].type->type);
    *namespace = namespace_of(rs->types[n - BESIDE].type->type);
    *type = text_after(*type, namespace->n + 1);
    return true;
}

static bool
namespace_known(const struct resources *rs, struct text wanted, struct text *spelling)
{
    struct text namespace, type;

    for (size_t i = 0; nth_type(rs, i, &namespace, &type); i++)
        if (text_equal_nocase(namespace, wanted)) {
            *spelling = namespace;
            return true;
        }
    return false;
}

static json_t *
provider_document(const struct resources *rs, struct text wanted)
{
    struct text spelling = wanted, namespace, type;
    OWN_JSON types = json_array();
    OWN_JSON doc = NULL;

    (void)namespace_known(rs, wanted, &spelling);
    for (size_t i = 0; nth_type(rs, i, &namespace, &type); i++)
        if (text_equal_nocase(namespace, wanted) &&
            json_array_append_new(types,
                                  json_pack("{s:s%, s:[s], s:[s,s,s], s:s}", "resourceType", type.p,
                                            type.n, "locations", "Local", "apiVersions",
                                            "2025-11-01", "2023-05-01", "2021-04-01",
                                            "capabilities", "SupportsTags, SupportsLocation")) < 0)
            return NULL;
    doc = json_pack("{s:s+++%, s:s%, s:s, s:s, s:O}", "id", "/subscriptions/",
                    rs->world->subscription_id, "/providers/", spelling.p, spelling.n, "namespace",
                    spelling.p, spelling.n, "registrationState", "Registered", "registrationPolicy",
                    "RegistrationRequired", "resourceTypes", types);
    return GIVE(doc);
}

static int
add_provider(const struct resources *rs, json_t *values, struct text namespace)
{
    size_t i;
    json_t *value;

    json_array_foreach(values, i, value)
    {
        if (text_equal_nocase(json_text(json_object_get(value, "namespace")), namespace))
            return 0;
    }
    return json_array_append_new(values, provider_document(rs, namespace));
}

int
providers_get(void *room, struct exchange *x, struct err *err)
{
    const struct resources *rs = room;
    OWN_JSON doc = json_pack("{s:[]}", "value");
    struct text namespace, type;

    for (size_t i = 0; doc != NULL && nth_type(rs, i, &namespace, &type); i++)
        if (add_provider(rs, json_object_get(doc, "value"), namespace) < 0)
            return err_memory(err);
    return answer(x, GIVE(doc), err);
}

int
provider_get(void *room, struct exchange *x, struct err *err)
{
    struct text wanted = exchange_param(x, "namespace"), spelling;

    if (!namespace_known(room, wanted, &spelling))
        return err_code(err, ERR_NOT_FOUND, "InvalidResourceNamespace",
                        "The resource namespace '%.*s' is invalid.",
                        TEXT_ARG(text_first(wanted, 80)));
    return answer(x, provider_document(room, wanted), err);
}

/* Nothing needs to be registered here; clients insist on asking. */
int
provider_register(void *room, struct exchange *x, struct err *err)
{
    return provider_get(room, x, err);
}

int
unknown_type(void *room, struct exchange *x, struct err *err)
{
    struct text rest = exchange_param(x, "rest"), namespace = rest, type = rest, spelling;

    (void)text_cut(&rest, '/', &namespace);
    if (!namespace_known(room, namespace, &spelling))
        return err_code(err, ERR_NOT_FOUND, "InvalidResourceNamespace",
                        "The resource namespace '%.*s' is invalid.",
                        TEXT_ARG(text_first(namespace, 80)));
    if (!text_cut(&rest, '/', &type))
        type = TEXT("");
    return err_code(err, ERR_NOT_FOUND, "InvalidResourceType",
                    "The resource type '%.*s' could not be found in the namespace '%.*s' for api "
                    "version '%.*s', or does not do this.",
                    TEXT_ARG(text_first(type, 60)), TEXT_ARG(spelling),
                    TEXT_ARG(text_first(exchange_query(x, "api-version"), 30)));
}
