/*
 * admission.h - from the image a client wrote to the digest that may run, and the plan of it.
 *
 * Invariants:
 *   A1  access is asked before anything about the image is looked up: who may not pull learns
 *       nothing about what exists;
 *   A2  what is admitted is a digest; tags are not looked at again.
 */
#ifndef INSTANCES_ADMISSION_H
#define INSTANCES_ADMISSION_H

#include "access/access.h"
#include "base/arena.h"
#include "exchange/exchange.h"
#include "instances/deployment.h"
#include "instances/group.h"
#include "instances/image.h"
#include "registry/registry.h"

#define ADMISSION_ACTION "Microsoft.ContainerRegistry/registries/pull/read"

/* One container that may run. */
struct admitted {
    struct text registry;         /* NAME */
    struct text repository;       /* "app/web" */
    struct text repository_scope; /* resource id */
    struct text login_server;     /* as written, or the default one */
    struct text reference;        /* tag or digest that was asked for */
    struct digest digest;         /* what it named then: an index or a manifest */
    struct digest manifest;       /* what runs; the same unless digest is an index */
    struct caller puller;         /* whose right it was */
    struct decision decision;     /* which assignment */
    struct image image;
};

/* admission_ask(registry, x, group, arena, out, err): one struct per container, in the arena. */
MUST_CHECK int admission_ask(struct registry *registry, struct exchange *x,
                             const struct group *group, struct arena *arena, struct admitted **out,
                             struct err *err);

/* admission_deploy(group, admitted, arena, out, err): all of a deployment but its resource id. */
MUST_CHECK int admission_deploy(const struct group *group, const struct admitted *admitted,
                                struct arena *arena, struct deployment *out, struct err *err);

#endif /* INSTANCES_ADMISSION_H */
