#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* What every line of this process shares; the level alone changes once there are threads. */
static struct {
    const char *process;
    atomic_int level; /* enum log_level */
    bool terminal;
} log_self = { "holdfast", LOG_LEVEL_INFO, false };

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
};

/* A line under construction; the last 8 bytes are kept for its end (L3). */
struct line {
    char bytes[LOG_LINE_MAX];
    size_t n;
};

static void
put(struct line *line, const char *p, size_t n)
{
    if (n > sizeof(line->bytes) - 8 - line->n)
        return;
    memcpy(line->bytes + line->n, p, n);
    line->n += n;
}

static void
put_str(struct line *line, const char *s)
{
    put(line, s, strlen(s));
}

/* JSON string content; bytes above 0x7f pass, broken UTF-8 is the reader's '?', never a new line.
 */
static void
put_escaped(struct line *line, struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        char escape[8];

        if (c == '"' || c == '\\') {
            escape[0] = '\\';
            escape[1] = (char)c;
            put(line, escape, 2);
        } else if (c < 0x20 || c == 0x7f) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x", c);
            put(line, escape, 6);
        } else {
            put(line, (const char *)&t.p[i], 1);
        }
    }
}

static void
put_json(struct line *line, const char *key, struct text value)
{
    put_str(line, ",\"");
    put_str(line, key);
    put_str(line, "\":\"");
    put_escaped(line, value);
    put_str(line, "\"");
}

static void
put_field(struct line *line, const struct log_field *f)
{
    char number[32];

    if (!f->is_number && !log_self.terminal) {
        put_json(line, f->key, f->text);
        return;
    }
    (void)snprintf(number, sizeof(number), "%lld", (long long)f->number);
    put_str(line, log_self.terminal ? " " : ",\"");
    put_str(line, f->key);
    put_str(line, log_self.terminal ? "=" : "\":");
    if (f->is_number)
        put_str(line, number);
    else
        put_escaped(line, f->text);
}

void
log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_self.level, (int)level, memory_order_relaxed);
}

void
log_start(const char *process, enum log_level level)
{
    log_self.process = process;
    log_set_level(level);
    log_self.terminal = isatty(STDERR_FILENO) == 1;
}

bool
log_level_parse(struct text t, enum log_level *out)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (text_is(t, level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool
log_wants(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_self.level, memory_order_relaxed);
}

static void
put_head(struct line *line, enum log_level level, const char *message, const char *request_id)
{
    char now[CLOCK_TEXT_LEN + 1];

    clock_text(clock_now_us(), now);
    if (log_self.terminal) {
        put(line, now + 11, 12);
        put_str(line, " ");
        put_str(line, level_names[level]);
        put_str(line, " ");
        put_str(line, log_self.process);
        put_str(line, ": ");
        put_str(line, message);
        if (request_id != NULL) {
            put_str(line, " request_id=");
            put_str(line, request_id);
        }
        return;
    }
    put_str(line, "{\"time\":\"");
    put_str(line, now);
    put_str(line, "\"");
    put_json(line, "level", text_of(level_names[level]));
    put_json(line, "process", text_of(log_self.process));
    put_json(line, "message", text_of(message));
    if (request_id != NULL)
        put_json(line, "request_id", text_of(request_id));
}

void
log_event(enum log_level level, const char *message, const char *request_id,
          const struct log_field *fields, size_t n)
{
    struct line line = { .n = 0 };

    if (!log_wants(level))
        return;
    put_head(&line, level, message, request_id);
    for (size_t i = 0; i < n; i++)
        put_field(&line, &fields[i]);
    if (!log_self.terminal)
        line.bytes[line.n++] = '}';
    line.bytes[line.n++] = '\n';
    (void)!write(STDERR_FILENO, line.bytes, line.n);
}

void
log_err(enum log_level level, const char *message, const char *request_id, const struct err *err)
{
    LOG(level, message, request_id, LOG_STR("kind", err_kind_name(err->kind)),
        LOG_STR("error", err->msg), LOG_STR("detail", err->detail), LOG_STR("where", err->where),
        LOG_NUMBER("errno", err->sys));
}
