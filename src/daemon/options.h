/*
 * options.h - what holdfastd is told: the command line over the configuration file over defaults.
 *
 * One table names every option once; --help, the command line and the file (YAML, the same words)
 * are all read from it.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"

#define OPTIONS_LISTEN_MAX 16
#define OPTIONS_NAMES_MAX  32

struct listen_address {
    const char *host; /* "127.0.0.1", "::1" */
    uint16_t port;    /* 0: any free one */
    bool optional;    /* a missing IPv6 is no error */
};

struct options {
    const char *config;
    const char *data;
    const char *runner_state; /* of holdfast-runnerd */
    const char *runner_run;
    const char *domain;
    const char *crash_at; /* tests only: STEP:COUNT, or a file; see base/crash.h */
    const char *runner_crash_at;
    enum log_level log_level;
    struct listen_address listen[OPTIONS_LISTEN_MAX];
    size_t n_listen;
    struct listen_address http[OPTIONS_LISTEN_MAX];
    size_t n_http;
    const char *names[OPTIONS_NAMES_MAX + 1]; /* further bare host names; NULL-terminated */
    size_t n_names;
    bool help;
    bool version;
};

/*
 * options_read(o, argc, argv, arena, err): ERR_INVALID with a message for the terminal.  Texts are
 * in ${arena} or argv.
 */
MUST_CHECK int options_read(struct options *o, int argc, char **argv, struct arena *arena,
                            struct err *err);

/* options_usage(): the text of --help, in the arena. */
const char *options_usage(struct arena *arena);

#endif /* DAEMON_OPTIONS_H */
