/*
 * message.h - what the daemon and runnerd say to each other over one SOCK_SEQPACKET channel.
 *
 * One packet is one struct runner_packet: a header and exactly the body its type has.  Both ends
 * are built from the same source and run on the same machine, so the structs are sent as they are;
 * RUNNER_PROTOCOL and the exact length are checked before a field is read, every text is checked to
 * end within its array.  Descriptors travel by SCM_RIGHTS.
 *
 * Invariants:
 *   G1  a packet of another protocol, an unknown type or a wrong length is refused, and closes the
 *       channel;
 *   G2  an answer carries the number of its question; events carry 0.
 */
#ifndef RUNNER_MESSAGE_H
#define RUNNER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "runner/plan.h"

#define RUNNER_PROTOCOL    1
#define RUNNER_LIST_MAX    512 /* ids in one packet; lists continue in the next */
#define RUNNER_LOG_FDS_MAX 3
#define RUNNER_MESSAGE_MAX 200

enum runner_type {
    RUNNER_HELLO = 1,
    RUNNER_LAYER_HAVE,
    RUNNER_UNPACK, /* + the blob's descriptor */
    RUNNER_START,  /* + a sealed memfd with an encoded plan */
    RUNNER_STATE,
    RUNNER_LOG,
    RUNNER_STOP,
    RUNNER_DELETE,
    RUNNER_LIST,
    RUNNER_KEEP,
    RUNNER_ANSWER = 64, /* to every question */
    RUNNER_EVENT = 65,  /* a group changed; body: its id */
};

/* How a layer blob is packed.  RUNNER_MEDIA_AUTO looks at its first bytes. */
enum runner_media {
    RUNNER_MEDIA_AUTO = 0,
    RUNNER_MEDIA_TAR = 1,
    RUNNER_MEDIA_GZIP = 2,
    RUNNER_MEDIA_ZSTD = 3,
};

enum runner_phase {
    RUNNER_WAITING = 0, /* not started yet, or between two runs */
    RUNNER_RUNNING = 1,
    RUNNER_TERMINATED = 2,
};

enum runner_reason {
    RUNNER_REASON_NONE = 0,
    RUNNER_REASON_COMPLETED,    /* exit code 0 */
    RUNNER_REASON_ERROR,        /* any other; 128 + n for a signal */
    RUNNER_REASON_OOM_KILLED,   /* over its memory limit */
    RUNNER_REASON_START_FAILED, /* the runtime could not start it: see message */
    RUNNER_REASON_BACK_OFF,     /* waiting before the next restart */
    RUNNER_REASON_CREATING,     /* waiting for the first start */
    RUNNER_REASON_LOST,         /* its supervisor or the machine went down */
};

/* One run of a container. */
struct runner_run {
    uint32_t phase;  /* enum runner_phase */
    uint32_t reason; /* enum runner_reason */
    int32_t exit_code;
    uint32_t reserved;
    int64_t started_us;  /* wall clock; 0: never */
    int64_t finished_us; /* 0: not yet */
};

struct runner_container_state {
    char name[PLAN_NAME_MAX + 1];
    struct runner_run current;
    struct runner_run previous; /* the run before this one; started_us 0 when there was none */
    uint32_t restart_count;
    uint32_t reserved;
    char message[RUNNER_MESSAGE_MAX]; /* what the runtime said, for people; may be empty */
};

struct runner_group_state {
    char id[ID_LEN + 1];
    char address[16]; /* IPv4 inside the runner's network, as text */
    char pad[3];
    uint32_t stopped; /* RUNNER_STOP was asked for: nothing restarts any more */
    uint32_t container_count;
    uint64_t sequence; /* grows with every change */
    struct runner_container_state containers[PLAN_CONTAINERS_MAX];
};

struct runner_hello {
    uint32_t ready;           /* containers can be run; else why says what is missing */
    uint32_t cgroup_version;  /* 1 or 2 */
    char runtime[32];         /* "runc" */
    char runtime_version[32]; /* "1.1.5" */
    char subnet[20];          /* "10.213.0.0/16" */
    char why[RUNNER_MESSAGE_MAX];
};

struct runner_ids {
    uint32_t count;
    uint32_t more; /* the list goes on in a next packet */
    char id[RUNNER_LIST_MAX][ID_LEN + 1];
};

/* An answer that failed: the fields of a struct err. */
struct runner_failure {
    uint32_t kind; /* enum err_kind; ERR_OK: it went well */
    int32_t sys;
    char msg[256];
    char detail[256];
};

struct runner_packet {
    uint32_t protocol;
    uint32_t type; /* enum runner_type */
    uint64_t number;
    union runner_body {
        struct {
            struct runner_failure failure; /* of a RUNNER_ANSWER */
            uint32_t question;             /* which type this answers: decides what follows */
            uint32_t found;                /* STATE, LOG, LAYER_HAVE: 0 says there is none */
            union {
                struct runner_hello hello;
                struct runner_group_state state;
                struct runner_ids ids;
                struct {
                    uint32_t count; /* descriptors, oldest bytes first */
                } log;
                struct {
                    uint64_t entries; /* of the layer */
                    uint64_t bytes;   /* of its files */
                    uint64_t skipped; /* device nodes that were left out */
                } unpack;
            };
        } answer;
        struct {
            char id[ID_LEN + 1];
            char container[PLAN_NAME_MAX + 1]; /* LOG */
            char pad[3];
            uint32_t previous; /* LOG: of the run before this one */
            uint32_t grace_ms; /* STOP: 0 takes the plan's */
            uint32_t after;    /* LIST: how many ids were already seen */
        } group;               /* STATE, LOG, STOP, DELETE, LIST, EVENT */
        struct {
            struct digest diff_id;
            uint32_t media;
        } layer;               /* LAYER_HAVE, UNPACK */
        struct runner_ids ids; /* KEEP */
    } body;
};

/* message_length(packet): bytes to send: the header and the part of the body its type uses, or 0.
 */
size_t message_length(const struct runner_packet *packet);

/* message_descriptors(packet): how many a question must bring. */
size_t message_descriptors(const struct runner_packet *packet);

/* message_check(packet, n, err): after receiving ${n} bytes: G1, ends of texts, counts. */
MUST_CHECK int message_check(const struct runner_packet *packet, size_t n, struct err *err);

/* message_send(fd, packet, fds, nfds, err), message_receive(fd, packet, fds, nfds, err): one
 * packet. Receiving: up to RUNNER_LOG_FDS_MAX descriptors, O_CLOEXEC, owned by the caller; return
 * 0, 1 at the end of the channel, -1.  Neither waits if ${fd} does not block (ERR_BUSY). */
MUST_CHECK int message_send(int fd, const struct runner_packet *packet, const int *fds, size_t nfds,
                            struct err *err);
MUST_CHECK int message_receive(int fd, struct runner_packet *packet,
                               int fds[static RUNNER_LOG_FDS_MAX], size_t *nfds, struct err *err);

void message_failure(struct runner_failure *out, const struct err *err);
int message_error(const struct runner_failure *in,
                  struct err *err); /* return -1, or 0 when ERR_OK */

#endif /* RUNNER_MESSAGE_H */
