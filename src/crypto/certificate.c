#include "crypto/certificate.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/id.h"
#include "base/text.h"
#include "crypto/openssl_priv.h"

#define CA_NAME     "Holdfast local CA"
#define CA_FILE     "ca.pem"
#define CA_KEY_FILE "ca-key.pem"
#define SERVER_FILE "server.pem"
#define PEM_MAX     ((size_t)64 * 1024)
#define DAY_S       86400L
#define HOUR_S      3600L
#define SERIAL_LEN  16

/* A key and its certificate, in memory. */
struct pair {
    EVP_PKEY *key;
    X509 *cert;
};

static void
pair_done(struct pair *p)
{
    EVP_PKEY_free(p->key);
    X509_free(p->cert);
    *p = (struct pair){ NULL, NULL };
}

#define OWN_PAIR(name) __attribute__((cleanup(pair_done))) struct pair name = { NULL, NULL }

static int
add_name(struct certificate_names *out, struct err *err, const char *fmt, const char *arg)
{
    char *at = out->name[out->n < CERTIFICATE_NAMES_MAX ? out->n : 0];
    int n;

    if (out->n == CERTIFICATE_NAMES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a certificate has at most %d names",
                       CERTIFICATE_NAMES_MAX);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    n = snprintf(at, CERTIFICATE_NAME_MAX + 1, fmt, arg);
#pragma GCC diagnostic pop
    if (n <= 0 || n > CERTIFICATE_NAME_MAX)
        return err_set(err, ERR_INVALID, "\"%.60s\" is no host name", arg);
    for (size_t i = 0; i < out->n; i++)
        if (text_equal_nocase(text_of(out->name[i]), text_of(at)))
            return 0;
    out->n++;
    return 0;
}

int
certificate_names_of(const char *domain, const char *const *extra, struct certificate_names *out,
                     struct err *err)
{
    static const char *const under[] = { "%s",           "management.%s", "login.%s",
                                         "*.azurecr.%s", "*.vault.%s",    "*.file.core.%s" };
    static const char *const always[] = { "localhost", "127.0.0.1", "::1" };
    struct certificate_names names = { .n = 0 };

    for (size_t i = 0; i < sizeof(under) / sizeof(under[0]); i++)
        if (add_name(&names, err, under[i], domain) < 0)
            return -1;
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        if (add_name(&names, err, "%s", always[i]) < 0)
            return -1;
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
        if (add_name(&names, err, "%s", extra[i]) < 0)
            return -1;
    *out = names;
    return 0;
}

/* ---- building ---- */

static bool
set_serial(X509 *cert)
{
    uint8_t bytes[SERIAL_LEN];
    BIGNUM *v;
    bool ok;

    id_random(bytes, sizeof(bytes));
    bytes[0] &= 0x7f; /* RFC 5280 section 4.1.2.2: positive */
    v = BN_bin2bn(bytes, sizeof(bytes), NULL);
    ok = v != NULL && BN_to_ASN1_INTEGER(v, X509_get_serialNumber(cert)) != NULL;
    BN_free(v);
    return ok;
}

static bool
set_subject(X509 *cert, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(cert);

    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Holdfast",
                                      -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name,
                                      -1, -1, 0) == 1;
}

static bool
set_times(X509 *cert, int64_t now_us, long days)
{
    time_t now = (time_t)(now_us / 1000000);

    /* An hour back, for clients whose clock is behind. */
    return X509_time_adj_ex(X509_getm_notBefore(cert), 0, -HOUR_S, &now) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, &now) != NULL;
}

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    bool ok;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = e != NULL && X509_add_ext(cert, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static bool
is_address(const char *name)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static GENERAL_NAME *
alternative(const char *name)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_OCTET_STRING *address = NULL;
    ASN1_IA5STRING *dns = NULL;

    if (g == NULL)
        return NULL;
    if (is_address(name)) {
        if ((address = a2i_IPADDRESS(name)) != NULL)
            GENERAL_NAME_set0_value(g, GEN_IPADD, address);
    } else if ((dns = ASN1_IA5STRING_new()) != NULL &&
               ASN1_STRING_set(dns, name, (int)strlen(name)) == 1) {
        GENERAL_NAME_set0_value(g, GEN_DNS, dns);
    }
    if (address == NULL && dns == NULL) {
        GENERAL_NAME_free(g);
        return NULL;
    }
    return g;
}

static bool
add_names(X509 *cert, const struct certificate_names *names)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool ok = all != NULL;

    for (size_t i = 0; ok && i < names->n; i++) {
        GENERAL_NAME *g = alternative(names->name[i]);

        ok = g != NULL && sk_GENERAL_NAME_push(all, g) > 0;
        if (!ok)
            GENERAL_NAME_free(g);
    }
    ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, 0) == 1;
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return ok;
}

/* What both kinds have in common; the caller adds extensions and signs. */
static int
begin(struct pair *p, const char *common_name, int64_t now_us, long days, struct err *err)
{
    if ((p->key = EVP_EC_gen("P-256")) == NULL || (p->cert = X509_new()) == NULL ||
        X509_set_version(p->cert, X509_VERSION_3) != 1 || !set_serial(p->cert) ||
        !set_subject(p->cert, common_name) || !set_times(p->cert, now_us, days) ||
        X509_set_pubkey(p->cert, p->key) != 1)
        return openssl_failed(err, "cannot make a certificate");
    return 0;
}

/* ---- files ---- */

/* Write up to one key and two certificates as PEM, atomically. */
static int
write_pem(int dirfd, const char *file, mode_t mode, EVP_PKEY *key, X509 *first, X509 *second,
          struct err *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *p = NULL;
    long n;
    int result = -1;

    if (bio == NULL ||
        (key != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) ||
        (first != NULL && PEM_write_bio_X509(bio, first) != 1) ||
        (second != NULL && PEM_write_bio_X509(bio, second) != 1))
        (void)openssl_failed(err, "cannot write a certificate");
    else if ((n = BIO_get_mem_data(bio, &p)) > 0)
        result = file_replace(dirfd, file, mode, text_from(p, (size_t)n), err);
    BIO_free(bio);
    return result;
}

/* Read a key and the first certificate from two files (or one).  1: missing or unreadable. */
static int
read_pair(int dirfd, const char *key_file, const char *cert_file, struct pair *out, struct err *err)
{
    const char *files[2] = { key_file, cert_file };
    OWN_PAIR(p);

    for (int i = 0; i < 2; i++) {
        OWN_BUF(pem, PEM_MAX);
        int got = file_read(dirfd, files[i], &pem, err);
        BIO *bio;

        if (got != 0)
            return got;
        if ((bio = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL)
            return err_memory(err);
        if (i == 0)
            p.key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        else
            p.cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        BIO_free(bio);
    }
    ERR_clear_error();
    if (p.key == NULL || p.cert == NULL || X509_check_private_key(p.cert, p.key) != 1) {
        ERR_clear_error();
        return 1;
    }
    *out = p;
    p = (struct pair){ NULL, NULL };
    return 0;
}

int
certificate_make_ca(int dirfd, int64_t now_us, struct err *err)
{
    OWN_PAIR(ca);

    if (begin(&ca, CA_NAME, now_us, CERTIFICATE_CA_DAYS, err) < 0)
        return -1;
    if (X509_set_issuer_name(ca.cert, X509_get_subject_name(ca.cert)) != 1 ||
        !add_extension(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_extension(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(ca.cert, ca.cert, NID_subject_key_identifier, "hash") ||
        X509_sign(ca.cert, ca.key, EVP_sha256()) == 0)
        return openssl_failed(err, "cannot make a certificate authority");
    /* The key first: a key without its certificate is made anew, the other way round would not. */
    if (write_pem(dirfd, CA_KEY_FILE, 0600, ca.key, NULL, NULL, err) < 0)
        return -1;
    return write_pem(dirfd, CA_FILE, 0644, NULL, ca.cert, NULL, err);
}

int
certificate_make_server(int dirfd, const struct certificate_names *names, int64_t now_us,
                        struct err *err)
{
    OWN_PAIR(ca);
    OWN_PAIR(server);
    int got = read_pair(dirfd, CA_KEY_FILE, CA_FILE, &ca, err);

    if (got > 0)
        return err_set(err, ERR_CORRUPT, "the files %s and %s do not belong together", CA_FILE,
                       CA_KEY_FILE);
    if (got < 0 || begin(&server, "Holdfast", now_us, CERTIFICATE_SERVER_DAYS, err) < 0)
        return -1;
    if (X509_set_issuer_name(server.cert, X509_get_subject_name(ca.cert)) != 1 ||
        !add_extension(server.cert, ca.cert, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(server.cert, ca.cert, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(server.cert, ca.cert, NID_ext_key_usage, "serverAuth") ||
        !add_extension(server.cert, ca.cert, NID_subject_key_identifier, "hash") ||
        !add_extension(server.cert, ca.cert, NID_authority_key_identifier, "keyid:always") ||
        !add_names(server.cert, names) || X509_sign(server.cert, ca.key, EVP_sha256()) == 0)
        return openssl_failed(err, "cannot make the server's certificate");
    return write_pem(dirfd, SERVER_FILE, 0600, server.key, server.cert, ca.cert, err);
}

/* ---- keeping ---- */

static bool
lasts(const X509 *cert, int64_t now_us)
{
    time_t limit = (time_t)(now_us / 1000000) + CERTIFICATE_RENEW_DAYS * DAY_S;
    time_t now = (time_t)(now_us / 1000000);

    return X509_cmp_time(X509_get0_notAfter(cert), &limit) > 0 &&
           X509_cmp_time(X509_get0_notBefore(cert), &now) < 0;
}

static bool
has_dns(const GENERAL_NAMES *all, const char *name)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);

        if (g->type == GEN_DNS &&
            text_equal_nocase(text_of(name), text_from(ASN1_STRING_get0_data(g->d.dNSName),
                                                       (size_t)ASN1_STRING_length(g->d.dNSName))))
            return true;
    }
    return false;
}

static bool
has_names(X509 *cert, const struct certificate_names *names)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool ok = all != NULL;

    for (size_t i = 0; ok && i < names->n; i++)
        ok = is_address(names->name[i]) ? X509_check_ip_asc(cert, names->name[i], 0) == 1
                                        : has_dns(all, names->name[i]);
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return ok;
}

static bool
issued_by(X509 *cert, X509 *ca)
{
    EVP_PKEY *key = X509_get0_pubkey(ca);
    bool ok = key != NULL && X509_verify(cert, key) == 1;

    ERR_clear_error();
    return ok;
}

/* Not named after any authority of ours: its owner put it there (C4). */
static bool
is_foreign(X509 *cert)
{
    char name[sizeof(CA_NAME)] = "";

    return X509_NAME_get_text_by_NID(X509_get_issuer_name(cert), NID_commonName, name,
                                     sizeof(name)) < 0 ||
           strcmp(name, CA_NAME) != 0;
}

/* Is the certificate of ${server} one that may stay as it is? */
static bool
serves(const struct pair *server, const struct pair *ca, const struct certificate_names *names,
       int64_t now_us)
{
    return lasts(server->cert, now_us) && issued_by(server->cert, ca->cert) &&
           has_names(server->cert, names);
}

int
certificate_keep(int dirfd, const struct certificate_names *names, int64_t now_us, struct err *err)
{
    OWN_PAIR(ca);
    OWN_PAIR(server);
    int none = read_pair(dirfd, SERVER_FILE, SERVER_FILE, &server, err);
    int got;

    if (none < 0 || (none == 0 && is_foreign(server.cert)))
        return none;
    if ((got = read_pair(dirfd, CA_KEY_FILE, CA_FILE, &ca, err)) < 0)
        return -1;
    if (got > 0 || !lasts(ca.cert, now_us)) {
        if (certificate_make_ca(dirfd, now_us, err) < 0)
            return -1;
    } else if (none == 0 && serves(&server, &ca, names, now_us)) {
        return 0;
    }
    return certificate_make_server(dirfd, names, now_us, err) < 0 ? -1 : 1;
}
