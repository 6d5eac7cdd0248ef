/*
 * snapshot.h - all assignments at one moment, built once and then only read.
 *
 * Looked up by (principal, scope): a decision walks the few ancestors of a scope, however many
 * assignments there are.
 *
 * Invariants:
 *   N1  a snapshot never changes after snapshot_seal();
 *   N2  snapshot_decide() allocates nothing and touches only the snapshot and its arguments.
 */
#ifndef ACCESS_SNAPSHOT_H
#define ACCESS_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "access/access.h"
#include "base/err.h"
#include "base/own.h"

struct snapshot;

MUST_CHECK struct snapshot *snapshot_new(int64_t version, struct err *err);
void snapshot_free(struct snapshot *s);
DEFINE_OWN(snapshot);

MUST_CHECK int snapshot_add(struct snapshot *s, const struct assignment *a, struct err *err);
MUST_CHECK int snapshot_seal(struct snapshot *s, struct err *err);

/* snapshot_decide(): fill allowed, visible, assignment, role (when allowed) and version. */
void snapshot_decide(const struct snapshot *s, struct text principal, struct text action,
                     struct text scope, struct decision *out);

#endif /* ACCESS_SNAPSHOT_H */
