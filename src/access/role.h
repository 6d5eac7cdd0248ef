/*
 * role.h - what a role allows.
 *
 * Invariants:
 *   R1  "*" in a pattern stands for any run of characters, slashes included; case is ignored;
 *   R2  a role allows an action that one of its actions matches and none of its not-actions.
 * Threads: pure, but for a small cache per thread.
 */
#ifndef ACCESS_ROLE_H
#define ACCESS_ROLE_H

#include <stdbool.h>

#include "access/access.h"
#include "base/text.h"

bool role_matches(const char *pattern, struct text action); /* R1 */
bool role_allows(const struct role *role, struct text action);

/* role_reads(role): does it let its holder see anything? */
bool role_reads(const struct role *role);

/* role_nearest(action): the narrowest built-in role that allows it; Owner allows everything. */
const struct role *role_nearest(struct text action);

#endif /* ACCESS_ROLE_H */
