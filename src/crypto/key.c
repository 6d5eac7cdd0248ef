#include "crypto/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/openssl_priv.h"

#define P256_BYTES   32
#define RSA_BITS     2048
#define RSA_BITS_MAX 4096

struct key {
    enum key_kind kind;
    EVP_PKEY *pkey;
};

int
openssl_failed(struct err *err, const char *what)
{
    unsigned long code = ERR_get_error();
    char reason[128] = "";

    if (code != 0)
        ERR_error_string_n(code, reason, sizeof(reason));
    ERR_clear_error();
    (void)err_set(err, ERR_IO, "%s", what);
    return reason[0] != '\0' ? err_note(err, "openssl: %s", reason) : -1;
}

void
key_lock_memory(size_t n)
{
    (void)CRYPTO_secure_malloc_init(n, 32);
    ERR_clear_error(); /* a small RLIMIT_MEMLOCK is no failure */
}

void
key_free(struct key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    mem_free(key);
}

static bool
on_p256(const EVP_PKEY *pkey)
{
    char group[32];
    size_t n;

    return EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) == 1 &&
           text_is(text_from(group, n), "prime256v1");
}

/* Take over ${pkey}, also on failure. */
static struct key *
wrap(EVP_PKEY *pkey, struct err *err)
{
    struct key *key = NULL;
    bool rsa = EVP_PKEY_is_a(pkey, "RSA") == 1;
    int bits = EVP_PKEY_get_bits(pkey);

    if (rsa ? bits < RSA_BITS || bits > RSA_BITS_MAX
            : EVP_PKEY_is_a(pkey, "EC") != 1 || !on_p256(pkey))
        (void)err_set(err, ERR_INVALID, "a key must be RSA of %d to %d bits, or on the curve P-256",
                      RSA_BITS, RSA_BITS_MAX);
    else if ((key = mem_zalloc(sizeof(*key))) == NULL)
        (void)err_memory(err);
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    key->kind = rsa ? KEY_RSA : KEY_P256;
    key->pkey = pkey;
    return key;
}

static struct key *
wrap_if(EVP_PKEY *pkey, const char *what, struct err *err)
{
    if (pkey != NULL)
        return wrap(pkey, err);
    (void)openssl_failed(err, what);
    return NULL;
}

struct key *
key_generate(enum key_kind kind, struct err *err)
{
    return wrap_if(kind == KEY_RSA ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256"),
                   "cannot make a key", err);
}

struct key *
key_from_private(struct text der, struct err *err)
{
    const unsigned char *p = (const unsigned char *)der.p;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);
    EVP_PKEY *pkey = info != NULL ? EVP_PKCS82PKEY(info) : NULL;

    PKCS8_PRIV_KEY_INFO_free(info);
    return wrap_if(pkey, "the private key cannot be read", err);
}

struct key *
key_from_public(struct text der, struct err *err)
{
    const unsigned char *p = (const unsigned char *)der.p;

    return wrap_if(d2i_PUBKEY(NULL, &p, (long)der.n), "the public key cannot be read", err);
}

enum key_kind
key_kind(const struct key *key)
{
    return key->kind;
}

const char *
key_algorithm(const struct key *key)
{
    return key->kind == KEY_RSA ? "RS256" : "ES256";
}

struct secret *
key_private(const struct key *key, struct err *err)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    unsigned char *der = NULL;
    int n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    struct secret *s = NULL;

    PKCS8_PRIV_KEY_INFO_free(info);
    if (n <= 0) {
        (void)openssl_failed(err, "cannot write a private key");
        return NULL;
    }
    if ((s = secret_new(der, (size_t)n)) == NULL)
        (void)err_memory(err);
    OPENSSL_clear_free(der, (size_t)n);
    return s;
}

int
key_public(const struct key *key, struct buf *out, struct err *err)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key->pkey, &der);

    if (n <= 0)
        return openssl_failed(err, "cannot write a public key");
    buf_add(out, der, (size_t)n);
    OPENSSL_free(der);
    return buf_check(out, err);
}

/* Y1: OpenSSL speaks DER; JOSE speaks r||s. */
static bool
raw_of_der(const uint8_t *der, size_t n, uint8_t out[static 2 * P256_BYTES])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, P256_BYTES) == P256_BYTES &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + P256_BYTES, P256_BYTES) == P256_BYTES;

    ECDSA_SIG_free(sig);
    return ok;
}

/* Return the length of the DER form, or 0. */
static size_t
der_of_raw(const uint8_t raw[static 2 * P256_BYTES], uint8_t out[static 80])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, P256_BYTES, NULL),
           *s = BN_bin2bn(raw + P256_BYTES, P256_BYTES, NULL);
    unsigned char *at = out;
    int n = 0;

    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* the signature owns them now */
        n = i2d_ECDSA_SIG(sig, &at);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return n > 0 ? (size_t)n : 0;
}

int
key_sign(const struct key *key, struct text input, uint8_t signature[static KEY_SIGNATURE_MAX],
         size_t *n, struct err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[KEY_SIGNATURE_MAX];
    size_t len = sizeof(der);
    int ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
             EVP_DigestSign(ctx, der, &len, (const unsigned char *)input.p, input.n) == 1;

    EVP_MD_CTX_free(ctx);
    if (!ok)
        return openssl_failed(err, "cannot sign");
    if (key->kind == KEY_RSA) {
        memcpy(signature, der, len);
        *n = len;
        return 0;
    }
    if (!raw_of_der(der, len, signature))
        return openssl_failed(err, "cannot sign");
    *n = 2 * P256_BYTES;
    return 0;
}

bool
key_verify(const struct key *key, struct text input, const uint8_t *signature, size_t n)
{
    uint8_t der[80];
    EVP_MD_CTX *ctx;
    bool ok;

    if (key->kind == KEY_P256) {
        if (n != 2 * P256_BYTES || (n = der_of_raw(signature, der)) == 0)
            return false;
        signature = der;
    }
    ctx = EVP_MD_CTX_new();
    ok = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
         EVP_DigestVerify(ctx, signature, n, (const unsigned char *)input.p, input.n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error(); /* a bad signature is an answer here, not a failure */
    return ok;
}

/* ${width} 0: as many bytes as it needs. */
static bool
number(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t width, size_t cap, size_t *len)
{
    BIGNUM *v = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, name, &v) == 1;

    if (ok) {
        size_t n = width != 0 ? width : (size_t)BN_num_bytes(v);

        ok = n <= cap && BN_bn2binpad(v, out, (int)n) == (int)n;
        if (ok && len != NULL)
            *len = n;
    }
    BN_free(v);
    return ok;
}

int
key_numbers(const struct key *key, struct key_numbers *out, struct err *err)
{
    struct key_numbers v = { 0 };
    bool ok;

    if (key->kind == KEY_RSA)
        ok = number(key->pkey, OSSL_PKEY_PARAM_RSA_N, v.n, 0, sizeof(v.n), &v.n_len) &&
             number(key->pkey, OSSL_PKEY_PARAM_RSA_E, v.e, 0, sizeof(v.e), &v.e_len);
    else
        ok = number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, v.x, P256_BYTES, sizeof(v.x), NULL) &&
             number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, v.y, P256_BYTES, sizeof(v.y), NULL);
    if (!ok)
        return openssl_failed(err, "cannot read a public key");
    *out = v;
    return 0;
}
