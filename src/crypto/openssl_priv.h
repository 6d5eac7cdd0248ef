/* openssl_priv.h - how a failure of libcrypto becomes ours. */
#ifndef CRYPTO_OPENSSL_PRIV_H
#define CRYPTO_OPENSSL_PRIV_H

#include "base/err.h"

/* openssl_failed(err, what): ERR_IO with ${what}; libcrypto's own words go to the log.  -1. */
int openssl_failed(struct err *err, const char *what) __attribute__((cold));

#endif /* CRYPTO_OPENSSL_PRIV_H */
