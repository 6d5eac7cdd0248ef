/*
 * password.h - passwords are kept as argon2id (RFC 9106), in the usual PHC text form.
 *
 * Invariants:
 *   P1  password_verify() takes the memory and the time of its record, whatever the password is;
 *   P2  that memory is given back to the system before the call returns, wiped;
 *   P3  a record that asks for more than PASSWORD_KIB_MAX or PASSWORD_PASSES_MAX is ERR_CORRUPT.
 * Each call takes 19 MiB and about 40 ms of one core: the caller bounds how many run at once.
 * Threads: any.
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

#define PASSWORD_RECORD_MAX 128 /* characters of "$argon2id$v=19$m=19456,t=2,p=1$...$..." */
#define PASSWORD_KIB        19456
#define PASSWORD_PASSES     2
#define PASSWORD_KIB_MAX    (256 * 1024)
#define PASSWORD_PASSES_MAX 16

MUST_CHECK int password_record(struct text password, char out[static PASSWORD_RECORD_MAX + 1],
                               struct err *err);
MUST_CHECK int password_verify(struct text password, struct text record, bool *match,
                               struct err *err);

/* password_nobody(): a record that no password fits, as costly to verify as any other. */
struct text password_nobody(void);

#endif /* CRYPTO_PASSWORD_H */
