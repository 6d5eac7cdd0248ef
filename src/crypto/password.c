#include "crypto/password.h"

#include <argon2.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/secret.h"

#define SALT 16
#define HASH 32

/* A record taken apart. */
struct record {
    uint32_t kib;
    uint32_t passes;
    uint8_t salt[SALT];
    uint8_t hash[HASH];
};

/* P2: malloc would keep 19 MiB for the next caller; the system gets pages of its own back. */
static int
take_pages(uint8_t **p, size_t n)
{
    void *got = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (got == MAP_FAILED)
        return ARGON2_MEMORY_ALLOCATION_ERROR;
    (void)madvise(got, n, MADV_DONTDUMP);
    *p = got;
    return ARGON2_OK;
}

/* libargon2 has cleared them already. */
static void
give_pages(uint8_t *p, size_t n)
{
    (void)munmap(p, n);
}

/* libargon2 wants mutable inputs; it changes them only where a flag asks for it, and none does. */
static int
derive(struct text password, const struct record *r, uint8_t out[static HASH], struct err *err)
{
    uint8_t salt[SALT];
    argon2_context c = {
        .out = out,
        .outlen = HASH,
        .pwd = (uint8_t *)(uintptr_t)password.p,
        .pwdlen = (uint32_t)password.n,
        .salt = salt,
        .saltlen = SALT,
        .t_cost = r->passes,
        .m_cost = r->kib,
        .lanes = 1,
        .threads = 1,
        .version = ARGON2_VERSION_13,
        .allocate_cbk = take_pages,
        .free_cbk = give_pages,
    };

    memcpy(salt, r->salt, SALT);
    switch (argon2id_ctx(&c)) {
    case ARGON2_OK: return 0;
    case ARGON2_MEMORY_ALLOCATION_ERROR: return err_memory(err);
    default: return err_set(err, ERR_IO, "the password cannot be checked");
    }
}

/* PHC strings have standard base64 without its padding; EVP's always has it. */
static void
print_bytes(const uint8_t *p, size_t n, char *out)
{
    int len = EVP_EncodeBlock((unsigned char *)out, p, (int)n);

    while (len > 0 && out[len - 1] == '=')
        out[--len] = '\0';
}

static bool
parse_bytes(struct text t, uint8_t *out, size_t n)
{
    unsigned char padded[64], decoded[64];
    size_t want = (n * 4 + 2) / 3;
    size_t full = (want + 3) / 4 * 4;

    if (t.n != want || full > sizeof(padded))
        return false;
    memset(padded, '=', sizeof(padded));
    memcpy(padded, t.p, t.n);
    if (EVP_DecodeBlock(decoded, padded, (int)full) < (int)n)
        return false;
    memcpy(out, decoded, n);
    return true;
}

static bool
cut_number(struct text *rest, char sep, const char *name, uint64_t max, uint32_t *out)
{
    struct text part;
    uint64_t v;

    if (!text_cut(rest, sep, &part) || !text_starts(part, name) ||
        !text_to_u64(text_after(part, strlen(name)), max, &v) || v == 0)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool
parse_record(struct text t, struct record *out)
{
    static const char head[] = "$argon2id$v=19$";
    struct text rest = t, cost, part;
    uint32_t lanes;

    if (!text_starts(t, head))
        return false;
    rest = text_after(t, sizeof(head) - 1);
    return text_cut(&rest, '$', &cost) &&
           cut_number(&cost, ',', "m=", PASSWORD_KIB_MAX, &out->kib) &&
           cut_number(&cost, ',', "t=", PASSWORD_PASSES_MAX, &out->passes) &&
           cut_number(&cost, ',', "p=", 1, &lanes) && text_cut(&rest, '$', &part) &&
           parse_bytes(part, out->salt, SALT) && text_cut(&rest, '$', &part) &&
           parse_bytes(part, out->hash, HASH) && rest.p == NULL;
}

int
password_record(struct text password, char out[static PASSWORD_RECORD_MAX + 1], struct err *err)
{
    struct record r = { .kib = PASSWORD_KIB, .passes = PASSWORD_PASSES };
    char salt[SALT * 2], hash[HASH * 2];

    id_random(r.salt, SALT);
    if (derive(password, &r, r.hash, err) < 0)
        return -1;
    print_bytes(r.salt, SALT, salt);
    print_bytes(r.hash, HASH, hash);
    (void)snprintf(out, PASSWORD_RECORD_MAX + 1, "$argon2id$v=19$m=%u,t=%u,p=1$%s$%s", r.kib,
                   r.passes, salt, hash);
    return 0;
}

int
password_verify(struct text password, struct text record, bool *match, struct err *err)
{
    struct record r;
    uint8_t hash[HASH];

    if (!parse_record(record, &r))
        return err_set(err, ERR_CORRUPT, "a stored password record cannot be read");
    if (derive(password, &r, hash, err) < 0)
        return -1;
    *match = secret_equal(text_from(hash, HASH), text_from(r.hash, HASH));
    mem_wipe(hash, sizeof(hash));
    return 0;
}

struct text
password_nobody(void)
{
    /* A hash of zeros: finding a password for it is as hard as finding any preimage. */
    return TEXT("$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGF0IGFsbC4uLg$"
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}
