/*
 * drive - the runner's client as a line-driven program, for the scenario tests.
 *
 * Reads one command per line, words separated by spaces, bytes in words written as %XX; answers
 * each with one line: "ok ...", "none", or "error KIND MESSAGE".
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runner/runner_client.h"

#define WORDS_MAX   64
#define STRINGS_MAX 256
#define TIMEOUT_US  60000000

struct drive {
    struct runner *runner;
    pid_t pid;
    unsigned long events;
    char *words[WORDS_MAX];
    size_t n;
    struct plan plan;
    struct plan_container containers[PLAN_CONTAINERS_MAX];
    struct plan_port ports[PLAN_PORTS_MAX];
    struct digest layers[PLAN_CONTAINERS_MAX][16];
    struct text args[PLAN_CONTAINERS_MAX][STRINGS_MAX];
    struct text env[PLAN_CONTAINERS_MAX][STRINGS_MAX];
};

static void
seen(void *self, const char *id)
{
    struct drive *d = self;

    (void)id;
    d->events++;
}

static int64_t
soon(void)
{
    return clock_mono_us() + TIMEOUT_US;
}

static void
decode(char *word)
{
    char *out = word;

    for (const char *p = word; *p != '\0'; p++) {
        if (p[0] == '%' && p[1] != '\0' && p[2] != '\0') {
            char hex[3] = { p[1], p[2], '\0' };

            *out++ = (char)strtol(hex, NULL, 16);
            p += 2;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
}

static const char *
word(const struct drive *d, size_t i)
{
    return i < d->n ? d->words[i] : "";
}

static unsigned long
number(const struct drive *d, size_t i)
{
    return strtoul(word(d, i), NULL, 10);
}

static int
report(int rc, const struct err *err)
{
    if (rc < 0)
        printf("error %s %s\n", err_kind_name(err->kind), err->msg);
    else
        printf(rc == 0 ? "ok\n" : "none\n");
    return 0;
}

static int
on_spawn(struct drive *d, struct err *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(err, errno, "socketpair");
    d->pid = fork();
    if (d->pid == 0) {
        d->words[d->n] = NULL;
        if (pair[1] == 3)
            (void)fcntl(3, F_SETFD, 0);
        else
            (void)dup2(pair[1], 3);
        (void)execv(d->words[1], d->words + 1);
        _exit(127);
    }
    (void)close(pair[1]);
    if (runner_attach(d->runner, pair[0], err) != 0)
        return -1;
    printf("ok %d\n", (int)d->pid);
    return 1;
}

/* Wait for the end of the runnerd that was spawned: "ok STATUS". */
static int
on_wait(struct drive *d, struct err *err)
{
    int status = 0;

    (void)err;
    if (d->pid > 0)
        (void)waitpid(d->pid, &status, 0);
    d->pid = 0;
    printf("ok %d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    return 1;
}

static int
on_kill(struct drive *d, struct err *err)
{
    if (d->pid > 0)
        (void)kill(d->pid, SIGKILL);
    return on_wait(d, err);
}

static int
on_hello(struct drive *d, struct err *err)
{
    struct runner_hello hello;

    if (runner_hello(d->runner, soon(), &hello, err) != 0)
        return -1;
    printf("ok %u %u %s %s %s %s\n", hello.ready, hello.cgroup_version, hello.runtime,
           hello.runtime_version, hello.subnet, hello.why);
    return 1;
}

static int
on_have(struct drive *d, struct err *err)
{
    struct digest digest;

    if (digest_parse(&digest, text_of(word(d, 1)), err) != 0)
        return -1;
    return report(runner_layer_have(d->runner, soon(), &digest, err), err) + 1;
}

static int
on_unpack(struct drive *d, struct err *err)
{
    OWN_FD fd = open(word(d, 2), O_RDONLY | O_CLOEXEC);
    struct digest digest;

    if (digest_parse(&digest, text_of(word(d, 1)), err) != 0)
        return -1;
    return runner_unpack(d->runner, soon(), fd, &digest, RUNNER_MEDIA_AUTO, err);
}

/* plan ID RESTART GRACE BACKOFF CAP HOSTNAME */
static int
on_plan(struct drive *d, struct err *err)
{
    (void)err;
    memset(&d->plan, 0, sizeof(d->plan));
    memset(d->containers, 0, sizeof(d->containers));
    memcpy(d->plan.id, word(d, 1), strlen(word(d, 1)) < ID_LEN ? strlen(word(d, 1)) : ID_LEN);
    d->plan.restart = (enum plan_restart)number(d, 2);
    d->plan.grace_ms = (uint32_t)number(d, 3);
    d->plan.backoff_ms = (uint32_t)number(d, 4);
    d->plan.backoff_cap_ms = (uint32_t)number(d, 5);
    d->plan.hostname = text_of(mem_text(word(d, 6)));
    d->plan.containers = d->containers;
    d->plan.ports = d->ports;
    return 0;
}

static int
on_port(struct drive *d, struct err *err)
{
    struct plan_port *p = &d->ports[d->plan.port_count++];
    unsigned a[4] = { 0 };

    (void)err;
    (void)sscanf(word(d, 1), "%u.%u.%u.%u", &a[0], &a[1], &a[2], &a[3]);
    for (size_t i = 0; i < 4; i++)
        p->host_address[i] = (uint8_t)a[i];
    p->host_port = (uint16_t)number(d, 2);
    p->container_port = (uint16_t)number(d, 3);
    return 0;
}

/* container NAME USER CPU MEMORY READONLY CWD */
static int
on_container(struct drive *d, struct err *err)
{
    size_t i = d->plan.container_count++;

    (void)err;
    d->containers[i] = (struct plan_container){ .name = text_of(mem_text(word(d, 1))),
                                                .user = text_of(mem_text(word(d, 2))),
                                                .cpu_millis = (uint32_t)number(d, 3),
                                                .memory_bytes = number(d, 4),
                                                .readonly = number(d, 5) != 0,
                                                .cwd = text_of(mem_text(word(d, 6))),
                                                .layers = d->layers[i],
                                                .args = d->args[i],
                                                .env = d->env[i] };
    return 0;
}

static int
on_layer(struct drive *d, struct err *err)
{
    size_t i = d->plan.container_count - 1;

    return digest_parse(&d->layers[i][d->containers[i].layer_count++], text_of(word(d, 1)), err);
}

static int
on_arg(struct drive *d, struct err *err)
{
    size_t i = d->plan.container_count - 1;

    (void)err;
    d->args[i][d->containers[i].arg_count++] = text_of(mem_text(word(d, 1)));
    return 0;
}

static int
on_env(struct drive *d, struct err *err)
{
    size_t i = d->plan.container_count - 1;

    (void)err;
    d->env[i][d->containers[i].env_count++] = text_of(mem_text(word(d, 1)));
    return 0;
}

static int
on_start(struct drive *d, struct err *err)
{
    return runner_start(d->runner, soon(), &d->plan, err);
}

static void
print_run(const char *label, const struct runner_run *r)
{
    printf("\"%s\":{\"phase\":%u,\"reason\":%u,\"exit\":%d,\"started\":%" PRId64
           ",\"finished\":%" PRId64 "},",
           label, r->phase, r->reason, r->exit_code, r->started_us, r->finished_us);
}

static int
on_state(struct drive *d, struct err *err)
{
    OWN_MEM(struct runner_group_state) s = mem_zalloc(sizeof(*s));
    int rc = runner_state(d->runner, soon(), word(d, 1), s, err);

    if (rc != 0)
        return report(rc, err) + 1;
    printf("ok {\"address\":\"%s\",\"stopped\":%u,\"containers\":[", s->address, s->stopped);
    for (uint32_t i = 0; i < s->container_count; i++) {
        const struct runner_container_state *c = &s->containers[i];

        printf("%s{\"name\":\"%s\",", i > 0 ? "," : "", c->name);
        print_run("current", &c->current);
        print_run("previous", &c->previous);
        printf("\"restarts\":%u,\"message\":\"", c->restart_count);
        for (const char *p = c->message; *p != '\0'; p++)
            if (*p == '"' || *p == '\\')
                printf("\\%c", *p);
            else if (*p >= ' ')
                putchar(*p);
        printf("\"}");
    }
    printf("]}\n");
    return 1;
}

/* log ID CONTAINER PREVIOUS FILE */
static int
on_log(struct drive *d, struct err *err)
{
    FILE *out = fopen(word(d, 4), "we");
    int fds[RUNNER_LOG_FDS_MAX];
    size_t n = 0;
    int rc = runner_log(d->runner, soon(), word(d, 1), word(d, 2), number(d, 3) != 0, fds, &n, err);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        char bytes[4096];
        ssize_t got;

        while ((got = read(fds[i], bytes, sizeof(bytes))) > 0)
            (void)fwrite(bytes, 1, (size_t)got, out);
        (void)close(fds[i]);
    }
    if (out != NULL)
        (void)fclose(out);
    return report(rc, err) + 1;
}

static int
on_stop(struct drive *d, struct err *err)
{
    int rc = runner_stop(d->runner, soon(), word(d, 1), (uint32_t)number(d, 2), err);

    return report(rc, err) + 1;
}

static int
on_delete(struct drive *d, struct err *err)
{
    return runner_delete(d->runner, soon(), word(d, 1), err);
}

static int
on_list(struct drive *d, struct err *err)
{
    char(*ids)[ID_LEN + 1];
    size_t n;

    if (runner_list(d->runner, soon(), &ids, &n, err) != 0)
        return -1;
    printf("ok");
    for (size_t i = 0; i < n; i++)
        printf(" %s", ids[i]);
    printf("\n");
    mem_free(ids);
    return 1;
}

static int
on_keep(struct drive *d, struct err *err)
{
    char ids[WORDS_MAX][ID_LEN + 1];

    for (size_t i = 1; i < d->n; i++)
        (void)snprintf(ids[i - 1], sizeof(ids[0]), "%s", word(d, i));
    return runner_keep(d->runner, soon(), (const char(*)[ID_LEN + 1]) ids, d->n - 1, err);
}

static int
on_events(struct drive *d, struct err *err)
{
    (void)err;
    printf("ok %lu\n", d->events);
    return 1;
}

static const struct {
    const char *name;
    int (*fn)(struct drive *d, struct err *err); /* 0: print "ok"; 1: it printed; -1 */
} commands[] = {
    { "spawn", on_spawn }, { "wait", on_wait },     { "kill", on_kill },
    { "hello", on_hello }, { "have", on_have },     { "unpack", on_unpack },
    { "plan", on_plan },   { "port", on_port },     { "container", on_container },
    { "layer", on_layer }, { "arg", on_arg },       { "env", on_env },
    { "start", on_start }, { "state", on_state },   { "log", on_log },
    { "stop", on_stop },   { "delete", on_delete }, { "list", on_list },
    { "keep", on_keep },   { "events", on_events },
};

static void
obey(struct drive *d)
{
    struct err err = { 0 };
    int rc = -1;

    (void)err_set(&err, ERR_UNSUPPORTED, "no such command");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, word(d, 0)) == 0) {
            err_clear(&err);
            rc = commands[i].fn(d, &err);
            break;
        }
    if (rc <= 0)
        (void)report(rc, &err);
    (void)fflush(stdout);
}

int
main(void)
{
    struct drive *d = mem_zalloc(sizeof(*d));
    struct err err = { 0 };
    char *line = NULL;
    size_t cap = 0;

    if (d == NULL)
        return 1;
    d->runner = runner_new(seen, d, &err);
    if (d->runner == NULL)
        return 1;
    while (getline(&line, &cap, stdin) > 0) {
        char *save = NULL;

        line[strcspn(line, "\n")] = '\0';
        d->n = 0;
        for (char *w = strtok_r(line, " ", &save); w != NULL && d->n < WORDS_MAX - 1;
             w = strtok_r(NULL, " ", &save)) {
            decode(w);
            if (strcmp(w, "-") == 0)
                *w = '\0';
            d->words[d->n++] = w;
        }
        obey(d);
    }
    runner_free(d->runner);
    mem_free(d);
    return 0;
}
