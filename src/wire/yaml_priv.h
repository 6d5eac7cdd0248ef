/* yaml_priv.h - plain scalars, between the files of the YAML reader. */
#ifndef WIRE_YAML_PRIV_H
#define WIRE_YAML_PRIV_H

#include "wire/yaml.h"

/*
 * yaml_plain(value, problem): what a plain scalar is by the YAML 1.2 core schema.  ${value} has no
 * NUL inside and one behind it.  NULL: ${problem} says why, or stays untouched when memory is
 * short.
 */
json_t *yaml_plain(struct text value, const char **problem);

#endif /* WIRE_YAML_PRIV_H */
