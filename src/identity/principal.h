/*
 * principal.h - users and service principals as they are stored.
 *
 * Invariants:
 *   P1  a name or an application id belongs to at most one principal, whatever its case;
 *   P2  a password is stored only as an argon2id record.
 */
#ifndef IDENTITY_PRINCIPAL_H
#define IDENTITY_PRINCIPAL_H

#include <stdbool.h>

#include "base/err.h"
#include "crypto/password.h"
#include "identity/identity.h"
#include "store/db.h"

struct principal {
    char id[ID_LEN + 1];
    enum caller_kind kind;
    char name[IDENTITY_NAME_MAX + 1];
    char app_id[ID_LEN + 1]; /* empty for users */
    bool disabled;
    int64_t changed_at_us; /* when the password was replaced: tokens from before are void */
    char record[PASSWORD_RECORD_MAX + 1]; /* empty: cannot sign in with a password */
};

/* 0 found, 1 none.  A login is a user's name or a service principal's application id. */
MUST_CHECK int principal_by_login(struct db *db, struct text login, struct principal *out,
                                  struct err *err);
MUST_CHECK int principal_by_id(struct db *db, struct text id, struct principal *out,
                               struct err *err);
MUST_CHECK int principal_by_name(struct db *db, enum caller_kind kind, struct text name,
                                 struct principal *out, struct err *err);

#endif /* IDENTITY_PRINCIPAL_H */
