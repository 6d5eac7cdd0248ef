/*
 * load.c - a load generator for make bench: one thread per connection, keep-alive, plain HTTP/1.1.
 *
 *   load get  PORT CONNECTIONS SECONDS PATH [HEADER]          requests, seconds, p50 and p99 in us
 *   load blobs PORT CONNECTIONS COUNT BYTES REPOSITORY [HEADER]   POST + PUT of COUNT fresh blobs
 *
 * Digests are computed before the clock starts; bodies of answers are thrown away unread where the
 * kernel can (MSG_TRUNC).  Every answer's status is checked: a wrong one ends the run.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 2000000

struct load {
    uint16_t port;
    const char *path; /* or repository */
    const char *header;
    double seconds;
    size_t count; /* blobs of one connection */
    size_t bytes;
    unsigned char *bodies; /* count * bytes, all different */
    char (*digests)[65];
    size_t requests;
    uint32_t *latency_us;
};

static double
now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
fail(const char *what)
{
    (void)fprintf(stderr, "load: %s\n", what);
    exit(EXIT_FAILURE);
}

static int
dial(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        fail("cannot connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void
send_all(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

        if (sent <= 0)
            fail("the server closed the connection");
        at += sent;
        n -= (size_t)sent;
    }
}

/* One answer: its status; ${location}, when wanted, gets the path of its Location. */
static int
answer(int fd, char *location, size_t cap)
{
    char head[8192];
    size_t have = 0, length = 0, used;
    const char *end, *field;

    do {
        ssize_t n = recv(fd, head + have, sizeof(head) - 1 - have, 0);

        if (n <= 0)
            fail("no answer");
        have += (size_t)n;
        head[have] = '\0';
    } while ((end = strstr(head, "\r\n\r\n")) == NULL && have < sizeof(head) - 1);
    if (end == NULL)
        fail("the head of an answer is too long");
    used = (size_t)(end - head) + 4;
    if ((field = strcasestr(head, "\r\ncontent-length:")) != NULL && field < end)
        length = strtoull(field + 17, NULL, 10);
    if (location != NULL) {
        field = strcasestr(head, "\r\nlocation: ");
        if (field == NULL || sscanf(field + 12, "%1023s", location) != 1)
            fail("no Location");
        if (strncmp(location, "http://", 7) == 0 && (field = strchr(location + 7, '/')) != NULL)
            memmove(location, field, strlen(field) + 1);
        (void)cap;
    }
    for (length -= have - used < length ? have - used : length; length > 0;) {
        ssize_t n = recv(fd, NULL, length < (1 << 22) ? length : (1 << 22), MSG_TRUNC);

        if (n <= 0)
            fail("an answer was cut off");
        length -= (size_t)n;
    }
    return atoi(head + 9);
}

static void *
run_get(void *arg)
{
    struct load *l = arg;
    char request[8192];
    int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n",
                     l->path, l->header, l->header[0] != '\0' ? "\r\n" : "");
    int fd = dial(l->port);
    double end = now() + l->seconds;

    for (double begin = now(); begin < end && l->requests < SAMPLES;) {
        double after;

        send_all(fd, request, (size_t)n);
        if (answer(fd, NULL, 0) != 200)
            fail("a GET was not answered 200");
        after = now();
        l->latency_us[l->requests++] = (uint32_t)((after - begin) * 1e6);
        begin = after;
    }
    (void)close(fd);
    return NULL;
}

static void *
run_blobs(void *arg)
{
    struct load *l = arg;
    const char *break_ = l->header[0] != '\0' ? "\r\n" : "";
    char request[8192], location[1024];
    int fd = dial(l->port);

    for (size_t i = 0; i < l->count; i++) {
        double begin = now();
        int n = snprintf(request, sizeof(request),
                         "POST /v2/%s/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Length: 0\r\n%s%s\r\n",
                         l->path, l->header, break_);

        send_all(fd, request, (size_t)n);
        if (answer(fd, location, sizeof(location)) != 202)
            fail("a POST was not answered 202");
        n = snprintf(request, sizeof(request),
                     "PUT %s%cdigest=sha256:%s HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n%s%s\r\n",
                     location, strchr(location, '?') != NULL ? '&' : '?', l->digests[i], l->bytes,
                     l->header, break_);
        send_all(fd, request, (size_t)n);
        send_all(fd, l->bodies + i * l->bytes, l->bytes);
        if (answer(fd, NULL, 0) != 201)
            fail("a PUT was not answered 201");
        l->latency_us[l->requests++] = (uint32_t)((now() - begin) * 1e6);
    }
    (void)close(fd);
    return NULL;
}

static void
make_bodies(struct load *l, uint64_t seed)
{
    unsigned char digest[32];

    l->bodies = malloc(l->count * l->bytes);
    l->digests = malloc(l->count * sizeof(*l->digests));
    if (l->bodies == NULL || l->digests == NULL)
        fail("out of memory");
    for (size_t i = 0; i < l->count * l->bytes; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        l->bodies[i] = (unsigned char)(seed >> 56);
    }
    for (size_t i = 0; i < l->count; i++) {
        if (EVP_Digest(l->bodies + i * l->bytes, l->bytes, digest, NULL, EVP_sha256(), NULL) != 1)
            fail("cannot hash");
        for (size_t k = 0; k < 32; k++)
            (void)snprintf(l->digests[i] + 2 * k, 3, "%02x", digest[k]);
    }
}

static int
by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void
report(struct load *loads, size_t n, double seconds)
{
    uint32_t *all = malloc(n * SAMPLES * sizeof(*all));
    size_t total = 0;

    if (all == NULL)
        fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        memcpy(all + total, loads[i].latency_us, loads[i].requests * sizeof(*all));
        total += loads[i].requests;
    }
    qsort(all, total, sizeof(*all), by_value);
    (void)printf("{\"requests\": %zu, \"seconds\": %.4f, \"p50_us\": %u, \"p99_us\": %u}\n", total,
                 seconds, total > 0 ? all[total / 2] : 0, total > 0 ? all[total * 99 / 100] : 0);
    free(all);
}

int
main(int argc, char **argv)
{
    bool get = argc >= 6 && strcmp(argv[1], "get") == 0;
    bool blobs = argc >= 7 && strcmp(argv[1], "blobs") == 0;
    size_t n = argc >= 4 ? strtoul(argv[3], NULL, 10) : 0;
    struct load loads[256] = { 0 };
    pthread_t threads[256];
    double begin;

    if ((!get && !blobs) || n == 0 || n > 256)
        fail("usage: load get PORT CONNECTIONS SECONDS PATH [HEADER] | "
             "load blobs PORT CONNECTIONS COUNT BYTES REPOSITORY [HEADER]");
    for (size_t i = 0; i < n; i++) {
        struct load *l = &loads[i];

        l->port = (uint16_t)atoi(argv[2]);
        l->seconds = get ? strtod(argv[4], NULL) : 0;
        l->count = blobs ? strtoul(argv[4], NULL, 10) / n : 0;
        l->bytes = blobs ? strtoul(argv[5], NULL, 10) : 0;
        l->path = argv[get ? 5 : 6];
        l->header = argc > (get ? 6 : 7) ? argv[get ? 6 : 7] : "";
        if ((l->latency_us = calloc(SAMPLES, sizeof(*l->latency_us))) == NULL)
            fail("out of memory");
        if (blobs)
            make_bodies(l, (uint64_t)time(NULL) * 1000003U + (uint64_t)getpid() * 257U + i);
    }
    begin = now();
    for (size_t i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, get ? run_get : run_blobs, &loads[i]) != 0)
            fail("cannot make a thread");
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(threads[i], NULL);
    report(loads, n, now() - begin);
    return EXIT_SUCCESS;
}
