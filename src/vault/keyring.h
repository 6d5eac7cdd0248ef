/*
 * keyring.h - what vaultd keeps on disk: its keys and the last checkpoint it signed.
 *
 * In its folder (0700), each file 0600:
 *   token-es256.key  token-rs256.key  checkpoint.key   private keys, PKCS #8 DER
 *   audit.key                                          32 random bytes
 *   complete                                           written last when the keys were made
 *   checkpoint                                         the last one signed: epoch, size, root
 *
 * Invariants:
 *   K1  keys are made once: with "complete" there, a missing key is ERR_CORRUPT, never a new key;
 *   K2  keyring_remember() that returned 0 survives power loss;
 *   K3  a "checkpoint" that cannot be read is a failure, never "nothing signed yet".
 * Threads: one.
 */
#ifndef VAULT_KEYRING_H
#define VAULT_KEYRING_H

#include "base/err.h"
#include "base/own.h"
#include "crypto/key.h"
#include "vault/message.h"
#include "vault/vault.h"

struct keyring;

/* keyring_open(dirfd, err): ${dirfd} is borrowed.  The first start makes the keys; later ones read
 * each when it is first asked for. */
MUST_CHECK struct keyring *keyring_open(int dirfd, struct err *err);
void keyring_free(struct keyring *k);
DEFINE_OWN(keyring);

/* Borrowed, as long as the keyring. */
MUST_CHECK const struct key *keyring_key(struct keyring *k, enum vault_key which, struct err *err);

MUST_CHECK struct secret *keyring_audit_key(struct keyring *k, struct err *err);
MUST_CHECK int keyring_last(const struct keyring *k, struct vault_memory *out, struct err *err);
MUST_CHECK int keyring_remember(const struct keyring *k, const struct vault_memory *m,
                                struct err *err);

#endif /* VAULT_KEYRING_H */
