/*
 * log.h - one line per event on stderr: JSON lines, or words for people when it is a terminal.
 *
 * Only the edge of a process logs; library code fills struct err instead.
 *
 * Invariants:
 *   L1  one event is one write(2) of one line; bytes that would break the line are escaped;
 *   L2  every line carries time, level, process and, where there is one, the request id;
 *   L3  a line is at most LOG_LINE_MAX bytes; what does not fit is cut, the line stays valid.
 * Threads: log_start() once, before threads; the others from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define LOG_LINE_MAX 4096

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR,
};

struct log_field {
    const char *key; /* static: snake_case */
    struct text text;
    int64_t number;
    bool is_number;
};

#define LOG_TEXT(k, t)   ((struct log_field){ (k), (t), 0, false })
#define LOG_STR(k, s)    ((struct log_field){ (k), text_of(s), 0, false })
#define LOG_NUMBER(k, v) ((struct log_field){ (k), { NULL, 0 }, (v), true })

/* log_start(process, level): name this process in every line; decide the form by isatty(2). */
void log_start(const char *process, enum log_level level);
void log_set_level(enum log_level level);                 /* from any thread */
bool log_level_parse(struct text t, enum log_level *out); /* debug, info, warning, error */
bool log_wants(enum log_level level);

/* log_event(level, message, request id or NULL, fields, n) */
void log_event(enum log_level level, const char *message, const char *request_id,
               const struct log_field *fields, size_t n);

/* LOG(level, message, request_id, fields...): at least one field. */
#define LOG(level, message, request_id, ...)                                                       \
    log_event((level), (message), (request_id), (const struct log_field[]){ __VA_ARGS__ },         \
              sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

/* log_err(level, message, request_id, err): the error's kind, texts, place and errno. */
void log_err(enum log_level level, const char *message, const char *request_id,
             const struct err *err);

#endif /* BASE_LOG_H */
