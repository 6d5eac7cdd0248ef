#include "vault/message.h"

#include <string.h>

#include "base/id.h"

static void
put_number(struct buf *out, uint64_t v)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_char(out, (char)(uint8_t)(v >> shift));
}

/* ${body} holds at least 8 bytes; move behind them. */
static uint64_t
take_number(struct text *body)
{
    uint64_t v = 0;

    for (size_t i = 0; i < 8; i++)
        v = v << 8 | (uint8_t)body->p[i];
    *body = text_after(*body, 8);
    return v;
}

static void
take_bytes(struct text *body, void *out, size_t n)
{
    memcpy(out, body->p, n);
    *body = text_after(*body, n);
}

static int
take_epoch(struct text *body, char out[static VAULT_EPOCH_LEN + 1], struct err *err)
{
    if (!id_is(text_first(*body, VAULT_EPOCH_LEN)))
        return err_set(err, ERR_INVALID, "the epoch of a checkpoint must be a UUID");
    take_bytes(body, out, VAULT_EPOCH_LEN);
    out[VAULT_EPOCH_LEN] = '\0';
    return 0;
}

int
vault_message_key(struct text body, enum vault_key *key, struct text *rest, struct err *err)
{
    if (body.n == 0 || (uint8_t)body.p[0] >= VAULT_KEY_COUNT)
        return err_set(err, ERR_INVALID, "there is no such key");
    *key = (enum vault_key)(uint8_t)body.p[0];
    *rest = text_after(body, 1);
    return 0;
}

int
vault_message_checkpoint(struct text body, struct vault_checkpoint *out, struct err *err)
{
    struct vault_checkpoint c = { 0 };

    if (body.n < VAULT_CHECKPOINT_MIN || body.n > VAULT_CHECKPOINT_MAX ||
        (body.n - VAULT_CHECKPOINT_MIN) % VAULT_ROOT_LEN != 0)
        return err_set(err, ERR_INVALID, "a checkpoint has the wrong length");
    if (take_epoch(&body, c.epoch, err) < 0)
        return -1;
    c.size = take_number(&body);
    c.time_us = (int64_t)take_number(&body);
    take_bytes(&body, c.root, VAULT_ROOT_LEN);
    c.old_size = take_number(&body);
    while (body.n > 0)
        take_bytes(&body, c.proof[c.n_proof++], VAULT_ROOT_LEN);
    *out = c;
    return 0;
}

void
vault_message_print_checkpoint(const struct vault_checkpoint *c, struct buf *out)
{
    buf_add(out, c->epoch, VAULT_EPOCH_LEN);
    put_number(out, c->size);
    put_number(out, (uint64_t)c->time_us);
    buf_add(out, c->root, VAULT_ROOT_LEN);
    put_number(out, c->old_size);
    for (size_t i = 0; i < c->n_proof; i++)
        buf_add(out, c->proof[i], VAULT_ROOT_LEN);
}

int
vault_message_memory(struct text body, struct vault_memory *out, struct err *err)
{
    struct vault_memory m = { .size = 0 };

    if (body.n != VAULT_MEMORY_LEN)
        return err_set(err, ERR_INVALID, "the last checkpoint has the wrong length");
    if (take_epoch(&body, m.epoch, err) < 0)
        return -1;
    m.size = take_number(&body);
    take_bytes(&body, m.root, VAULT_ROOT_LEN);
    *out = m;
    return 0;
}

void
vault_message_print_memory(const struct vault_memory *m, struct buf *out)
{
    buf_add(out, m->epoch, VAULT_EPOCH_LEN);
    put_number(out, m->size);
    buf_add(out, m->root, VAULT_ROOT_LEN);
}
