/* identity_priv.h - what the files of this room share. */
#ifndef IDENTITY_IDENTITY_PRIV_H
#define IDENTITY_IDENTITY_PRIV_H

#include "identity/identity.h"

struct database *identity_database(struct identity *identity); /* borrowed */

#endif /* IDENTITY_IDENTITY_PRIV_H */
