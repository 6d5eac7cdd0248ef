/* roles.h - the roles that Azure has built in, as data. */
#ifndef ACCESS_ROLES_H
#define ACCESS_ROLES_H

#include "access/access.h"

#define ROLES_COUNT 46

extern const struct role roles_built_in[ROLES_COUNT];

#endif /* ACCESS_ROLES_H */
