#include "resource/resource.h"

const struct migration resource_migrations[] = {
    { "resource", 1,
      "CREATE TABLE resource("
      "  id_key TEXT NOT NULL PRIMARY KEY," /* the id in lower case */
      "  id TEXT NOT NULL,"
      "  name TEXT NOT NULL,"
      "  name_key TEXT NOT NULL,"
      "  type TEXT NOT NULL,"
      "  type_key TEXT NOT NULL,"
      "  grp TEXT NOT NULL,"
      "  grp_key TEXT NOT NULL,"
      "  location TEXT NOT NULL,"
      "  tags TEXT NOT NULL,"
      "  properties TEXT NOT NULL,"
      "  extra TEXT NOT NULL,"
      "  etag TEXT NOT NULL,"
      "  state TEXT NOT NULL,"
      "  created_at_us BIGINT NOT NULL,"
      "  changed_at_us BIGINT NOT NULL)" DB_DDL_BY_KEY ";"
      "CREATE INDEX resource_by_type ON resource(type_key, id_key);"
      "CREATE INDEX resource_by_group ON resource(grp_key, id_key);"
      "CREATE TABLE resource_operation("
      "  id TEXT NOT NULL PRIMARY KEY,"
      "  resource_id TEXT NOT NULL,"
      "  caller_id TEXT NOT NULL,"
      "  started_us BIGINT NOT NULL)" DB_DDL_BY_KEY ";" },
    { NULL, 0, NULL },
};
