/* registry_priv.h - what the files of this room share. */
#ifndef REGISTRY_REGISTRY_PRIV_H
#define REGISTRY_REGISTRY_PRIV_H

#include "crypto/hmac.h"
#include "registry/registry.h"
#include "registry/repository.h"

struct registry_names;

struct registry {
    struct database *database; /* borrowed, as are the next two */
    struct blobs *blobs;
    const struct exchange_world *world;
    struct registry_settings settings;
    struct dialect dialect;
    struct hmac_key upload_key;
    struct registry_names *names; /* which registries there are */
};

#define REGISTRY_PULL          "Microsoft.ContainerRegistry/registries/pull/read"
#define REGISTRY_PUSH          "Microsoft.ContainerRegistry/registries/push/write"
#define REGISTRY_DELETE        "Microsoft.ContainerRegistry/registries/artifacts/delete"
#define REGISTRY_METADATA_READ "Microsoft.ContainerRegistry/registries/metadata/read"
#define REGISTRY_CATALOG_READ  "Microsoft.ContainerRegistry/registries/catalog/read"

#define REGISTRY_PAGE_MAX      1000 /* items of one page, whatever was asked for */

/* registry_place(x, out, err): the repository that is addressed; for handlers. */
MUST_CHECK int registry_place(struct exchange *x, struct place *out, struct err *err);

/* registry_repository_scope(x, repository): scope of another repository of the same registry. */
struct text registry_repository_scope(struct exchange *x, struct text repository);

/* registry_digest(x, text, out, err): parse, keep in the arena and note it for the record. */
MUST_CHECK int registry_digest(struct exchange *x, struct text text, const struct digest **out,
                               struct err *err);

/* registry_page(x, page, err): n and last of the query. */
MUST_CHECK int registry_page(struct exchange *x, struct page *page, struct err *err);

/* registry_next(x, page): the Link to the next page, if there is one. */
void registry_next(struct exchange *x, const struct page *page);

/* registry_begin(x, status): an answer with the field every registry answer has. */
void registry_begin(struct exchange *x, int status);

/* registry_field_digest(x, name, digest) */
void registry_field_digest(struct exchange *x, const char *name, const struct digest *digest);

/* registry_not_modified(x, digest): begin a 200 with the digest and its ETag, or a whole 304. */
bool registry_not_modified(struct exchange *x, const struct digest *digest);

/* The handlers, by file. */
route_handler registry_blob_get, registry_blob_delete; /* registry_blob.c */
route_handler registry_upload_begin, registry_upload_patch, registry_upload_finish;
route_handler registry_upload_status, registry_upload_cancel; /* registry_upload.c */
route_handler registry_manifest_get, registry_manifest_put, registry_manifest_delete;
route_handler registry_referrers_list, registry_tags_list, registry_catalog_list;
route_handler registry_base, registry_no_v1; /* registry_list.c */
route_handler registry_acr_catalog, registry_acr_repository, registry_acr_delete;
route_handler registry_acr_tags, registry_acr_tag, registry_acr_untag;
route_handler registry_acr_manifests, registry_acr_manifest; /* registry_acr.c */

/* registry_upload_where(x, id, size): Location, Range and id of a session, for 202, 204 and 416. */
void registry_upload_where(struct exchange *x, struct text id, uint64_t size);

#endif /* REGISTRY_REGISTRY_PRIV_H */
