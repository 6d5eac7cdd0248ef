/* registry_type.c - Microsoft.ContainerRegistry/registries: a name, a login server, a policy. */
#include "base/clock.h"
#include "resource/resource_priv.h"

#define TYPE             "Microsoft.ContainerRegistry/registries"
#define DEFAULT_REGISTRY "holdfast" /* made at the first start; served by the bare host */

static bool
name_is_good(struct text name)
{
    bool good = name.n >= 5 && name.n <= 50;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
    }
    return good;
}

/* Registries share one name space over the whole server: 1 taken, 0 free. */
static int
name_taken(struct db *db, struct text name, struct text id, struct err *err)
{
    struct row_key name_key, id_key;
    DB_ROWS(rows);

    if (row_key(name, &name_key, err) < 0 || row_key(id, &id_key, err) < 0)
        return -1;
    return db_one(db, &rows, err,
                  "SELECT 1 FROM resource WHERE type_key = 'microsoft.containerregistry/registries'"
                  " AND name_key = $1 AND id_key <> $2",
                  DB_TEXT(text_from(name_key.p, name_key.n)),
                  DB_TEXT(text_from(id_key.p, id_key.n)));
}

/* What would promise a protection or an opening that is not there is refused, not stored. */
static int
refuse_unserved(const json_t *p, struct err *err)
{
    static const struct {
        const char *path;
        const char *refused;
        const char *instead;
    } texts[] = {
        { "networkRuleSet.defaultAction", "Deny", "network rules are not enforced yet" },
        { "publicNetworkAccess", "Disabled", "network rules are not enforced yet" },
        { "encryption.status", "enabled", "keys of your own are not used yet" },
    };
    bool admin, anonymous;
    struct text value;

    if (json_want_bool(p, "adminUserEnabled", false, &admin, err) < 0 ||
        json_want_bool(p, "anonymousPullEnabled", false, &anonymous, err) < 0)
        return -1;
    if (admin || anonymous)
        return err_code(err, ERR_INVALID, "FeatureNotSupported",
                        "properties.%s: give a principal the role AcrPush or AcrPull instead",
                        admin ? "adminUserEnabled" : "anonymousPullEnabled");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (json_want_text(p, texts[i].path, TEXT(""), &value, err) < 0)
            return -1;
        if (text_is_nocase(value, texts[i].refused))
            return err_code(err, ERR_INVALID, "FeatureNotSupported", "properties.%s: %s",
                            texts[i].path, texts[i].instead);
    }
    return 0;
}

static int
complete_sku(json_t *extra, struct err *err)
{
    static const char *const names[] = { "Basic", "Standard", "Premium" };
    struct text given;

    if (json_want_text(extra, "sku.name", TEXT("Premium"), &given, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text_is_nocase(given, names[i]))
            return json_object_set_new(
                       extra, "sku", json_pack("{s:s, s:s}", "name", names[i], "tier", names[i])) <
                           0
                       ? err_memory(err)
                       : 0;
    return err_code(err, ERR_INVALID, "InvalidRequestContent",
                    "sku.name is Basic, Standard or Premium");
}

static int
complete(struct resource *now, struct err *err)
{
    json_t *p = now->properties;
    char created[CLOCK_TEXT_LEN + 1];

    if (refuse_unserved(p, err) < 0 || complete_sku(now->extra, err) < 0)
        return -1;
    clock_text(now->created_at_us, created);
    (void)json_object_del(p, "loginServer");
    if (json_object_set_new(p, "adminUserEnabled", json_false()) < 0 ||
        json_object_set_new(p, "anonymousPullEnabled", json_false()) < 0 ||
        json_object_set_new(p, "creationDate", json_string(created)) < 0)
        return err_memory(err);
    return 0;
}

static int
accept_registry(void *room, struct exchange *x, const struct resource *old, struct resource *now,
                struct err *err)
{
    (void)room;
    (void)x;
    (void)old;
    if (!name_is_good(now->name))
        return err_code(err, ERR_INVALID, "InvalidResourceName",
                        "the name of a registry has 5 to 50 letters and digits");
    return complete(now, err);
}

static int
stored_registry(void *room, struct db *db, const struct resource *old, const struct resource *now,
                struct err *err)
{
    int taken = name_taken(db, now->name, now->id, err);

    (void)room;
    (void)old;
    if (taken <= 0)
        return taken;
    return err_code(err, ERR_CONFLICT, "AlreadyInUse",
                    "The registry name %.*s is already in use on this server.",
                    TEXT_ARG(now->name));
}

static int
removing_registry(void *room, struct exchange *x, const struct resource *old, struct err *err)
{
    const struct resources *rs = room;

    (void)x;
    if (text_is_nocase(old->name, DEFAULT_REGISTRY))
        return err_code(err, ERR_CONFLICT, "Conflict",
                        "the registry \"" DEFAULT_REGISTRY "\" is this server's own and stays");
    for (size_t i = 0; i < rs->n_observers; i++)
        if (text_is(text_of(rs->observers[i].type), TYPE))
            return 0;
    return err_code(err, ERR_UNSUPPORTED, "FeatureNotSupported",
                    "registries cannot be deleted: nobody would remove their images");
}

/* The server's name and port may be others than when it was stored. */
static int
show_login_server(struct resources *rs, const struct resource *r, json_t *properties,
                  struct err *err)
{
    struct text host = text_of(rs->world->login_server);
    ptrdiff_t colon = text_find(host, ':');
    OWN_BUF(b, 512);

    if (text_is_nocase(r->name, DEFAULT_REGISTRY))
        buf_text(&b, host);
    else
        buf_printf(&b, "%.*s.azurecr.%s%.*s", TEXT_ARG(r->name), rs->world->domain,
                   TEXT_ARG(colon < 0 ? TEXT("") : text_after(host, (size_t)colon)));
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] >= 'A' && b.p[i] <= 'Z')
            b.p[i] = (char)(b.p[i] + 32);
    return json_object_set_new(properties, "loginServer", json_from(buf_view(&b))) < 0
               ? err_memory(err)
               : 0;
}

static int
shown_registry(void *room, struct exchange *x, const struct resource *r, json_t *properties,
               struct err *err)
{
    char created[CLOCK_TEXT_LEN + 1];

    (void)x;
    clock_text(r->created_at_us, created);
    if (json_object_get(properties, "creationDate") == NULL &&
        json_object_set_new(properties, "creationDate", json_string(created)) < 0)
        return err_memory(err);
    return show_login_server(room, r, properties, err);
}

const struct resource_type registry_type = {
    .type = TYPE,
    .action_prefix = TYPE,
    .created_status = 201,
    .accept = accept_registry,
    .stored = stored_registry,
    .removing = removing_registry,
    .shown = shown_registry,
};

int
registry_check_name(void *room, struct exchange *x, struct err *err)
{
    struct resources *rs = room;
    OWN_JSON body = NULL;
    OWN_JSON doc = NULL;
    struct text name;
    int taken = 0;

    if (sent_document_read(x, &body, err) < 0 || json_need_text(body, "name", &name, err) < 0)
        return -1;
    if (!name_is_good(name))
        doc = json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason", "Invalid", "message",
                        "the name of a registry has 5 to 50 letters and digits");
    else if ((taken = name_taken(database_reader(rs->database), name, TEXT(""), err)) < 0)
        return -1;
    else if (taken > 0)
        doc = json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason", "AlreadyExists", "message",
                        "the name is already in use");
    else
        doc = json_pack("{s:b}", "nameAvailable", 1);
    if (doc == NULL)
        return err_memory(err);
    resource_answer(x, 200, doc);
    return 0;
}
