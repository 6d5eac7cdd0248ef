/*
 * passwd.h - who "www:adm" is, by the passwd and group files of an image (passwd(5), group(5)).
 *
 * The files are hostile: lines that do not parse are passed over, nothing is read twice.
 *
 * Invariants:
 *   W1  numbers never need the files; names not in them are ERR_INVALID, never root by accident;
 *   W2  ids are below PLACE_UIDS: the group's user namespace has no others.
 */
#ifndef RUNNER_PASSWD_H
#define RUNNER_PASSWD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define PASSWD_GROUPS_MAX 32
#define PASSWD_BYTES_MAX  (256u * 1024) /* of each file; the rest is ignored */

struct passwd {
    uint32_t uid, gid;
    uint32_t groups[PASSWD_GROUPS_MAX]; /* additional ones, when the user was a name */
    size_t group_count;
    struct text home; /* borrowed from the passwd file; empty when not known */
};

/* passwd_resolve(out, user, passwd, group, err): ${user} as in an image's config. */
MUST_CHECK int passwd_resolve(struct passwd *out, struct text user, struct text passwd_file,
                              struct text group_file, struct err *err);

#endif /* RUNNER_PASSWD_H */
