/*
 * upload_id.h - names of upload sessions that say by themselves to which repository they belong.
 *
 * The id is a UUID whose last 62 bits are a keyed hash of its first 60 and of the repository.  So
 * beginning an upload writes no row, and still survives a restart with its owner.
 *
 * Invariants:
 *   L1  an id made for one repository is no id in any other, of this registry or another one;
 *   L2  an id stays valid as long as the key, whatever restarts.
 * Threads: pure functions over a key that is read only.
 */
#ifndef REGISTRY_UPLOAD_ID_H
#define REGISTRY_UPLOAD_ID_H

#include <stdbool.h>

#include "base/id.h"
#include "base/text.h"
#include "crypto/hmac.h"

#define UPLOAD_KEY_LEN 32

void upload_id_new(const struct hmac_key *key, struct text registry, struct text repository,
                   char out[static ID_LEN + 1]);
bool upload_id_belongs(const struct hmac_key *key, struct text registry, struct text repository,
                       struct text id);

#endif /* REGISTRY_UPLOAD_ID_H */
