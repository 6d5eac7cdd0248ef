#include "vault/vault.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "rt/channel.h"
#include "vault/message.h"

#define DEADLINE_US (INT64_C(5) * 1000 * 1000)
#define ANSWER_MAX  4096

struct vault {
    pthread_mutex_t turn; /* guards channel */
    struct channel *channel;
};

struct vault *
vault_connect(int fd, struct err *err)
{
    struct channel *channel = channel_new(fd, NULL, NULL, err);
    struct vault *v;

    if (channel == NULL)
        return NULL;
    if ((v = mem_zalloc(sizeof(*v))) == NULL) {
        channel_free(channel);
        (void)err_memory(err);
        return NULL;
    }
    v->channel = channel;
    (void)pthread_mutex_init(&v->turn, NULL);
    return v;
}

void
vault_free(struct vault *vault)
{
    if (vault == NULL)
        return;
    channel_free(vault->channel);
    (void)pthread_mutex_destroy(&vault->turn);
    mem_free(vault);
}

bool
vault_connected(struct vault *vault)
{
    struct pollfd at = { .events = 0 };

    (void)pthread_mutex_lock(&vault->turn);
    at.fd = channel_fd(vault->channel);
    (void)poll(&at, 1, 0);
    (void)pthread_mutex_unlock(&vault->turn);
    return at.fd >= 0 && (at.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

int
vault_reconnect(struct vault *vault, int fd, struct err *err)
{
    struct channel *fresh = channel_new(fd, NULL, NULL, err), *old;

    if (fresh == NULL)
        return -1;
    (void)pthread_mutex_lock(&vault->turn);
    old = vault->channel;
    vault->channel = fresh;
    (void)pthread_mutex_unlock(&vault->turn);
    channel_free(old);
    return 0;
}

/* Ask; the answer must have between ${min} and ${max} bytes. */
static int
ask(struct vault *v, enum vault_question type, struct text body, size_t min, size_t max,
    struct buf *answer, struct err *err)
{
    struct err inner = { 0 };
    int rc;

    (void)pthread_mutex_lock(&v->turn);
    rc = channel_ask(v->channel, type, body, clock_mono_us() + DEADLINE_US, answer, &inner);
    (void)pthread_mutex_unlock(&v->turn);
    if (rc == 0 && answer->n >= min && answer->n <= max)
        return 0;
    if (rc == 0)
        return err_set(err, ERR_IO, "the key service gave an answer of the wrong length");
    if (inner.kind == ERR_CLOSED) {
        (void)err_set(err, ERR_IO, "the key service is not running");
        return err_note(err, "%s", inner.msg);
    }
    *err = err->kind == ERR_OK ? inner : *err;
    return -1;
}

static int
ask_signature(struct vault *v, enum vault_question type, const struct buf *body,
              uint8_t signature[static VAULT_SIGNATURE_MAX], size_t *n, struct err *err)
{
    OWN_BUF(answer, ANSWER_MAX);

    if (buf_check(body, err) < 0 ||
        ask(v, type, buf_view(body), 1, VAULT_SIGNATURE_MAX, &answer, err) < 0)
        return -1;
    memcpy(signature, answer.p, answer.n);
    *n = answer.n;
    return 0;
}

int
vault_sign(struct vault *vault, enum vault_key key, struct text input,
           uint8_t signature[static VAULT_SIGNATURE_MAX], size_t *n, struct err *err)
{
    OWN_BUF(body, 1 + VAULT_SIGN_MAX);

    buf_char(&body, (char)key);
    buf_text(&body, input);
    return ask_signature(vault, VAULT_SIGN, &body, signature, n, err);
}

int
vault_public_key(struct vault *vault, enum vault_key key, struct buf *out, struct err *err)
{
    const char which = (char)key;
    OWN_BUF(answer, ANSWER_MAX);

    if (ask(vault, VAULT_PUBLIC_KEY, text_from(&which, 1), 1, ANSWER_MAX, &answer, err) < 0)
        return -1;
    buf_text(out, buf_view(&answer));
    return buf_check(out, err);
}

int
vault_audit_key(struct vault *vault, struct secret **out, struct err *err)
{
    OWN_BUF(answer, ANSWER_MAX);
    struct secret *key;

    if (ask(vault, VAULT_AUDIT_KEY, TEXT(""), VAULT_AUDIT_KEY_LEN, VAULT_AUDIT_KEY_LEN, &answer,
            err) < 0)
        return -1;
    key = secret_new(answer.p, answer.n);
    mem_wipe(answer.p, answer.n);
    if (key == NULL)
        return err_memory(err);
    *out = key;
    return 0;
}

int
vault_sign_checkpoint(struct vault *vault, const struct vault_checkpoint *c,
                      uint8_t signature[static VAULT_SIGNATURE_MAX], size_t *n, struct err *err)
{
    OWN_BUF(body, VAULT_CHECKPOINT_MAX);

    if (c->n_proof > VAULT_PROOF_MAX)
        return err_set(err, ERR_INVALID, "a proof has at most %d hashes", VAULT_PROOF_MAX);
    vault_message_print_checkpoint(c, &body);
    return ask_signature(vault, VAULT_SIGN_CHECKPOINT, &body, signature, n, err);
}

int
vault_last_checkpoint(struct vault *vault, char epoch[static 37], uint64_t *size,
                      uint8_t root[static VAULT_ROOT_LEN], struct err *err)
{
    OWN_BUF(answer, ANSWER_MAX);
    struct vault_memory m;

    if (ask(vault, VAULT_LAST_CHECKPOINT, TEXT(""), 0, VAULT_MEMORY_LEN, &answer, err) < 0)
        return -1;
    if (answer.n == 0)
        return 1;
    if (vault_message_memory(buf_view(&answer), &m, err) < 0)
        return -1;
    memcpy(epoch, m.epoch, sizeof(m.epoch));
    *size = m.size;
    memcpy(root, m.root, VAULT_ROOT_LEN);
    return 0;
}
