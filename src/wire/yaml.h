/*
 * yaml.h - YAML as people write it for `az container create --file`, read into a JSON tree.
 *
 * Invariants:
 *   Y1  one document; no aliases, no anchors that matter, no key twice, keys are scalars, at most
 *       YAML_DEPTH_MAX deep and YAML_NODES_MAX nodes;
 *   Y2  plain scalars have the types of the YAML 1.2 core schema (10.3.2): "no" and "1:30" are
 *       text; quoted and block scalars are always text;
 *   Y3  the tree would pass json_read(): UTF-8, no NUL, numbers that JSON has.
 * The caller limits the size of what it hands in.
 */
#ifndef WIRE_YAML_H
#define WIRE_YAML_H

#include "base/err.h"
#include "base/text.h"
#include "wire/json.h"

#define YAML_DEPTH_MAX 64
#define YAML_NODES_MAX 100000

/* yaml_read(bytes, err): a new tree (object or array), or NULL; the message has line and column. */
MUST_CHECK json_t *yaml_read(struct text bytes, struct err *err);

#endif /* WIRE_YAML_H */
