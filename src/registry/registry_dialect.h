/*
 * registry_dialect.h - how the registry is addressed, and how it says no.
 *
 * Sources: OCI distribution-spec 1.1 "Error Codes"; Docker "Token Authentication Specification".
 *
 * Invariants:
 *   D1  every refusal is {"errors":[{code, message, detail}]}, detail never null: docker retries a
 *       push that was refused without one;
 *   D2  a 401 carries a Bearer challenge, on HEAD too, with the scope that the request needs;
 *   D3  action, scope and role are named only to callers who may know that the scope exists.
 */
#ifndef REGISTRY_REGISTRY_DIALECT_H
#define REGISTRY_REGISTRY_DIALECT_H

#include "base/arena.h"
#include "base/text.h"
#include "exchange/exchange.h"

struct registry;

void registry_dialect_init(struct dialect *dialect, struct registry *registry);

/* registry_lower(arena, t): ASCII letters in lower case; ${t} itself when it has no others. */
struct text registry_lower(struct arena *arena, struct text t);

#endif /* REGISTRY_REGISTRY_DIALECT_H */
