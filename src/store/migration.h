/* migration.h - the schema's numbered steps: applied once each, all that are pending or none. */
#ifndef STORE_MIGRATION_H
#define STORE_MIGRATION_H

#include "base/err.h"

struct db;
struct migration;

/* migration_apply(db, sets, err): W7.  ERR_UNSUPPORTED when ${db} has steps that ${sets} lacks. */
MUST_CHECK int migration_apply(struct db *db, const struct migration *const *sets, struct err *err);

#endif /* STORE_MIGRATION_H */
