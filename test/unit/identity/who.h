/* who.h - a database, the real signer on a thread, and an identity over them, for tests. */
#ifndef TEST_IDENTITY_WHO_H
#define TEST_IDENTITY_WHO_H

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "identity/identity.h"
#include "rt/channel.h"
#include "vault/signer.h"
#include "vault/vault.h"
#include "wire/base64.h"
#include "wire/json.h"

#define WHO_TENANT  "99999999-1111-4111-8111-111111111111"
#define WHO_HOST    "localhost:8443"
#define WHO_SERVICE "localhost:8443"

struct who {
    char folder[64];
    int vault_dir;
    int signer_fd;
    pthread_t signer;
    struct database *database;
    struct vault *vault;
    struct identity *identity;
    struct bootstrap first;
    struct arena *arena;
};

static inline void *
who_sign(void *arg)
{
    struct who *w = arg;
    struct err err = { 0 };

    if (signer_serve(w->signer_fd, w->vault_dir, NULL, &err) < 0)
        (void)fprintf(stderr, "signer: %s\n", err.msg);
    return NULL;
}

static inline bool
who_connect(struct who *w, struct err *err)
{
    int fds[2];

    if (channel_pair(fds, err) < 0)
        return false;
    w->signer_fd = fds[1];
    if (pthread_create(&w->signer, NULL, who_sign, w) != 0)
        return false;
    return (w->vault = vault_connect(fds[0], err)) != NULL;
}

static inline int
who_open(void **state)
{
    static struct who w;
    const struct migration *const sets[] = { identity_migrations, NULL };
    const struct identity_settings settings = { .tenant_id = WHO_TENANT, .issuer_host = WHO_HOST };
    struct err err = { 0 };
    char path[128];

    w = (struct who){ .folder = "/tmp/holdfast-who-XXXXXX" };
    if (mkdtemp(w.folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/vault", w.folder);
    (void)mkdir(path, 0700);
    w.vault_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "%s/db", w.folder);
    *state = &w;
    json_start();
    w.arena = arena_new(1 << 20);
    if (!who_connect(&w, &err) || (w.database = database_open(path, sets, &err)) == NULL ||
        (w.identity = identity_open(w.database, w.vault, &settings, &err)) == NULL ||
        identity_bootstrap(w.identity, &w.first, &err) < 0) {
        (void)fprintf(stderr, "%s (%s)\n", err.msg, err.detail);
        return -1;
    }
    return 0;
}

static inline int
who_close(void **state)
{
    static const char *const files[] = { "db",
                                         "db-wal",
                                         "db-shm",
                                         "vault/token-es256.key",
                                         "vault/complete",
                                         "vault/checkpoint.key",
                                         "vault/audit.key",
                                         "vault/token-rs256.key" };
    struct who *w = *state;
    char path[128];

    bootstrap_done(&w->first);
    arena_free(w->arena);
    identity_free(w->identity);
    vault_free(w->vault);
    (void)pthread_join(w->signer, NULL);
    database_free(w->database);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", w->folder, files[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof(path), "%s/vault", w->folder);
    (void)rmdir(path);
    return rmdir(w->folder);
}

/* "Basic ..." in the arena. */
static inline struct text
who_basic(struct who *w, const char *user, struct text password)
{
    OWN_BUF(pair, 4096);
    OWN_BUF(out, 8192);

    buf_printf(&pair, "%s:%.*s", user, TEXT_ARG(password));
    buf_str(&out, "Basic ");
    base64_print(&out, BASE64_STANDARD, pair.p, pair.n);
    return arena_text(w->arena, buf_view(&out));
}

static inline struct text
who_bearer(struct who *w, struct text token)
{
    return text_of(arena_printf(w->arena, "Bearer %.*s", TEXT_ARG(token)));
}

static inline int
who_identify(struct who *w, struct text authorization, enum audience audience, struct caller *out,
             struct err *err)
{
    return identity_identify(w->identity, authorization, audience,
                             audience == AUDIENCE_REGISTRY ? TEXT(WHO_SERVICE) : TEXT(""), true,
                             w->arena, out, err);
}

#endif /* TEST_IDENTITY_WHO_H */
