#include "vault/keyring.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define AUDIT_FILE    "audit.key"
#define COMPLETE_FILE "complete"
#define LAST_FILE     "checkpoint"

static const struct {
    const char *file;
    enum key_kind kind;
} keys[VAULT_KEY_COUNT] = {
    [VAULT_KEY_TOKEN_ES256] = { "token-es256.key", KEY_P256 },
    [VAULT_KEY_TOKEN_RS256] = { "token-rs256.key", KEY_RSA },
    [VAULT_KEY_CHECKPOINT] = { "checkpoint.key", KEY_P256 },
};

struct keyring {
    int dirfd; /* borrowed */
    struct key *key[VAULT_KEY_COUNT];
};

static int
write_secret(int dirfd, const char *file, struct secret *s, struct err *err)
{
    return s == NULL ? err_memory(err) : file_replace(dirfd, file, 0600, secret_view(s), err);
}

static int
make_key(int dirfd, size_t i, struct err *err)
{
    OWN(key) key = key_generate(keys[i].kind, err);
    OWN(secret) der = key != NULL ? key_private(key, err) : NULL;

    return der == NULL ? -1 : write_secret(dirfd, keys[i].file, der, err);
}

static int
make_all(int dirfd, struct err *err)
{
    OWN(secret) audit = secret_random(VAULT_AUDIT_KEY_LEN);

    for (size_t i = 0; i < VAULT_KEY_COUNT; i++)
        if (make_key(dirfd, i, err) < 0)
            return -1;
    if (write_secret(dirfd, AUDIT_FILE, audit, err) < 0)
        return -1;
    return file_replace(dirfd, COMPLETE_FILE, 0600, TEXT("1\n"), err);
}

struct keyring *
keyring_open(int dirfd, struct err *err)
{
    OWN_BUF(mark, 16);
    struct keyring *k;
    int got = file_read(dirfd, COMPLETE_FILE, &mark, err);

    if (got < 0 || (got > 0 && make_all(dirfd, err) < 0))
        return NULL;
    if ((k = mem_zalloc(sizeof(*k))) == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    k->dirfd = dirfd;
    return k;
}

void
keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < VAULT_KEY_COUNT; i++)
        key_free(k->key[i]);
    mem_free(k);
}

/* K1: without its bytes there is no key. */
static struct secret *
read_secret(const struct keyring *k, const char *file, struct err *err)
{
    OWN_BUF(bytes, KEY_DER_MAX);
    struct secret *s = NULL;
    int got = file_read(k->dirfd, file, &bytes, err);

    if (got > 0)
        (void)err_set(err, ERR_CORRUPT, "the key file %s is missing", file);
    if (got == 0 && (s = secret_new(bytes.p, bytes.n)) == NULL)
        (void)err_memory(err);
    if (bytes.p != NULL)
        mem_wipe(bytes.p, bytes.n);
    return s;
}

const struct key *
keyring_key(struct keyring *k, enum vault_key which, struct err *err)
{
    OWN(secret) der = NULL;
    OWN(key) key = NULL;

    if (k->key[which] != NULL)
        return k->key[which];
    if ((der = read_secret(k, keys[which].file, err)) == NULL ||
        (key = key_from_private(secret_view(der), err)) == NULL)
        return NULL;
    if (key_kind(key) != keys[which].kind) {
        (void)err_set(err, ERR_CORRUPT, "the key file %s holds another kind of key",
                      keys[which].file);
        return NULL;
    }
    return k->key[which] = GIVE(key);
}

struct secret *
keyring_audit_key(struct keyring *k, struct err *err)
{
    OWN(secret) s = read_secret(k, AUDIT_FILE, err);

    if (s != NULL && secret_view(s).n != VAULT_AUDIT_KEY_LEN) {
        (void)err_set(err, ERR_CORRUPT, "the key file %s has the wrong length", AUDIT_FILE);
        return NULL;
    }
    return GIVE(s);
}

int
keyring_last(const struct keyring *k, struct vault_memory *out, struct err *err)
{
    OWN_BUF(bytes, VAULT_MEMORY_LEN + 1);
    struct err parse = { 0 };
    int got = file_read(k->dirfd, LAST_FILE, &bytes, err);

    if (got != 0)
        return got;
    if (vault_message_memory(buf_view(&bytes), out, &parse) < 0)
        return err_set(err, ERR_CORRUPT, "the last checkpoint cannot be read: %s", parse.msg);
    return 0;
}

int
keyring_remember(const struct keyring *k, const struct vault_memory *m, struct err *err)
{
    OWN_BUF(bytes, VAULT_MEMORY_LEN);

    vault_message_print_memory(m, &bytes);
    if (buf_check(&bytes, err) < 0)
        return -1;
    return file_replace(k->dirfd, LAST_FILE, 0600, buf_view(&bytes), err);
}
