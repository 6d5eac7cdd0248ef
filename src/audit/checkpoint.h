/*
 * checkpoint.h - signed tree heads: made through vaultd, stored, checked.
 *
 * Invariants:
 *   H1  what is signed is the text of vault/checkpoint_note.h, with vaultd's checkpoint key;
 *   H2  only durable records are covered;
 *   H3  none is asked for when the log does not extend what vaultd signed last.
 */
#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/audit.h"
#include "base/err.h"

struct db;

/*
 * checkpoint_extends(db, vault, epoch, err): does the stored log extend vaultd's last signed one?
 * ERR_CONFLICT with what happened and what to do when it does not.
 */
MUST_CHECK int checkpoint_extends(struct db *db, struct vault *vault, const char *epoch,
                                  struct err *err);

/* checkpoint_make(database, vault, epoch, out, err): 0; 1 when there are no records yet. */
MUST_CHECK int checkpoint_make(struct database *database, struct vault *vault, const char *epoch,
                               struct audit_checkpoint *out, struct err *err);

/* checkpoint_signed(c, key): is the signature that of ${key} (SubjectPublicKeyInfo, DER)? */
bool checkpoint_signed(const struct audit_checkpoint *c, struct text key);

/*
 * checkpoint_after(db, epoch, size, out, err): the first stored one of more than ${size} records
 * whose epoch is ${epoch}, or of any when it is NULL; 1 when there is none.
 */
MUST_CHECK int checkpoint_after(struct db *db, const char *epoch, uint64_t size,
                                struct audit_checkpoint *out, struct err *err);

#endif /* AUDIT_CHECKPOINT_H */
