/*
 * err.h - one way to fail: every fallible function fills a caller-owned struct err.
 *
 * Invariants:
 *   E1  reporting a failure allocates nothing and cannot fail;
 *   E2  the first failure wins: later calls never overwrite kind, code or message;
 *   E3  an errno is never a verdict on the client: err_sys() yields ERR_NO_SPACE or ERR_IO only;
 *   E4  msg is UTF-8, whatever was printed into it and wherever it had to be cut off, so that every
 *       dialect can show it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

/* What the caller can do about it.  HTTP statuses are derived from the kind, at the edge only. */
enum err_kind {
    ERR_OK = 0,
    ERR_INVALID,         /* the request is nonsense; retrying it is pointless */
    ERR_UNAUTHENTICATED, /* we do not know who asks */
    ERR_DENIED,          /* we know, and they may not */
    ERR_NOT_FOUND,
    ERR_CONFLICT,
    ERR_PRECONDITION, /* If-Match and its kin did not hold */
    ERR_TOO_LARGE,    /* a stated limit was hit */
    ERR_UNSUPPORTED,  /* understood, and deliberately not done */
    ERR_RANGE,        /* the range asked for does not exist, or the chunk is out of order */
    ERR_BUSY,         /* try again later */
    ERR_TIMEOUT,      /* the peer was too slow */
    ERR_CLOSED,       /* the peer went away */
    ERR_NO_SPACE,     /* disk or memory: the operator must act */
    ERR_CORRUPT,      /* stored bytes are not what we wrote */
    ERR_IO,           /* a system call failed; see sys */
};

struct err {
    enum err_kind kind;
    int sys;           /* errno, or 0 */
    const char *where; /* static string: "file:line" that failed first */
    const char *code;  /* static string: the dialect's own code (BLOB_UNKNOWN ...), or NULL */
    char msg[256];     /* safe to show to the client */
    char detail[256];  /* for the log and the audit trail only */
};

/*
 * err_set(err, kind, msg...), err_code(err, kind, code, msg...), err_sys(err, errnum, msg...):
 * Record a failure and return -1, so that "return err_set(...)" is the whole error path.
 * ${code} must be a static string; it is the word the dialect of the route uses.
 */
#define err_set(e, kind, ...)        err_set_at((e), (kind), NULL, 0, BASE_WHERE, __VA_ARGS__)
#define err_code(e, kind, code, ...) err_set_at((e), (kind), (code), 0, BASE_WHERE, __VA_ARGS__)
#define err_sys(e, errnum, ...)      err_set_at((e), ERR_OK, NULL, (errnum), BASE_WHERE, __VA_ARGS__)
#define err_memory(e)                err_set((e), ERR_NO_SPACE, "out of memory")

int err_set_at(struct err *err, enum err_kind kind, const char *code, int sys, const char *where,
               const char *fmt, ...) __attribute__((format(printf, 6, 7), cold));

/* err_note(err, fmt...): append private context while the error travels up; return -1. */
int err_note(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/* err_clear(err): forget a failure that was expected and has been dealt with. */
void err_clear(struct err *err);

const char *err_kind_name(enum err_kind kind);

#define BASE_STR2(x) #x
#define BASE_STR(x)  BASE_STR2(x)
#define BASE_WHERE   __FILE__ ":" BASE_STR(__LINE__)

#define MUST_CHECK   __attribute__((warn_unused_result))

#endif /* BASE_ERR_H */
