/*
 * channel.h - questions and answers between our own processes, over SOCK_SEQPACKET.
 *
 * The whole power of a process is its table of rules: which messages it takes, how large, with how
 * many descriptors.  One packet is a struct channel_header and a body; an answer carries the number
 * of its question, and either a body or a failure.
 *
 * Invariants:
 *   C1  a packet of an unknown type, over the rule's size, or with more descriptors than the rule
 *       allows is never shown to a handler: channel_serve() fails and the channel must be closed;
 *   C2  every descriptor that arrives is O_CLOEXEC and is owned by somebody or closed;
 *   C3  every call ends by its deadline; a late answer is never taken for that of a later question;
 *   C4  after a failure other than a timeout or the handler's own, the channel stays closed.
 *
 * Threads: channel_ask() may be called from any thread, calls take turns; channel_serve() from one.
 * Deadlines are clock_mono_us() values; CHANNEL_FOREVER never passes.
 */
#ifndef RT_CHANNEL_H
#define RT_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "base/text.h"

#define CHANNEL_FOREVER  INT64_MAX
#define CHANNEL_FDS_MAX  4
#define CHANNEL_BODY_MAX ((size_t)128 * 1024) /* fits the kernel's default socket buffers */

/* ---- packets: for rooms with a format of their own ---- */

/* channel_pair(fds, err): two connected ends, O_CLOEXEC. */
MUST_CHECK int channel_pair(int fds[static 2], struct err *err);

/* channel_send(): one packet; ${fds} stay the caller's.  ERR_CLOSED when nobody listens. */
MUST_CHECK int channel_send(int fd, const void *p, size_t n, const int *fds, size_t nfds,
                            int64_t deadline_us, struct err *err);

/*
 * channel_receive(): one packet of at most ${max} bytes and its descriptors, which become the
 * caller's.  Return 0; 1 at the end of the channel; -1: ERR_TIMEOUT, ERR_INVALID (C1), ERR_IO.
 */
MUST_CHECK int channel_receive(int fd, void *p, size_t max, size_t *n,
                               int fds[static CHANNEL_FDS_MAX], size_t *nfds, int64_t deadline_us,
                               struct err *err);

/* Who holds the other end (SO_PEERCRED: as it was when the channel was made). */
struct channel_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

MUST_CHECK int channel_peer(int fd, struct channel_peer *out, struct err *err);

/* ---- questions and answers by table ---- */

struct channel_header {
    uint32_t type; /* of the question; answers repeat it with CHANNEL_ANSWER set */
    uint32_t kind; /* enum err_kind of an answer; else 0 */
    uint64_t number;
};

#define CHANNEL_ANSWER 0x80000000u

struct channel;

struct channel_question {
    uint32_t type;
    struct text body; /* borrowed until the handler returns */
    int fds[CHANNEL_FDS_MAX];
    size_t nfds;        /* what the handler keeps it replaces by -1; the rest is closed */
    struct buf *answer; /* to be filled; at most CHANNEL_BODY_MAX */
    int answer_fds[CHANNEL_FDS_MAX];
    size_t answer_nfds; /* sent, then closed */
};

/* 0: send the answer; -1: send ${err} (kind and both texts; the code word stays here). */
typedef int channel_handler(void *self, struct channel_question *q, struct err *err);

struct channel_rule {
    uint32_t type; /* 1 ... CHANNEL_ANSWER - 1; a table ends with 0 */
    uint32_t max;  /* bytes of the body, at most CHANNEL_BODY_MAX */
    uint32_t fds;  /* descriptors it may bring */
    channel_handler *handler;
};

/*
 * channel_new(fd, rules, self, err): ${fd} is taken over, also on failure.  ${rules} (kept, not
 * copied) is the table of what this end answers; NULL for an end that only asks.
 */
MUST_CHECK struct channel *channel_new(int fd, const struct channel_rule *rules, void *self,
                                       struct err *err);
void channel_free(struct channel *c);
DEFINE_OWN(channel);

int channel_fd(const struct channel *c); /* borrowed, for poll(); -1 once closed */

/* channel_serve(c, deadline, err): take one question and answer it.  0; 1: the end; -1: close. */
MUST_CHECK int channel_serve(struct channel *c, int64_t deadline_us, struct err *err);

/*
 * channel_ask(c, type, body, deadline, answer, err): the body of the answer replaces the content of
 * ${answer}; -1 also with the failure the other end reported.
 */
MUST_CHECK int channel_ask(struct channel *c, uint32_t type, struct text body, int64_t deadline_us,
                           struct buf *answer, struct err *err);

/* Descriptors of a question and its answer, for channel_ask_fds(). */
struct channel_fds {
    const int *send; /* borrowed */
    size_t send_n;
    int got[CHANNEL_FDS_MAX]; /* the caller's, when 0 was returned */
    size_t got_n;
};

MUST_CHECK int channel_ask_fds(struct channel *c, uint32_t type, struct text body,
                               struct channel_fds *fds, int64_t deadline_us, struct buf *answer,
                               struct err *err);

#endif /* RT_CHANNEL_H */
