/*
 * message.h - the questions holdfastd may ask holdfast-vaultd, and how they are written.
 *
 * They travel in the packets of rt/channel.h.  Numbers are big-endian; nothing is padded.
 *
 *   question               body                                           answer
 *   VAULT_SIGN             key (1 byte), then the bytes to sign           signature
 *   VAULT_PUBLIC_KEY       key (1 byte)                                   SubjectPublicKeyInfo, DER
 *   VAULT_AUDIT_KEY        empty; once per process                        32 bytes
 *   VAULT_SIGN_CHECKPOINT  epoch (36), size (8), time (8), root (32),
 *                          old size (8), then 32 bytes per proof hash     signature
 *   VAULT_LAST_CHECKPOINT  empty                                          epoch (36), size (8),
 *                                                                         root (32); or empty
 *
 * Invariants:
 *   G1  what parses prints back to the same bytes;
 *   G2  a key number that is not in enum vault_key, an epoch that is no UUID, or a body of another
 *       length is refused.
 */
#ifndef VAULT_MESSAGE_H
#define VAULT_MESSAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "vault/vault.h"

enum vault_question {
    VAULT_SIGN = 1,
    VAULT_PUBLIC_KEY,
    VAULT_AUDIT_KEY,
    VAULT_SIGN_CHECKPOINT,
    VAULT_LAST_CHECKPOINT,
};

#define VAULT_KEY_COUNT      3
#define VAULT_AUDIT_KEY_LEN  32
#define VAULT_EPOCH_LEN      36
#define VAULT_MEMORY_LEN     (VAULT_EPOCH_LEN + 8 + VAULT_ROOT_LEN)
#define VAULT_CHECKPOINT_MIN (VAULT_EPOCH_LEN + 8 + 8 + VAULT_ROOT_LEN + 8)
#define VAULT_CHECKPOINT_MAX (VAULT_CHECKPOINT_MIN + VAULT_PROOF_MAX * VAULT_ROOT_LEN)

/* The last checkpoint that was signed, as vaultd remembers it. */
struct vault_memory {
    char epoch[VAULT_EPOCH_LEN + 1];
    uint64_t size;
    uint8_t root[VAULT_ROOT_LEN];
};

MUST_CHECK int vault_message_key(struct text body, enum vault_key *key, struct text *rest,
                                 struct err *err);
MUST_CHECK int vault_message_checkpoint(struct text body, struct vault_checkpoint *out,
                                        struct err *err);
void vault_message_print_checkpoint(const struct vault_checkpoint *c, struct buf *out);
MUST_CHECK int vault_message_memory(struct text body, struct vault_memory *out, struct err *err);
void vault_message_print_memory(const struct vault_memory *m, struct buf *out);

#endif /* VAULT_MESSAGE_H */
