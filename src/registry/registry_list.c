/* registry_list.c - what there is: the base of the API, catalogues, tags, referrers. */
#include "registry/registry_priv.h"

#include "registry/manifest_row.h"
#include "wire/json.h"

#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"

int
registry_base(void *room, struct exchange *x, struct err *err)
{
    (void)room;
    (void)err;
    registry_begin(x, 200);
    answer_text(x, "application/json", TEXT("{}"));
    return 0;
}

/* docker search and podman search ask the old protocol first, and want JSON when it is not there.
 */
int
registry_no_v1(void *room, struct exchange *x, struct err *err)
{
    (void)room;
    (void)x;
    return err_code(err, ERR_NOT_FOUND, "UNSUPPORTED",
                    "version 1 of the registry protocol is not spoken here");
}

static int
answer_list(struct exchange *x, json_t *document, const struct page *page, struct err *err)
{
    if (document == NULL)
        return err_memory(err);
    registry_begin(x, 200);
    registry_next(x, page);
    answer_document(x, document);
    return 0;
}

int
registry_catalog_list(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    OWN_JSON names = json_array();
    OWN_JSON document = NULL;
    struct place place;
    struct page page;

    if (names == NULL)
        return err_memory(err);
    if (registry_place(x, &place, err) < 0 || registry_page(x, &page, err) < 0 ||
        repository_names(database_reader(registry->database), place.registry, &page, names, err) <
            0)
        return -1;
    document = json_pack("{s:O}", "repositories", names);
    return answer_list(x, document, &page, err);
}

int
registry_tags_list(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    struct db *db = database_reader(registry->database);
    OWN_JSON names = json_array();
    OWN_JSON document = NULL;
    struct repository repository;
    struct place place;
    struct page page;
    int found;

    if (names == NULL)
        return err_memory(err);
    if (registry_place(x, &place, err) < 0 || registry_page(x, &page, err) < 0)
        return -1;
    if ((found = repository_find(db, &place, &repository, err)) > 0)
        return err_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", "there is no repository \"%.*s\"",
                        TEXT_ARG(text_first(place.repository, 120)));
    if (found < 0 || manifest_row_tags(db, repository.id, &page, names, err) < 0)
        return -1;
    document = json_pack("{s:o, s:O}", "name", json_from(place.repository), "tags", names);
    return answer_list(x, document, &page, err);
}

/* An index is what it is, whatever JSON in general is called. */
static int
answer_index(struct exchange *x, json_t *items, const struct page *page, struct err *err)
{
    OWN_BUF(printed, 2 * MANIFEST_BYTES_MAX);
    OWN_JSON index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", INDEX_TYPE,
                               "manifests", items);
    struct text body;

    if (index == NULL)
        return err_memory(err);
    if (json_print(index, &printed, err) < 0)
        return -1;
    body = arena_text(x->arena, buf_view(&printed));
    if (body.p == NULL)
        return err_memory(err);
    registry_begin(x, 200);
    registry_next(x, page);
    if (exchange_query(x, "artifactType").p != NULL)
        answer_field(x, "OCI-Filters-Applied", TEXT("artifactType"));
    answer_text(x, INDEX_TYPE, body);
    return 0;
}

/* Never 404: a subject need not exist, and clients take 404 for "no such API". */
int
registry_referrers_list(void *room, struct exchange *x, struct err *err)
{
    struct registry *registry = room;
    const struct digest *subject;
    OWN_JSON items = json_array();
    struct place place;
    struct page page;

    if (items == NULL)
        return err_memory(err);
    if (registry_place(x, &place, err) < 0 ||
        registry_digest(x, exchange_param(x, "digest"), &subject, err) < 0 ||
        registry_page(x, &page, err) < 0 ||
        manifest_row_referrers(database_reader(registry->database), &place, subject,
                               exchange_query(x, "artifactType"), &page, items, err) < 0)
        return -1;
    return answer_index(x, items, &page, err);
}
