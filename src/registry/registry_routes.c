/* registry_routes.c - everything the registry can be asked for. */
#include "registry/registry_priv.h"

#include "registry/manifest_document.h"
#include "store/blob.h"

#define V2     "/v2/{name*}"
#define ACR    "/acr/v1/{name*}"
#define QUICK  ROUTE_QUICK
#define STREAM ROUTE_STREAM
#define BLOB   BLOB_MAX_DEFAULT

/* GET rows serve HEAD too. */
const struct route registry_routes[] = {
    { HTTP_GET, "/v2/", ACTION_SIGNED_IN, DIALECT_OCI, registry_base, QUICK, 0 },
    { HTTP_GET, "/v2", ACTION_SIGNED_IN, DIALECT_OCI, registry_base, QUICK, 0 },
    { HTTP_GET, "/v2/_catalog", REGISTRY_CATALOG_READ, DIALECT_OCI, registry_catalog_list, 0, 0 },

    { HTTP_GET, V2 "/blobs/{digest}", REGISTRY_PULL, DIALECT_OCI, registry_blob_get, QUICK, 0 },
    { HTTP_DELETE, V2 "/blobs/{digest}", REGISTRY_DELETE, DIALECT_OCI, registry_blob_delete, 0, 0 },

    { HTTP_POST, V2 "/blobs/uploads/", REGISTRY_PUSH, DIALECT_OCI, registry_upload_begin, STREAM,
      BLOB },
    { HTTP_POST, V2 "/blobs/uploads", REGISTRY_PUSH, DIALECT_OCI, registry_upload_begin, STREAM,
      BLOB },
    { HTTP_GET, V2 "/blobs/uploads/{upload}", REGISTRY_PUSH, DIALECT_OCI, registry_upload_status, 0,
      0 },
    { HTTP_PATCH, V2 "/blobs/uploads/{upload}", REGISTRY_PUSH, DIALECT_OCI, registry_upload_patch,
      STREAM, BLOB },
    { HTTP_PUT, V2 "/blobs/uploads/{upload}", REGISTRY_PUSH, DIALECT_OCI, registry_upload_finish,
      STREAM, BLOB },
    { HTTP_DELETE, V2 "/blobs/uploads/{upload}", REGISTRY_PUSH, DIALECT_OCI, registry_upload_cancel,
      0, 0 },

    { HTTP_GET, V2 "/manifests/{reference}", REGISTRY_PULL, DIALECT_OCI, registry_manifest_get,
      QUICK, 0 },
    { HTTP_PUT, V2 "/manifests/{reference}", REGISTRY_PUSH, DIALECT_OCI, registry_manifest_put, 0,
      MANIFEST_BYTES_MAX },
    { HTTP_DELETE, V2 "/manifests/{reference}", REGISTRY_DELETE, DIALECT_OCI,
      registry_manifest_delete, 0, 0 },

    { HTTP_GET, V2 "/tags/list", REGISTRY_PULL, DIALECT_OCI, registry_tags_list, 0, 0 },
    { HTTP_GET, V2 "/referrers/{digest}", REGISTRY_PULL, DIALECT_OCI, registry_referrers_list, 0,
      0 },

    { HTTP_GET, "/v1/_ping", ACTION_PUBLIC, DIALECT_OCI, registry_no_v1, QUICK, 0 },
    { HTTP_GET, "/v1/search", ACTION_PUBLIC, DIALECT_OCI, registry_no_v1, QUICK, 0 },

    { HTTP_GET, "/acr/v1/_catalog", REGISTRY_CATALOG_READ, DIALECT_OCI, registry_acr_catalog, 0,
      0 },
    { HTTP_GET, ACR, REGISTRY_METADATA_READ, DIALECT_OCI, registry_acr_repository, 0, 0 },
    { HTTP_DELETE, ACR, REGISTRY_DELETE, DIALECT_OCI, registry_acr_delete, 0, 0 },
    { HTTP_GET, ACR "/_tags", REGISTRY_METADATA_READ, DIALECT_OCI, registry_acr_tags, 0, 0 },
    { HTTP_GET, ACR "/_tags/{tag}", REGISTRY_METADATA_READ, DIALECT_OCI, registry_acr_tag, 0, 0 },
    { HTTP_DELETE, ACR "/_tags/{tag}", REGISTRY_DELETE, DIALECT_OCI, registry_acr_untag, 0, 0 },
    { HTTP_GET, ACR "/_manifests", REGISTRY_METADATA_READ, DIALECT_OCI, registry_acr_manifests, 0,
      0 },
    { HTTP_GET, ACR "/_manifests/{digest}", REGISTRY_METADATA_READ, DIALECT_OCI,
      registry_acr_manifest, 0, 0 },
    { HTTP_GET, NULL, NULL, DIALECT_OCI, NULL, 0, 0 },
};
