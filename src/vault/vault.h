/*
 * vault.h - the client half of holdfast-vaultd: keys that sign without being seen.
 *
 * Invariants:
 *   V1  private keys never leave vaultd;
 *   V2  vaultd refuses to sign an audit checkpoint that does not extend the last one it signed
 *       (RFC 6962 section 2.1.2 consistency proof);
 *   V3  a message that is not in the channel's table closes the channel.
 * Threads: a vault may be shared; calls take turns on the channel.
 */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "base/text.h"

struct secret;
struct vault;

enum vault_key {
    VAULT_KEY_TOKEN_ES256, /* registry tokens */
    VAULT_KEY_TOKEN_RS256, /* ARM tokens */
    VAULT_KEY_CHECKPOINT,  /* audit checkpoints: P-256 */
};

#define VAULT_SIGN_MAX      16384 /* bytes of a token's signing input */
#define VAULT_SIGNATURE_MAX 256
#define VAULT_ROOT_LEN      32
#define VAULT_PROOF_MAX     64 /* hashes of a consistency proof */

/* vault_connect(fd, err): ${fd} (a SOCK_SEQPACKET channel to vaultd) is taken over. */
MUST_CHECK struct vault *vault_connect(int fd, struct err *err);
void vault_free(struct vault *vault);
DEFINE_OWN(vault);

/* vault_connected(v): false when vaultd has closed the channel, or died. */
bool vault_connected(struct vault *vault);

/* vault_reconnect(v, fd, err): vaultd was started anew; ${fd} is taken over, also on failure. */
MUST_CHECK int vault_reconnect(struct vault *vault, int fd, struct err *err);

/* vault_sign(v, key, input, sig, n, err): JWS signature (ES256: raw r||s, RFC 7518) of ${input}. */
MUST_CHECK int vault_sign(struct vault *vault, enum vault_key key, struct text input,
                          uint8_t signature[static VAULT_SIGNATURE_MAX], size_t *n,
                          struct err *err);

/* vault_public_key(v, key, out, err): SubjectPublicKeyInfo, DER. */
MUST_CHECK int vault_public_key(struct vault *vault, enum vault_key key, struct buf *out,
                                struct err *err);

/* vault_audit_key(v, out, err): the key of the audit seals (HMAC-SHA256); asked once per start. */
MUST_CHECK int vault_audit_key(struct vault *vault, struct secret **out, struct err *err);

/* A tree head to be signed; what is signed is its note text (see vault/checkpoint_note.h). */
struct vault_checkpoint {
    char epoch[37];
    uint64_t size;
    uint8_t root[VAULT_ROOT_LEN];
    int64_t time_us;
    uint64_t old_size; /* of the last checkpoint signed in this epoch; 0 when there is none */
    uint8_t proof[VAULT_PROOF_MAX][VAULT_ROOT_LEN];
    size_t n_proof;
};

/* ERR_CONFLICT when it does not extend the last one (V2). */
MUST_CHECK int vault_sign_checkpoint(struct vault *vault, const struct vault_checkpoint *c,
                                     uint8_t signature[static VAULT_SIGNATURE_MAX], size_t *n,
                                     struct err *err);

/* vault_last_checkpoint(v, epoch, size, root): what vaultd remembers; 1 when nothing yet. */
MUST_CHECK int vault_last_checkpoint(struct vault *vault, char epoch[static 37], uint64_t *size,
                                     uint8_t root[static VAULT_ROOT_LEN], struct err *err);

#endif /* VAULT_VAULT_H */
