#include "audit/record.h"

#include <string.h>

#include "base/number.h"

static const char magic[] = "holdfast audit record 1";

/* Column and the most bytes it keeps (L2). */
static const struct {
    const char *name;
    size_t max;
} texts[RECORD_TEXTS] = {
    [RECORD_KIND] = { "kind", 16 },
    [RECORD_REQUEST_ID] = { "request_id", 64 },
    [RECORD_CALLER_KIND] = { "caller_kind", 32 },
    [RECORD_CALLER_ID] = { "caller_id", 64 },
    [RECORD_CALLER_NAME] = { "caller_name", 256 },
    [RECORD_ADDRESS] = { "address", 64 },
    [RECORD_ACTION] = { "action", 256 },
    [RECORD_SCOPE] = { "scope", 1024 },
    [RECORD_VERDICT] = { "verdict", 16 },
    [RECORD_RULE] = { "rule", 256 },
    [RECORD_ROLE] = { "role", 128 },
    [RECORD_RESULT] = { "result", 128 },
    [RECORD_DIGEST] = { "digest", DIGEST_TEXT_MAX },
    [RECORD_TARGET] = { "target", 1024 },
    [RECORD_DETAIL] = { "detail", 512 },
};

static const char *const numbers[RECORD_NUMBERS] = {
    [RECORD_TIME] = "time_us",  [RECORD_RULE_VERSION] = "rule_version",
    [RECORD_STATUS] = "status", [RECORD_DURATION] = "duration_us",
    [RECORD_COUNT] = "count",
};

const char *
record_text_name(enum record_text text)
{
    return texts[text].name;
}

const char *
record_number_name(enum record_number number)
{
    return numbers[number];
}

const char *
record_kind_name(enum audit_kind kind)
{
    static const char *const names[] = {
        [AUDIT_CHANGE] = "change",
        [AUDIT_REFUSAL] = "refusal",
        [AUDIT_READ] = "read",
    };

    return names[kind];
}

const char *
record_verdict_name(enum audit_verdict verdict)
{
    static const char *const names[] = {
        [AUDIT_ALLOWED] = "allowed",
        [AUDIT_REFUSED] = "refused",
        [AUDIT_CHALLENGED] = "challenged",
    };

    return names[verdict];
}

/* Bytes of the UTF-8 character at the start of ${t} (RFC 3629), or 0 when there is none. */
static size_t
character(struct text t)
{
    uint8_t c = (uint8_t)t.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (n > t.n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((uint8_t)t.p[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && (uint8_t)t.p[1] < 0xa0) || (c == 0xed && (uint8_t)t.p[1] > 0x9f) ||
        (c == 0xf0 && (uint8_t)t.p[1] < 0x90) || (c == 0xf4 && (uint8_t)t.p[1] > 0x8f))
        return 0;
    return n;
}

/* What a terminal or a JSON printer may be given: every other byte becomes "?". */
static struct text
clean(struct text t, size_t max, struct record_room *room)
{
    char *out = room->bytes + room->n;
    size_t n = 0;

    if (max > sizeof(room->bytes) - room->n)
        max = sizeof(room->bytes) - room->n;
    while (t.n > 0) {
        size_t one = character(t);
        bool shown = one > 1 || (one == 1 && t.p[0] >= 0x20 && t.p[0] != 0x7f);

        if (n + (shown ? one : 1) > max)
            break;
        if (shown)
            memcpy(out + n, t.p, one);
        else
            out[n] = '?';
        n += shown ? one : 1;
        t = text_after(t, one > 0 ? one : 1);
    }
    room->n += n;
    return text_from(out, n);
}

void
record_take(struct record *r, enum audit_kind kind, const struct audit_record *in,
            struct record_room *room)
{
    char digest[DIGEST_TEXT_MAX + 1] = "";
    const struct text given[RECORD_TEXTS] = {
        [RECORD_KIND] = text_of(record_kind_name(kind)),
        [RECORD_REQUEST_ID] = text_of(in->request_id),
        [RECORD_CALLER_KIND] = text_of(in->caller_kind),
        [RECORD_CALLER_ID] = text_of(in->caller_id),
        [RECORD_CALLER_NAME] = in->caller_name,
        [RECORD_ADDRESS] = in->address,
        [RECORD_ACTION] = in->action,
        [RECORD_SCOPE] = in->scope,
        [RECORD_VERDICT] = text_of(record_verdict_name(in->verdict)),
        [RECORD_RULE] = in->rule,
        [RECORD_ROLE] = in->role,
        [RECORD_RESULT] = in->result,
        [RECORD_DIGEST] = { digest, in->digest != NULL ? digest_text(in->digest, digest) : 0 },
        [RECORD_TARGET] = in->target,
        [RECORD_DETAIL] = in->detail,
    };

    room->n = 0;
    for (int i = 0; i < RECORD_TEXTS; i++)
        r->texts[i] = clean(given[i], texts[i].max, room);
    r->numbers[RECORD_TIME] = in->time_us;
    r->numbers[RECORD_RULE_VERSION] = in->rule_version;
    r->numbers[RECORD_STATUS] = in->status;
    r->numbers[RECORD_DURATION] = in->duration_us;
    r->numbers[RECORD_COUNT] = (int64_t)in->count;
}

/* The canonical bytes while they grow. */
struct bytes {
    uint8_t *p;
    size_t n;
};

static void
put_be(struct bytes *b, uint64_t v, unsigned size)
{
    number_put(b->p + b->n, v, size);
    b->n += size;
}

static void
put_text(struct bytes *b, struct text t)
{
    /* A row that somebody edited may hold anything; two that differ must not become equal by
     * being cut, so the true length stays in the bytes. */
    size_t room = b->n < RECORD_ROOM ? RECORD_ROOM - b->n : 0;

    put_be(b, t.n, 4);
    t = text_first(t, room);
    if (t.n > 0)
        memcpy(b->p + b->n, t.p, t.n);
    b->n += t.n;
}

static void
put_number(struct bytes *b, int64_t v)
{
    put_be(b, (uint64_t)v, 8);
}

size_t
record_bytes(const struct record *r, const char *epoch, uint8_t out[static RECORD_BYTES_MAX])
{
    struct bytes b = { out, 0 };

    put_text(&b, text_of(magic));
    put_text(&b, text_of(epoch));
    put_number(&b, r->seq);
    put_text(&b, r->texts[RECORD_KIND]);
    put_number(&b, r->numbers[RECORD_TIME]);
    for (int i = RECORD_REQUEST_ID; i <= RECORD_ROLE; i++)
        put_text(&b, r->texts[i]);
    put_number(&b, r->numbers[RECORD_RULE_VERSION]);
    put_number(&b, r->numbers[RECORD_STATUS]);
    for (int i = RECORD_RESULT; i <= RECORD_DETAIL; i++)
        put_text(&b, r->texts[i]);
    put_number(&b, r->numbers[RECORD_DURATION]);
    put_number(&b, r->numbers[RECORD_COUNT]);
    return b.n;
}

void
record_leaf(const struct record *r, const char *epoch, uint8_t leaf[static MERKLE_LEN])
{
    uint8_t bytes[RECORD_BYTES_MAX];

    merkle_leaf(bytes, record_bytes(r, epoch, bytes), leaf);
}

void
record_seal(const uint8_t leaf[static MERKLE_LEN], int64_t seq, const struct hmac_key *key,
            uint8_t seal[static HMAC_LEN])
{
    uint8_t bytes[MERKLE_LEN + 8];
    struct bytes b = { bytes, MERKLE_LEN };

    memcpy(bytes, leaf, MERKLE_LEN);
    put_number(&b, seq);
    hmac_of(key, bytes, b.n, seal);
}

int
record_insert(struct db *db, const struct record *r, struct err *err)
{
    const struct text *t = r->texts;
    const int64_t *n = r->numbers;

    return db_run(db, err,
                  "INSERT INTO audit_record(" RECORD_COLUMNS ") VALUES($1, $2, $3, $4, $5, $6, $7, "
                  "$8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
                  DB_INT(r->seq), DB_TEXT(t[RECORD_KIND]), DB_TEXT(t[RECORD_REQUEST_ID]),
                  DB_TEXT(t[RECORD_CALLER_KIND]), DB_TEXT(t[RECORD_CALLER_ID]),
                  DB_TEXT(t[RECORD_CALLER_NAME]), DB_TEXT(t[RECORD_ADDRESS]),
                  DB_TEXT(t[RECORD_ACTION]), DB_TEXT(t[RECORD_SCOPE]), DB_TEXT(t[RECORD_VERDICT]),
                  DB_TEXT(t[RECORD_RULE]), DB_TEXT(t[RECORD_ROLE]), DB_TEXT(t[RECORD_RESULT]),
                  DB_TEXT(t[RECORD_DIGEST]), DB_TEXT(t[RECORD_TARGET]), DB_TEXT(t[RECORD_DETAIL]),
                  DB_INT(n[RECORD_TIME]), DB_INT(n[RECORD_RULE_VERSION]), DB_INT(n[RECORD_STATUS]),
                  DB_INT(n[RECORD_DURATION]), DB_INT(n[RECORD_COUNT]), DB_BLOB(r->leaf, MERKLE_LEN),
                  DB_BLOB(r->seal, HMAC_LEN)) < 0
               ? -1
               : 0;
}

bool
record_row(struct db_rows *rows, struct record *out)
{
    struct text leaf, seal;

    out->seq = db_int(rows, 0);
    for (int i = 0; i < RECORD_TEXTS; i++)
        out->texts[i] = db_text(rows, 1 + i);
    for (int i = 0; i < RECORD_NUMBERS; i++)
        out->numbers[i] = db_int(rows, 1 + RECORD_TEXTS + i);
    leaf = db_blob(rows, 1 + RECORD_TEXTS + RECORD_NUMBERS);
    seal = db_blob(rows, 2 + RECORD_TEXTS + RECORD_NUMBERS);
    memset(out->leaf, 0, sizeof(out->leaf));
    memset(out->seal, 0, sizeof(out->seal));
    if (leaf.n != MERKLE_LEN || seal.n != HMAC_LEN)
        return false;
    memcpy(out->leaf, leaf.p, MERKLE_LEN);
    memcpy(out->seal, seal.p, HMAC_LEN);
    return true;
}
