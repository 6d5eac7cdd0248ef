/*
 * P1: what plan_decode() accepts, plan_encode() prints back byte for byte; P2: it is within its
 * limits, and the config.json made of it is one line of printable JSON (J1).
 */
#include "../property.h"
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "runner/bundle.h"
#include "runner/plan.h"

static void
check_json(const struct plan *plan, size_t i)
{
    struct passwd user = { .uid = 1 };
    OWN_BUF(out, BUNDLE_MAX);
    size_t depth = 0;
    bool quoted = false;

    bundle_print(&(struct bundle){ .container = &plan->containers[i],
                                   .user = &user,
                                   .hostname = "h",
                                   .rootfs = "/r",
                                   .etc = "/e",
                                   .namespace_at = "/n/",
                                   .cgroups_path = "c",
                                   .nofile_hard = 1024 },
                 &out);
    PROPERTY(!buf_failed(&out));
    for (size_t at = 0; at + 1 < out.n; at++) {
        unsigned char c = (unsigned char)out.p[at];

        PROPERTY(c >= 0x20 && c != 0x7f);
        if (quoted && c == '\\')
            at++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
        PROPERTY(depth > 0 || at + 2 == out.n);
    }
    PROPERTY(!quoted && depth == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    OWN(arena) arena = arena_new(8u * 1024 * 1024);
    OWN_BUF(again, PLAN_BYTES_MAX);
    struct plan plan = { 0 };
    struct err err = { 0 };

    if (arena == NULL || plan_decode(&plan, arena, text_from(bytes, n), &err) != 0)
        return 0;
    PROPERTY(plan.container_count > 0 && plan.container_count <= PLAN_CONTAINERS_MAX);
    PROPERTY(plan_encode(&plan, &again, &err) == 0);
    PROPERTY(again.n == n && memcmp(again.p, bytes, n) == 0);
    for (size_t i = 0; i < plan.container_count; i++)
        check_json(&plan, i);
    return 0;
}
