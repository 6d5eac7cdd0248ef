/*
 * image.h - what a stored image says about itself (OCI image-spec 1.1: manifest, index, config;
 * Docker's v2 schema 2 spellings of the same).
 *
 * Pure: the bytes are a client's and hostile; all texts and arrays lie in the arena.
 *
 * Invariants:
 *   M1  an image that is read has as many layers as diff_ids, within runner/plan.h's limits;
 *   M2  a layer of a packing we cannot unpack, or that lies elsewhere (foreign), is refused.
 */
#ifndef INSTANCES_IMAGE_H
#define INSTANCES_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "runner/message.h"
#include "runner/plan.h"

#define IMAGE_CONFIG_MAX  ((uint64_t)4 * 1024 * 1024) /* bytes of a config blob */
#define IMAGE_ENTRIES_MAX 512                         /* of an index */

struct image_layer {
    struct digest blob;
    struct digest diff_id; /* set by image_config_read() */
    enum runner_media media;
};

struct image {
    struct digest config;
    struct image_layer *layers; /* bottom first */
    size_t layer_count;
    struct text os, architecture;
    const struct text *entrypoint;
    size_t entrypoint_count;
    const struct text *cmd;
    size_t cmd_count;
    const struct text *env; /* "NAME=value" */
    size_t env_count;
    struct text cwd;
    struct text user;
    uint32_t stop_signal; /* 0: none said */
};

/* image_is_index(media_type): an index or manifest list: pick from it first. */
bool image_is_index(struct text media_type);

/* image_machine_architecture(): this machine's, in OCI's words ("amd64"); static. */
const char *image_machine_architecture(void);

/* image_index_pick(bytes, architecture, out, err): the manifest for linux/${architecture};
 * ERR_NOT_FOUND says which platforms there are. */
MUST_CHECK int image_index_pick(struct text bytes, const char *architecture, struct digest *out,
                                struct err *err);

/* First the manifest (config, layers), then its config blob (all the rest). */
MUST_CHECK int image_manifest_read(struct image *out, struct text bytes, struct arena *arena,
                                   struct err *err);
MUST_CHECK int image_config_read(struct image *image, struct text bytes, struct arena *arena,
                                 struct err *err);

/* image_signal(t, out): "SIGTERM", "term", "15", "SIGRTMIN+3". */
bool image_signal(struct text t, uint32_t *out);

#endif /* INSTANCES_IMAGE_H */
