/*
 * runtime.h - the OCI runtimes we know how to drive: a const table, and the command lines.
 *
 * All rows take the words of runc; a row says what differs.  Which row serves on this machine is
 * found by running a container (probe.h), never by looking at a version.
 */
#ifndef RUNNER_RUNTIME_H
#define RUNNER_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#define RUNTIME_ARGS_MAX  16
#define RUNTIME_PATHS_MAX 512

struct runtime {
    const char *name;
    const char *global[4]; /* options before the verb, ends with NULL */
};

extern const struct runtime runtime_table[];
extern const size_t runtime_count;

const struct runtime *runtime_named(const char *name); /* or NULL */

/* One invocation; argv points into it. */
struct runtime_call {
    char paths[4][RUNTIME_PATHS_MAX];
    const char *argv[RUNTIME_ARGS_MAX];
};

/* ${folder} is the bundle: config.json is there, "pid" and "log" will be. ${root}: its state. */
void runtime_run(const struct runtime *r, const char *root, const char *folder, const char *id,
                 struct runtime_call *out);
void runtime_delete(const struct runtime *r, const char *root, const char *folder, const char *id,
                    struct runtime_call *out);

#endif /* RUNNER_RUNTIME_H */
