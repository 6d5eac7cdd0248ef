#include "audit/audit.h"

/*
 * No column is NULL: what a record does not have is empty, so that its bytes have one form.
 * audit_tree keeps the complete subtrees from level 8 up; all else follows from the leaves.
 */
const struct migration audit_migrations[] = {
    { "audit", 1,
      "CREATE TABLE audit_epoch("
      "  first_seq BIGINT NOT NULL PRIMARY KEY,"
      "  id TEXT NOT NULL,"
      "  opened_at_us BIGINT NOT NULL,"
      "  reason TEXT NOT NULL);"
      "CREATE TABLE audit_record("
      "  seq INTEGER NOT NULL PRIMARY KEY,"
      "  kind TEXT NOT NULL,"
      "  time_us BIGINT NOT NULL,"
      "  request_id TEXT NOT NULL,"
      "  caller_kind TEXT NOT NULL,"
      "  caller_id TEXT NOT NULL,"
      "  caller_name TEXT NOT NULL,"
      "  address TEXT NOT NULL,"
      "  action TEXT NOT NULL,"
      "  scope TEXT NOT NULL,"
      "  verdict TEXT NOT NULL,"
      "  rule TEXT NOT NULL,"
      "  role TEXT NOT NULL,"
      "  rule_version BIGINT NOT NULL,"
      "  status BIGINT NOT NULL,"
      "  result TEXT NOT NULL,"
      "  digest TEXT NOT NULL,"
      "  target TEXT NOT NULL,"
      "  detail TEXT NOT NULL,"
      "  duration_us BIGINT NOT NULL,"
      "  count BIGINT NOT NULL,"
      "  leaf " DB_DDL_BYTES " NOT NULL,"
      "  seal " DB_DDL_BYTES " NOT NULL);"
      "CREATE INDEX audit_record_digest ON audit_record(digest, seq)"
      "  WHERE kind = 'change' AND digest <> '';"
      "CREATE INDEX audit_record_scope ON audit_record(scope, seq) WHERE kind = 'change';"
      "CREATE TABLE audit_tree("
      "  level BIGINT NOT NULL,"
      "  place BIGINT NOT NULL,"
      "  hash " DB_DDL_BYTES " NOT NULL,"
      "  PRIMARY KEY(level, place))" DB_DDL_BY_KEY ";"
      "CREATE TABLE audit_checkpoint("
      "  epoch TEXT NOT NULL,"
      "  size BIGINT NOT NULL,"
      "  root " DB_DDL_BYTES " NOT NULL,"
      "  time_us BIGINT NOT NULL,"
      "  signature " DB_DDL_BYTES " NOT NULL,"
      "  PRIMARY KEY(size, epoch))" DB_DDL_BY_KEY ";" },
    { NULL, 0, NULL },
};
