#include "runner/runtime.h"

#include <stdio.h>
#include <string.h>

/* In the order they are tried. */
const struct runtime runtime_table[] = {
    { "crun", { "--cgroup-manager=cgroupfs", NULL } },
    { "runc", { NULL } },
};
const size_t runtime_count = sizeof(runtime_table) / sizeof(runtime_table[0]);

const struct runtime *
runtime_named(const char *name)
{
    for (size_t i = 0; i < runtime_count; i++)
        if (strcmp(runtime_table[i].name, name) == 0)
            return &runtime_table[i];
    return NULL;
}

static size_t
begin(const struct runtime *r, const char *root, const char *folder, struct runtime_call *out)
{
    size_t n = 0;

    (void)snprintf(out->paths[0], RUNTIME_PATHS_MAX, "%s", root);
    (void)snprintf(out->paths[1], RUNTIME_PATHS_MAX, "%s/log", folder);
    out->argv[n++] = r->name;
    out->argv[n++] = "--root";
    out->argv[n++] = out->paths[0];
    out->argv[n++] = "--log";
    out->argv[n++] = out->paths[1];
    for (size_t i = 0; r->global[i] != NULL; i++)
        out->argv[n++] = r->global[i];
    return n;
}

void
runtime_run(const struct runtime *r, const char *root, const char *folder, const char *id,
            struct runtime_call *out)
{
    size_t n = begin(r, root, folder, out);

    (void)snprintf(out->paths[2], RUNTIME_PATHS_MAX, "%s", folder);
    (void)snprintf(out->paths[3], RUNTIME_PATHS_MAX, "%s/pid", folder);
    out->argv[n++] = "run";
    out->argv[n++] = "--detach";
    out->argv[n++] = "--bundle";
    out->argv[n++] = out->paths[2];
    out->argv[n++] = "--pid-file";
    out->argv[n++] = out->paths[3];
    out->argv[n++] = id;
    out->argv[n] = NULL;
}

void
runtime_delete(const struct runtime *r, const char *root, const char *folder, const char *id,
               struct runtime_call *out)
{
    size_t n = begin(r, root, folder, out);

    out->argv[n++] = "delete";
    out->argv[n++] = "--force";
    out->argv[n++] = id;
    out->argv[n] = NULL;
}
