#include "gateway/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"

struct tls {
    char *certificate_file;
    char *key_file;
    pthread_mutex_t lock;
    SSL_CTX *current; /* guarded by lock */
};

/* Clients may offer h2 first; we speak http/1.1 and say so. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                unsigned in_n, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";

    (void)ssl;
    (void)arg;
    for (unsigned at = 0; at < in_n && in[at] < in_n - at; at += in[at] + 1u)
        if (in[at] == ours[0] && memcmp(in + at + 1, ours + 1, ours[0]) == 0) {
            *out = in + at + 1;
            *out_n = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

static int
ssl_failure(struct err *err, const char *what, const char *file)
{
    char reason[160];

    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
    ERR_clear_error();
    (void)err_set(err, ERR_IO, "%s %s cannot be used", what, file);
    return err_note(err, "%s", reason);
}

static void
set_rules(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_PRIORITIZE_CHACHA |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    /* Resumption by tickets alone: nothing is kept here per client. */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 1);
    (void)SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"holdfast", 8);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
}

static SSL_CTX *
load(const struct tls *tls, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    set_rules(ctx);
    if (SSL_CTX_use_certificate_chain_file(ctx, tls->certificate_file) != 1)
        (void)ssl_failure(err, "the certificate", tls->certificate_file);
    else if (SSL_CTX_use_PrivateKey_file(ctx, tls->key_file, SSL_FILETYPE_PEM) != 1)
        (void)ssl_failure(err, "the private key", tls->key_file);
    else if (SSL_CTX_check_private_key(ctx) != 1)
        (void)ssl_failure(err, "the private key does not match its certificate:", tls->key_file);
    else
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

struct tls *
tls_new(const char *certificate_file, const char *key_file, struct err *err)
{
    OWN(tls) tls = mem_zalloc(sizeof(*tls));

    if (tls == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    (void)pthread_mutex_init(&tls->lock, NULL);
    tls->certificate_file = mem_text(certificate_file);
    tls->key_file = mem_text(key_file);
    if (tls->certificate_file == NULL || tls->key_file == NULL) {
        (void)err_memory(err);
        return NULL;
    }
    if ((tls->current = load(tls, err)) == NULL)
        return NULL;
    return GIVE(tls);
}

void
tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->current);
    (void)pthread_mutex_destroy(&tls->lock);
    mem_free(tls->certificate_file);
    mem_free(tls->key_file);
    mem_free(tls);
}

int
tls_reload(struct tls *tls, struct err *err)
{
    SSL_CTX *fresh = load(tls, err), *old;

    if (fresh == NULL)
        return -1;
    (void)pthread_mutex_lock(&tls->lock);
    old = tls->current;
    tls->current = fresh;
    (void)pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old); /* lives on while connections use it (T1) */
    return 0;
}

SSL *
tls_accept(struct tls *tls, int fd)
{
    SSL_CTX *ctx;
    SSL *ssl;

    (void)pthread_mutex_lock(&tls->lock);
    ctx = tls->current;
    (void)SSL_CTX_up_ref(ctx);
    (void)pthread_mutex_unlock(&tls->lock);
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
        ERR_clear_error();
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_accept_state(ssl);
    return ssl;
}
