#include "base/mem.h"
#include "base/secret.h"
#include "identity/identity_priv.h"
#include "identity/principal.h"

#define PASSWORD_LEN 32 /* of 64 characters: 192 bits */
#define ADMIN        "admin"
#define SERVICE      "holdfast"

/* What one change writes. */
struct first {
    struct identity_principal user;
    struct identity_principal service;
    char user_record[PASSWORD_RECORD_MAX + 1];
    char service_record[PASSWORD_RECORD_MAX + 1];
};

static struct secret *
make_password(void)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct secret *s = secret_random(PASSWORD_LEN);
    unsigned char *p = s != NULL ? secret_bytes(s) : NULL;

    for (size_t i = 0; p != NULL && i < PASSWORD_LEN; i++)
        p[i] = (unsigned char)letters[p[i] % 64];
    return s;
}

/* A first start that was cut off left it there: it gets the new secret. */
static int
add_or_renew(struct db *db, struct identity_principal *p, struct err *err)
{
    struct principal there;
    int got = principal_by_name(db, p->kind, p->name, &there, err);

    if (got > 0)
        return identity_add(db, p, err);
    if (got < 0)
        return -1;
    (void)text_copy(text_of(there.id), p->id, sizeof(p->id));
    (void)text_copy(text_of(there.app_id), p->app_id, sizeof(p->app_id));
    return identity_set_record(db, text_of(p->id), p->record, err);
}

static int
write_first(struct db *db, void *arg, struct err *err)
{
    struct first *f = arg;

    return add_or_renew(db, &f->user, err) < 0 || add_or_renew(db, &f->service, err) < 0 ? -1 : 0;
}

static int
make_secret(struct identity *identity, struct secret **out, char *record, struct err *err)
{
    if ((*out = make_password()) == NULL)
        return err_memory(err);
    return identity_record(identity, secret_view(*out), record, err);
}

int
identity_bootstrap(struct identity *identity, struct bootstrap *out, struct err *err)
{
    struct first f = {
        .user = { .kind = CALLER_USER, .name = TEXT(ADMIN) },
        .service = { .kind = CALLER_SERVICE_PRINCIPAL, .name = TEXT(SERVICE) },
    };
    struct bootstrap b = { .username = ADMIN };

    f.user.record = f.user_record;
    f.service.record = f.service_record;
    if (make_secret(identity, &b.password, f.user_record, err) < 0 ||
        make_secret(identity, &b.client_secret, f.service_record, err) < 0 ||
        database_write(identity_database(identity), write_first, &f, err) < 0) {
        bootstrap_done(&b);
        return -1;
    }
    identity_changed(identity);
    (void)text_copy(text_of(f.user.id), b.user_id, sizeof(b.user_id));
    (void)text_copy(text_of(f.service.id), b.principal_id, sizeof(b.principal_id));
    (void)text_copy(text_of(f.service.app_id), b.client_id, sizeof(b.client_id));
    *out = b;
    return 0;
}

void
bootstrap_done(struct bootstrap *b)
{
    secret_free(b->password);
    secret_free(b->client_secret);
    b->password = NULL;
    b->client_secret = NULL;
}
