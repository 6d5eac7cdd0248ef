/*
 * manifest_document.h - what is inside a pushed manifest, read once and strictly.
 *
 * Sources: OCI image-spec 1.1 (manifest.md, image-index.md, descriptor.md); Docker image manifest
 * version 2 schema 2.  Pure: no database, no files.
 *
 * Invariants:
 *   M1  the kind follows from the Content-Type alone, and a document that also looks like the other
 *       kind (layers beside manifests) is refused: nobody can read it in two ways;
 *   M2  a "mediaType" inside must equal the Content-Type; Docker's must be there, OCI's may;
 *   M3  every descriptor has a media type, a digest and a size that fits; all are found, each
 * digest once; M4  a refusal is ERR_INVALID with code MANIFEST_INVALID and says which member is
 * wrong; M5  strings that are kept or sent in headers hold printable ASCII only.
 */
#ifndef REGISTRY_MANIFEST_DOCUMENT_H
#define REGISTRY_MANIFEST_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"

#define MANIFEST_BYTES_MAX      ((size_t)4 * 1024 * 1024)
#define MANIFEST_REFERENCES_MAX 8192 /* descriptors in one document */
#define MANIFEST_TYPE_MAX       255  /* bytes of a media or artifact type (RFC 6838: 127 "/" 127) */

enum manifest_kind {
    MANIFEST_IMAGE, /* config and layers */
    MANIFEST_INDEX, /* manifests */
};

struct manifest_reference {
    struct digest digest;
    uint64_t size;
    bool elsewhere; /* a layer that may lie at its urls and need not be here */
};

struct manifest_document {
    enum manifest_kind kind;
    const char *media_type; /* static */
    bool has_subject;
    struct digest subject;
    struct text artifact_type; /* its own, else the config's media type; p NULL when neither */
    struct manifest_reference *references; /* blobs of an image, children of an index */
    size_t n_references;
    uint64_t image_size; /* sum of the references' sizes */
};

/* manifest_document_type(content_type): the known type it names, parameters cut off, or NULL. */
const char *manifest_document_type(struct text content_type);

/*
 * manifest_document_read(bytes, content_type, arena, out, err): texts and references are in the
 * arena.
 */
MUST_CHECK int manifest_document_read(struct text bytes, struct text content_type,
                                      struct arena *arena, struct manifest_document *out,
                                      struct err *err);

#endif /* REGISTRY_MANIFEST_DOCUMENT_H */
