/* crypto/certificate.h: made once, kept while good, renewed when due, checked by OpenSSL itself. */
#include "crypto/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define DAY_US (INT64_C(86400) * 1000000)

struct folder {
    char path[64];
    int fd;
    struct certificate_names names;
};

static int
make_folder(void **state)
{
    static struct folder f;
    struct err err = { 0 };

    f = (struct folder){ .path = "/tmp/holdfast-tls-XXXXXX" };
    if (mkdtemp(f.path) == NULL)
        return -1;
    f.fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &f;
    return certificate_names_of("localhost", NULL, &f.names, &err);
}

static int
remove_folder(void **state)
{
    struct folder *f = *state;

    (void)unlinkat(f->fd, "ca.pem", 0);
    (void)unlinkat(f->fd, "ca-key.pem", 0);
    (void)unlinkat(f->fd, "server.pem", 0);
    (void)close(f->fd);
    return rmdir(f->path);
}

static X509 *
read_cert(const struct folder *f, const char *name)
{
    struct err err = { 0 };
    OWN_BUF(pem, 65536);
    BIO *bio;
    X509 *cert;

    assert_int_equal(file_read(f->fd, name, &pem, &err), 0);
    bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(cert);
    BIO_free(bio);
    return cert;
}

static int
keep(struct folder *f, int64_t now)
{
    struct err err = { 0 };

    return certificate_keep(f->fd, &f->names, now, &err);
}

static void
c1_key_chain_and_names_serve_tls(void **state)
{
    static const char *const hosts[] = { "localhost",           "management.localhost",
                                         "login.localhost",     "holdfast.azurecr.localhost",
                                         "kv1.vault.localhost", "s1.file.core.localhost" };
    struct folder *f = *state;
    char path[128];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    X509 *ca, *server;

    assert_int_equal(keep(f, clock_now_us()), 1);
    (void)snprintf(path, sizeof(path), "%s/server.pem", f->path);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_check_private_key(ctx), 1);
    ca = read_cert(f, "ca.pem");
    server = read_cert(f, "server.pem");
    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    assert_int_equal(X509_STORE_CTX_init(check, store, server, NULL), 1);
    assert_int_equal(X509_STORE_CTX_set_purpose(check, X509_PURPOSE_SSL_SERVER), 1);
    assert_int_equal(X509_verify_cert(check), 1);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        assert_int_equal(X509_check_host(server, hosts[i], 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(server, "example.com", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(server, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(server, "::1", 0), 1);
    X509_STORE_CTX_free(check);
    X509_STORE_free(store);
    X509_free(ca);
    X509_free(server);
    SSL_CTX_free(ctx);
}

static void
c2_private_keys_are_private(void **state)
{
    struct folder *f = *state;
    struct stat st;

    assert_int_equal(keep(f, clock_now_us()), 1);
    assert_int_equal(fstatat(f->fd, "ca-key.pem", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fstatat(f->fd, "server.pem", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
c3_kept_until_due(void **state)
{
    struct folder *f = *state;
    int64_t now = clock_now_us();
    X509 *first, *later, *ca, *ca_later;

    assert_int_equal(keep(f, now), 1);
    first = read_cert(f, "server.pem");
    ca = read_cert(f, "ca.pem");
    assert_int_equal(keep(f, now), 0);
    assert_int_equal(keep(f, now + 366 * DAY_US), 0);
    assert_int_equal(keep(f, now + 368 * DAY_US), 1);
    later = read_cert(f, "server.pem");
    ca_later = read_cert(f, "ca.pem");
    assert_int_not_equal(X509_cmp(first, later), 0);
    assert_int_equal(X509_cmp(ca, ca_later), 0);
    X509_free(first);
    X509_free(later);
    X509_free(ca);
    X509_free(ca_later);
}

static void
a_new_name_makes_a_new_certificate(void **state)
{
    static const char *const extra[] = { "registry.example", "10.0.0.7", NULL };
    struct folder *f = *state;
    struct err err = { 0 };
    X509 *server;

    assert_int_equal(keep(f, clock_now_us()), 1);
    assert_int_equal(certificate_names_of("localhost", extra, &f->names, &err), 0);
    assert_int_equal(keep(f, clock_now_us()), 1);
    assert_int_equal(keep(f, clock_now_us()), 0);
    server = read_cert(f, "server.pem");
    assert_int_equal(X509_check_host(server, "registry.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(server, "10.0.0.7", 0), 1);
    X509_free(server);
}

/* What a crash between two files, or a curious hand, can leave. */
static void
damage_is_repaired(void **state)
{
    static const char *const files[] = { "ca.pem", "ca-key.pem", "server.pem" };
    struct folder *f = *state;

    assert_int_equal(keep(f, clock_now_us()), 1);
    for (size_t i = 0; i < 3; i++) {
        struct err err = { 0 };

        assert_int_equal(unlinkat(f->fd, files[i], 0), 0);
        assert_int_equal(keep(f, clock_now_us()), 1);
        assert_int_equal(keep(f, clock_now_us()), 0);
        assert_int_equal(file_replace(f->fd, files[i], 0600, TEXT("half a fi"), &err), 0);
        assert_int_equal(keep(f, clock_now_us()), 1);
        assert_int_equal(keep(f, clock_now_us()), 0);
    }
}

static void
names_that_are_none_are_refused(void **state)
{
    static const char *const extra[] = { "", NULL };
    struct certificate_names names = { .n = 0 };
    struct err err = { 0 };

    (void)state;
    assert_int_equal(certificate_names_of("localhost", extra, &names, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(names.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(c1_key_chain_and_names_serve_tls, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(c2_private_keys_are_private, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(c3_kept_until_due, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_new_name_makes_a_new_certificate, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(damage_is_repaired, make_folder, remove_folder),
        cmocka_unit_test(names_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
