#include "vault/signer.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/merkle.h"
#include "rt/channel.h"
#include "vault/checkpoint_note.h"
#include "vault/keyring.h"
#include "vault/message.h"

struct signer {
    struct keyring *keyring;
    signer_step *step; /* or NULL */
    bool audit_key_given;
    bool broken; /* the other end did what it must not: close (V3) */
};

static int
sign(struct signer *s, enum vault_key which, struct text input, struct buf *answer, struct err *err)
{
    uint8_t signature[KEY_SIGNATURE_MAX];
    const struct key *key = keyring_key(s->keyring, which, err);
    size_t n;

    if (key == NULL || key_sign(key, input, signature, &n, err) < 0)
        return -1;
    buf_add(answer, signature, n);
    return buf_check(answer, err);
}

static int
on_sign(void *self, struct channel_question *q, struct err *err)
{
    enum vault_key which;
    struct text input;

    if (vault_message_key(q->body, &which, &input, err) < 0)
        return -1;
    if (which == VAULT_KEY_CHECKPOINT) /* S3 */
        return err_set(err, ERR_DENIED, "this key signs checkpoints only");
    return sign(self, which, input, q->answer, err);
}

static int
on_public_key(void *self, struct channel_question *q, struct err *err)
{
    struct signer *s = self;
    enum vault_key which;
    struct text rest;
    const struct key *key;

    if (vault_message_key(q->body, &which, &rest, err) < 0)
        return -1;
    key = keyring_key(s->keyring, which, err);
    return key == NULL ? -1 : key_public(key, q->answer, err);
}

static int
on_audit_key(void *self, struct channel_question *q, struct err *err)
{
    struct signer *s = self;
    OWN(secret) key = NULL;

    if (s->audit_key_given) {
        s->broken = true; /* S2 */
        return err_set(err, ERR_DENIED, "the audit key is given once");
    }
    if ((key = keyring_audit_key(s->keyring, err)) == NULL)
        return -1;
    buf_text(q->answer, secret_view(key));
    s->audit_key_given = true;
    return buf_check(q->answer, err);
}

static void
tell(const struct signer *s, const char *step)
{
    if (s->step != NULL)
        s->step(step);
}

/* V2: does ${c} extend what was signed last? */
static int
check_extends(const struct vault_checkpoint *c, const struct vault_memory *last, struct err *err)
{
    if (memcmp(c->epoch, last->epoch, VAULT_EPOCH_LEN) != 0)
        return err_set(err, ERR_CONFLICT, "the last checkpoint signed belongs to another epoch");
    if (c->size < last->size)
        return err_set(err, ERR_CONFLICT,
                       "a log of %llu records does not extend the signed one of %llu",
                       (unsigned long long)c->size, (unsigned long long)last->size);
    if (c->old_size != last->size)
        return err_set(err, ERR_CONFLICT, "the proof begins at %llu records, not at %llu",
                       (unsigned long long)c->old_size, (unsigned long long)last->size);
    /* Nothing is a beginning of everything; there is no proof to give. */
    if (last->size == 0 && c->size > 0)
        return c->n_proof == 0 ? 0 : err_set(err, ERR_CONFLICT, "an empty log needs no proof");
    if (c->size == 0
            ? c->n_proof != 0 || memcmp(c->root, last->root, VAULT_ROOT_LEN) != 0
            : !merkle_consistent(last->size, last->root, c->size, c->root, c->proof, c->n_proof))
        return err_set(err, ERR_CONFLICT, "the log does not extend the one that was signed");
    return 0;
}

static int
check_checkpoint(const struct signer *s, const struct vault_checkpoint *c, struct err *err)
{
    struct vault_memory last;
    uint8_t empty[MERKLE_LEN];
    int got = keyring_last(s->keyring, &last, err);

    if (got < 0)
        return -1;
    merkle_empty(empty);
    if (c->size == 0 && memcmp(c->root, empty, MERKLE_LEN) != 0)
        return err_set(err, ERR_INVALID, "this is not the root of an empty log");
    if (got == 0)
        return check_extends(c, &last, err);
    if (c->old_size != 0 || c->n_proof != 0)
        return err_set(err, ERR_CONFLICT, "no checkpoint was signed before this one");
    return 0;
}

static int
on_sign_checkpoint(void *self, struct channel_question *q, struct err *err)
{
    struct signer *s = self;
    struct vault_checkpoint c;
    struct vault_memory m;
    OWN_BUF(note, CHECKPOINT_NOTE_MAX);

    if (vault_message_checkpoint(q->body, &c, err) < 0 || check_checkpoint(s, &c, err) < 0)
        return -1;
    tell(s, "checkpoint.checked");
    memcpy(m.epoch, c.epoch, sizeof(m.epoch));
    m.size = c.size;
    memcpy(m.root, c.root, VAULT_ROOT_LEN);
    if (keyring_remember(s->keyring, &m, err) < 0) /* S1 */
        return -1;
    tell(s, "checkpoint.remembered");
    checkpoint_note(c.epoch, c.size, c.root, c.time_us, &note);
    if (buf_check(&note, err) < 0 ||
        sign(s, VAULT_KEY_CHECKPOINT, buf_view(&note), q->answer, err) < 0)
        return -1;
    tell(s, "checkpoint.signed");
    return 0;
}

static int
on_last_checkpoint(void *self, struct channel_question *q, struct err *err)
{
    struct signer *s = self;
    struct vault_memory m;
    int got = keyring_last(s->keyring, &m, err);

    if (got < 0)
        return -1;
    if (got == 0)
        vault_message_print_memory(&m, q->answer);
    return buf_check(q->answer, err);
}

/* The whole power of vaultd. */
static const struct channel_rule rules[] = {
    { VAULT_SIGN, 1 + VAULT_SIGN_MAX, 0, on_sign },
    { VAULT_PUBLIC_KEY, 1, 0, on_public_key },
    { VAULT_AUDIT_KEY, 0, 0, on_audit_key },
    { VAULT_SIGN_CHECKPOINT, VAULT_CHECKPOINT_MAX, 0, on_sign_checkpoint },
    { VAULT_LAST_CHECKPOINT, 0, 0, on_last_checkpoint },
    { 0, 0, 0, NULL },
};

int
signer_serve(int channel_fd, int dirfd, signer_step *step, struct err *err)
{
    OWN_FD fd = channel_fd;
    OWN(keyring) keyring = keyring_open(dirfd, err);
    struct signer s = { keyring, step, false, false };
    OWN(channel) channel = NULL;
    int rc = 0;

    if (keyring == NULL || (channel = channel_new(give_fd(&fd), rules, &s, err)) == NULL)
        return -1;
    while (rc == 0 && !s.broken)
        rc = channel_serve(channel, CHANNEL_FOREVER, err);
    if (s.broken)
        return err_set(err, ERR_DENIED, "the audit key was asked for twice");
    return rc < 0 ? -1 : 0;
}
