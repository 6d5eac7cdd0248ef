/*
 * reference.h - names of repositories, tags and images (OCI distribution-spec 1.1, "Pulling
 * manifests"; the split of host and name follows what docker does).
 *
 * Invariants:
 *   F1  a name that is ok is at most REFERENCE_NAME_MAX bytes of [a-z0-9._/-], begins and ends with
 *       a letter or digit, and has no empty, "." or ".." component;
 *   F2  printing a parsed reference gives the bytes that were parsed.
 */
#ifndef WIRE_REFERENCE_H
#define WIRE_REFERENCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"

#define REFERENCE_NAME_MAX 255
#define REFERENCE_TAG_MAX  128

bool reference_name_ok(struct text name);
bool reference_tag_ok(struct text tag);

struct reference {
    struct text host; /* with its port; empty when the text names none */
    struct text name; /* the repository; never empty */
    struct text tag;  /* empty when there is none: no "latest" is made up */
    bool has_digest;
    struct digest digest;
};

/*
 * reference_parse(out, t, err): "host:port/name:tag@sha256:...".  The first component is the host
 * when it is "localhost" or contains a dot or a colon.  Texts point into ${t}.
 */
MUST_CHECK int reference_parse(struct reference *out, struct text t, struct err *err);

void reference_print(const struct reference *r, struct buf *b);

#endif /* WIRE_REFERENCE_H */
