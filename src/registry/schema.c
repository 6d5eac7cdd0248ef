/*
 * schema.c - the registry's tables.
 *
 *   repository       one row per repository that ever received anything
 *   repository_blob  which blobs a repository may serve: the same bytes pushed to another one are
 *                    not readable here
 *   manifest         documents, byte for byte as pushed; manifest_blob and manifest_child say what
 *                    they refer to
 *   tag              names; kept in the order of their bytes
 *   upload_key       one row: binds upload ids to repositories (upload_id.h)
 *
 * "registry" columns hold the name in lower case: names are unique in the installation.
 */
#include "registry/registry.h"

#include "store/database.h"

/* Lists are walked by key, from the last one seen: every index ends in what a list is sorted by. */
const struct migration registry_migrations[] = {
    { "registry", 1,
      "CREATE TABLE repository ("
      " id BIGINT NOT NULL PRIMARY KEY,"
      " registry TEXT NOT NULL,"
      " name TEXT NOT NULL,"
      " created_us BIGINT NOT NULL,"
      " changed_us BIGINT NOT NULL,"
      " UNIQUE (registry, name));"

      "CREATE TABLE repository_blob ("
      " repository BIGINT NOT NULL,"
      " digest TEXT NOT NULL,"
      " size BIGINT NOT NULL,"
      " added_us BIGINT NOT NULL,"
      " PRIMARY KEY (repository, digest))" DB_DDL_BY_KEY ";"
      "CREATE INDEX repository_blob_by_digest ON repository_blob (digest, repository);"

      "CREATE TABLE manifest ("
      " repository BIGINT NOT NULL,"
      " digest TEXT NOT NULL,"
      " media_type TEXT NOT NULL,"
      " size BIGINT NOT NULL,"
      " image_size BIGINT NOT NULL,"
      " subject TEXT,"
      " artifact_type TEXT,"
      " pushed_us BIGINT NOT NULL,"
      " pushed_by TEXT NOT NULL,"
      " bytes " DB_DDL_BYTES " NOT NULL,"
      " PRIMARY KEY (repository, digest));"
      "CREATE INDEX manifest_by_subject ON manifest (repository, subject, digest);"

      "CREATE TABLE manifest_blob ("
      " repository BIGINT NOT NULL,"
      " manifest TEXT NOT NULL,"
      " digest TEXT NOT NULL,"
      " PRIMARY KEY (repository, manifest, digest))" DB_DDL_BY_KEY ";"
      "CREATE INDEX manifest_blob_by_digest ON manifest_blob (repository, digest);"

      "CREATE TABLE manifest_child ("
      " repository BIGINT NOT NULL,"
      " manifest TEXT NOT NULL,"
      " digest TEXT NOT NULL,"
      " PRIMARY KEY (repository, manifest, digest))" DB_DDL_BY_KEY ";"
      "CREATE INDEX manifest_child_by_digest ON manifest_child (repository, digest);"

      "CREATE TABLE tag ("
      " repository BIGINT NOT NULL,"
      " name TEXT NOT NULL,"
      " digest TEXT NOT NULL,"
      " created_us BIGINT NOT NULL,"
      " changed_us BIGINT NOT NULL,"
      " PRIMARY KEY (repository, name))" DB_DDL_BY_KEY ";"
      "CREATE INDEX tag_by_digest ON tag (repository, digest, name);"

      "CREATE TABLE upload_key ("
      " id BIGINT NOT NULL PRIMARY KEY,"
      " bytes " DB_DDL_BYTES " NOT NULL);" },
    { NULL, 0, NULL },
};
