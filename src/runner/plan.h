/*
 * plan.h - what a container group is to be: complete, bounds-checked, without one byte of JSON.
 *
 * The daemon builds a struct plan, prints it, and hands the bytes to runnerd in a sealed memfd;
 * runnerd and the group's supervisor parse them again.  The bytes on disk (the group's "plan" file)
 * are the same ones.  Layout: doc at the top of plan.c.
 *
 * Invariants:
 *   P1  what plan_decode() accepts, plan_encode() accepts too and prints back byte for byte;
 *   P2  a decoded plan is within every limit below and says nothing that could leave its place:
 *       names are DNS labels, paths are absolute and free of NUL, digests are whole;
 *   P3  bytes that are short, long, or of another version are ERR_INVALID, never read beyond.
 */
#ifndef RUNNER_PLAN_H
#define RUNNER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "base/text.h"

#define PLAN_VERSION        1
#define PLAN_BYTES_MAX      (1024 * 1024) /* of an encoded plan */
#define PLAN_CONTAINERS_MAX 60
#define PLAN_LAYERS_MAX     127    /* per container, as docker */
#define PLAN_STRINGS_MAX    4096   /* args or environment entries of one container */
#define PLAN_STRING_MAX     131071 /* bytes of one of them: the kernel's MAX_ARG_STRLEN - 1 */
#define PLAN_PORTS_MAX      64
#define PLAN_NAME_MAX       63
#define PLAN_PATH_MAX       4095
#define PLAN_USER_MAX       255
#define PLAN_GRACE_MAX_MS   (3600u * 1000)

/* What happens when a container ends. */
enum plan_restart {
    PLAN_RESTART_ALWAYS = 0,
    PLAN_RESTART_ON_FAILURE = 1,
    PLAN_RESTART_NEVER = 2,
};

/* One published TCP port.  Connections to host_address:host_port reach container_port. */
struct plan_port {
    uint8_t host_address[4]; /* IPv4 as written: 127.0.0.1 is {127,0,0,1}; 0.0.0.0 is every one */
    uint16_t host_port;      /* not 0; unique over all groups of a runner, else ERR_CONFLICT */
    uint16_t container_port; /* not 0 */
};

/* All texts and arrays are borrowed: from the caller when encoding, from the arena when decoded. */
struct plan_container {
    struct text name;            /* DNS label: [a-z0-9] and inner '-', unique in the group */
    const struct digest *layers; /* diff_ids, bottom layer first; each must have been unpacked */
    size_t layer_count;
    const struct text *args; /* at least one; args[0] is looked up in the container's PATH */
    size_t arg_count;
    const struct text *env; /* "NAME=value" each */
    size_t env_count;
    struct text cwd;       /* absolute, or empty for "/" */
    struct text user;      /* as in an image config: "", "1000", "1000:100", "www", "www:adm" */
    uint32_t stop_signal;  /* 1..64, or 0 for SIGTERM */
    uint32_t cpu_millis;   /* 1000 is one core; 0 is no limit */
    uint64_t memory_bytes; /* 0 is no limit, else at least 4 MiB */
    bool readonly;         /* root filesystem */
};

struct plan {
    char id[ID_LEN + 1]; /* of the group: a lower-case UUID */
    enum plan_restart restart;
    struct text hostname;      /* DNS label, or empty for the first 12 digits of the id */
    uint32_t grace_ms;         /* between the stop signal and SIGKILL; 0 asks for 30 s */
    uint32_t backoff_ms;       /* first wait before a restart; 0 asks for 10 s; doubles each time */
    uint32_t backoff_cap_ms;   /* 0 asks for 300 s */
    uint32_t backoff_reset_ms; /* running this long forgets the waits; 0 asks for 600 s */
    const struct plan_port *ports;
    size_t port_count;
    const struct plan_container *containers;
    size_t container_count; /* 1..PLAN_CONTAINERS_MAX */
};

/* plan_encode(plan, out, err): append the bytes; ERR_INVALID where a limit does not hold. */
MUST_CHECK int plan_encode(const struct plan *plan, struct buf *out, struct err *err);

/* plan_decode(out, arena, bytes, err): all of ${bytes}; texts point into ${bytes}. */
MUST_CHECK int plan_decode(struct plan *out, struct arena *arena, struct text bytes,
                           struct err *err);

/* plan_check(plan, err): the limits and spellings above, in words for the client. */
MUST_CHECK int plan_check(const struct plan *plan, struct err *err);

#endif /* RUNNER_PLAN_H */
