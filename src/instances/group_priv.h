/* group_priv.h - the container's half of the document reader; for group.c only. */
#ifndef INSTANCES_GROUP_PRIV_H
#define INSTANCES_GROUP_PRIV_H

#include "instances/group.h"

/* ${object} is one element of "containers". */
MUST_CHECK int group_container_read(struct group_container *out, const json_t *object,
                                    struct arena *arena, struct err *err);

/* group_label_ok(t): a DNS label of lower case, without "--", as ACI wants names. */
bool group_label_ok(struct text t);

/* group_port_read(object, out, err): {"port": n, "protocol": "TCP"} */
MUST_CHECK int group_port_read(const json_t *object, uint16_t *out, struct err *err);

#endif /* INSTANCES_GROUP_PRIV_H */
