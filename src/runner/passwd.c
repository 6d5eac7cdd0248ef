#include "runner/passwd.h"

#include "runner/place.h"

#define FIELDS 7

/* One line split at ':'; what is missing is empty. */
static void
split(struct text line, struct text field[static FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++) {
        field[i] = (struct text){ 0 };
        (void)text_cut(&line, ':', &field[i]);
    }
}

static bool
is_id(struct text t, uint32_t *id)
{
    uint64_t v = 0;

    if (t.n == 0 || !text_to_u64(t, PLACE_UIDS - 1, &v))
        return false;
    *id = (uint32_t)v;
    return true;
}

static bool
all_digits(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
    return t.n > 0;
}

/* name:password:uid:gid:gecos:home:shell, found by name or by number. */
static bool
find_user(struct text file, struct text name, bool by_number, struct passwd *out,
          struct text *found)
{
    struct text line, field[FIELDS];
    uint32_t uid = 0, gid = 0;

    while (text_cut(&file, '\n', &line)) {
        split(line, field);
        if (!is_id(field[2], &uid) || !is_id(field[3], &gid))
            continue;
        if (by_number ? uid != out->uid : !text_equal(field[0], name))
            continue;
        out->uid = uid;
        out->gid = gid;
        out->home = field[5];
        *found = field[0];
        return true;
    }
    return false;
}

/* name:password:gid:user,user */
static bool
find_group(struct text file, struct text name, uint32_t *gid)
{
    struct text line, field[FIELDS];

    while (text_cut(&file, '\n', &line)) {
        split(line, field);
        if (text_equal(field[0], name) && is_id(field[2], gid))
            return true;
    }
    return false;
}

static bool
is_member(struct text members, struct text user)
{
    struct text one;

    while (text_cut(&members, ',', &one))
        if (text_equal(one, user))
            return true;
    return false;
}

static void
add_groups(struct text file, struct text user, struct passwd *out)
{
    struct text line, field[FIELDS];
    uint32_t gid = 0;

    while (out->group_count < PASSWD_GROUPS_MAX && text_cut(&file, '\n', &line)) {
        split(line, field);
        if (is_member(field[3], user) && is_id(field[2], &gid) && gid != out->gid)
            out->groups[out->group_count++] = gid;
    }
}

static int
resolve_user(struct passwd *who, struct text user, struct text passwd_file, struct text *name,
             struct err *err)
{
    if (user.n == 0 || all_digits(user)) {
        if (user.n > 0 && !is_id(user, &who->uid))
            return err_set(err, ERR_INVALID, "the user %.*s is out of range", TEXT_ARG(user));
        (void)find_user(passwd_file, user, true, who, name);
        return 0;
    }
    if (!find_user(passwd_file, user, false, who, name))
        return err_set(err, ERR_INVALID, "the image has no user %.*s", TEXT_ARG(user));
    return 0;
}

int
passwd_resolve(struct passwd *out, struct text user, struct text passwd_file,
               struct text group_file, struct err *err)
{
    struct passwd who = { 0 };
    struct text group = user, part = { 0 }, name = { 0 };
    bool has_group = text_find(user, ':') >= 0;

    (void)text_cut(&group, ':', &part);
    if (resolve_user(&who, part, passwd_file, &name, err) != 0)
        return -1;
    if (has_group && all_digits(group)) {
        if (!is_id(group, &who.gid))
            return err_set(err, ERR_INVALID, "the group %.*s is out of range", TEXT_ARG(group));
    } else if (has_group && group.n > 0) {
        if (!find_group(group_file, group, &who.gid))
            return err_set(err, ERR_INVALID, "the image has no group %.*s", TEXT_ARG(group));
    }
    if (!has_group && name.n > 0)
        add_groups(group_file, name, &who);
    *out = who;
    return 0;
}
