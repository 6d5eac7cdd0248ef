/*
 * record.h - one decision record as it is stored: cut to its limits, encoded, hashed and sealed.
 *
 * The canonical bytes, which the leaf hash covers (README.md repeats this for those who check):
 *   text    4 bytes length, big-endian, then the bytes (UTF-8)
 *   number  8 bytes, big-endian, two's complement
 * in this order: text "holdfast audit record 1", text epoch, number seq, text kind, number time_us,
 * text request_id, caller_kind, caller_id, caller_name, address, action, scope, verdict, rule,
 * role, number rule_version, number status, text result, digest, target, detail, number
 * duration_us, number count.  What is absent is the empty text.
 *
 * Invariants:
 *   L1  two different records have different bytes;
 *   L2  every stored text is UTF-8 without control characters, and no longer than its limit;
 *   L3  leaf = SHA-256(0x00 || bytes), seal = HMAC-SHA256(audit key, leaf || seq as a number).
 */
#ifndef AUDIT_RECORD_H
#define AUDIT_RECORD_H

#include <stdint.h>

#include "audit/audit.h"
#include "base/text.h"
#include "crypto/hmac.h"
#include "crypto/merkle.h"
#include "store/db.h"

/* The texts of a record, in the order of the canonical bytes. */
enum record_text {
    RECORD_KIND,
    RECORD_REQUEST_ID,
    RECORD_CALLER_KIND,
    RECORD_CALLER_ID,
    RECORD_CALLER_NAME,
    RECORD_ADDRESS,
    RECORD_ACTION,
    RECORD_SCOPE,
    RECORD_VERDICT,
    RECORD_RULE,
    RECORD_ROLE,
    RECORD_RESULT,
    RECORD_DIGEST,
    RECORD_TARGET,
    RECORD_DETAIL,
    RECORD_TEXTS,
};

enum record_number {
    RECORD_TIME,
    RECORD_RULE_VERSION,
    RECORD_STATUS,
    RECORD_DURATION,
    RECORD_COUNT,
    RECORD_NUMBERS,
};

struct record {
    int64_t seq;
    struct text texts[RECORD_TEXTS]; /* borrowed, or in a struct record_room */
    int64_t numbers[RECORD_NUMBERS];
    uint8_t leaf[MERKLE_LEN];
    uint8_t seal[HMAC_LEN];
};

/* Memory for the texts of one record (L2). */
#define RECORD_ROOM 6144
struct record_room {
    char bytes[RECORD_ROOM];
    size_t n;
};

#define RECORD_BYTES_MAX (RECORD_ROOM + 512)

const char *record_text_name(enum record_text text); /* the column's name */
const char *record_number_name(enum record_number number);
const char *record_kind_name(enum audit_kind kind);
const char *record_verdict_name(enum audit_verdict verdict);

/* record_take(r, kind, in, room): the texts are cleaned and cut into ${room}. */
void record_take(struct record *r, enum audit_kind kind, const struct audit_record *in,
                 struct record_room *room);

/* record_bytes(r, epoch, out): the canonical bytes; return their number. */
size_t record_bytes(const struct record *r, const char *epoch,
                    uint8_t out[static RECORD_BYTES_MAX]);
void record_leaf(const struct record *r, const char *epoch, uint8_t leaf[static MERKLE_LEN]);
void record_seal(const uint8_t leaf[static MERKLE_LEN], int64_t seq, const struct hmac_key *key,
                 uint8_t seal[static HMAC_LEN]);

MUST_CHECK int record_insert(struct db *db, const struct record *r, struct err *err);

/* RECORD_COLUMNS: what record_row() expects of a query, in that order, from column 0. */
#define RECORD_COLUMNS                                                                             \
    "seq, kind, request_id, caller_kind, caller_id, caller_name, address, action, scope, "         \
    "verdict, rule, role, result, digest, target, detail, time_us, rule_version, status, "         \
    "duration_us, count, leaf, seal"

/* record_row(rows, out): views into the current row; false when leaf or seal have a wrong size. */
bool record_row(struct db_rows *rows, struct record *out);

#endif /* AUDIT_RECORD_H */
