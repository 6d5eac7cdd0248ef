/*
 * W1, W2: whatever the files are, ids stay below PLACE_UIDS, and a name that is not in the passwd
 * file is never somebody.  Input: user, NUL, passwd file, NUL, group file.
 */
#include "../property.h"

#include "runner/passwd.h"
#include "runner/place.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct text rest = text_from(bytes, n), user = { 0 }, passwd_file = { 0 };
    struct passwd who = { 0 };
    struct err err = { 0 };

    (void)text_cut(&rest, '\0', &user);
    (void)text_cut(&rest, '\0', &passwd_file);
    if (passwd_resolve(&who, user, passwd_file, rest, &err) != 0) {
        PROPERTY(err.kind == ERR_INVALID);
        return 0;
    }
    PROPERTY(who.uid < PLACE_UIDS && who.gid < PLACE_UIDS);
    PROPERTY(who.group_count <= PASSWD_GROUPS_MAX);
    for (size_t i = 0; i < who.group_count; i++)
        PROPERTY(who.groups[i] < PLACE_UIDS);
    if (passwd_file.n == 0 && user.n > 0)
        PROPERTY(user.p[0] == ':' || (user.p[0] >= '0' && user.p[0] <= '9'));
    return 0;
}
