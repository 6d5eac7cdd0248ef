/*
 * json.h - strict JSON: jansson's trees (json_t), read and printed our way.
 *
 * jansson owns the names json_object_*, json_array_*, json_string_*, json_load*, json_dump* and
 * json_(un)pack*; ours are only those below, and none of them is taken there.  Use jansson's own
 * functions freely to build and walk trees, but read and print through here.
 *
 * Invariants:
 *   J1  what is read is an object or array of UTF-8 without NUL, with no key twice in one object,
 *       at most JSON_DEPTH_MAX deep, and nothing behind it;
 *   J2  a failed getter says which member is wrong by its path, and leaves the output untouched;
 *   J3  trees are in memory of base/mem, so limits and sweeps see them (after json_start());
 *   J4  equal trees have one canonical print, whatever the order of their members.
 * The caller limits the size of what it hands in.  Never re-print a document whose digest counts.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define JSON_DEPTH_MAX 64

/* json_start(): once per process, before threads and before the first json_t. */
void json_start(void);

/* OWN_JSON tree: a reference given back at scope end; GIVE() works on it. */
#define OWN_JSON __attribute__((cleanup(json_own_cleanup_))) json_t *

static inline void
json_own_cleanup_(json_t **p)
{
    json_decref(*p);
}

/* json_read(bytes, err): a new tree, or NULL; the message has line and column. */
MUST_CHECK json_t *json_read(struct text bytes, struct err *err);

/* json_print(tree, out, err): compact, members in their order, appended to ${out}. */
MUST_CHECK int json_print(const json_t *tree, struct buf *out, struct err *err);

/* json_canonical(tree, out, err): compact, members sorted by their bytes: for hashing. */
MUST_CHECK int json_canonical(const json_t *tree, struct buf *out, struct err *err);

/*
 * Getters.  ${path} is one key, or keys joined by dots ("properties.osType"); for keys that contain
 * a dot themselves use json_object_get().  need: the member must be there.  want: when it, or an
 * object on the way, is absent or null, the output becomes the default (text: the default, which
 * may have p NULL; trees: NULL).  A member of the wrong type is always ERR_INVALID. Texts and trees
 * are borrowed from ${object}.
 */
MUST_CHECK int json_need_text(const json_t *object, const char *path, struct text *out,
                              struct err *err);
MUST_CHECK int json_want_text(const json_t *object, const char *path, struct text fallback,
                              struct text *out, struct err *err);
MUST_CHECK int json_need_int(const json_t *object, const char *path, int64_t min, int64_t max,
                             int64_t *out, struct err *err);
MUST_CHECK int json_want_int(const json_t *object, const char *path, int64_t min, int64_t max,
                             int64_t fallback, int64_t *out, struct err *err);
/* Any number, whole or not, from ${min} to ${max}. */
MUST_CHECK int json_want_number(const json_t *object, const char *path, double min, double max,
                                double fallback, double *out, struct err *err);
MUST_CHECK int json_want_bool(const json_t *object, const char *path, bool fallback, bool *out,
                              struct err *err);
MUST_CHECK int json_need_object(const json_t *object, const char *path, json_t **out,
                                struct err *err);
MUST_CHECK int json_want_object(const json_t *object, const char *path, json_t **out,
                                struct err *err);
MUST_CHECK int json_need_array(const json_t *object, const char *path, json_t **out,
                               struct err *err);
MUST_CHECK int json_want_array(const json_t *object, const char *path, json_t **out,
                               struct err *err);

/* json_text(value): the bytes of a JSON string, borrowed; p is NULL for any other value. */
struct text json_text(const json_t *value);

/* json_from(t): a new JSON string, or NULL when memory is short or ${t} is not UTF-8. */
json_t *json_from(struct text t);

/*
 * json_refuse(err, path, fmt...): ERR_INVALID "PATH: ..." for a check of the caller's own.
 * json_within(err, fmt...): put an outer path before the message of such an error, as it travels up
 * ("containers[2]" and "name: is missing" give "containers[2].name: is missing").  Both return -1.
 */
int json_refuse(struct err *err, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));
int json_within(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

#endif /* WIRE_JSON_H */
