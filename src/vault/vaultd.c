/*
 * holdfast-vaultd - the process that holds the keys.
 *
 * Descriptor 3 is its channel to holdfastd; it ends when the channel does.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "crypto/key.h"
#include "vault/sandbox.h"
#include "vault/signer.h"

#define CHANNEL_FD   3
#define FOLDER       "vault"
#define LOCKED_BYTES ((size_t)64 * 1024) /* room for the numbers of all its keys */

struct options {
    const char *data;
    bool change_user;
    uid_t uid;
    gid_t gid;
};

static const char usage[] =
    "usage: holdfast-vaultd --data DIR [--uid UID --gid GID]\n"
    "Holds the keys of Holdfast in DIR/vault.  It is started by holdfastd, which speaks to it on\n"
    "descriptor 3; there is no reason to start it by hand.\n";

static bool
parse_id(const char *s, unsigned *out)
{
    uint64_t v;

    if (!text_to_u64(text_of(s), UINT_MAX - 1, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

static bool
parse_options(int argc, char **argv, struct options *o)
{
    static const struct option words[] = {
        { "data", required_argument, NULL, 'd' },
        { "uid", required_argument, NULL, 'u' },
        { "gid", required_argument, NULL, 'g' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool uid = false, gid = false;
    int c;

    while ((c = getopt_long(argc, argv, "", words, NULL)) >= 0) {
        if (c == 'd')
            o->data = optarg;
        else if (c == 'u')
            uid = parse_id(optarg, &o->uid);
        else if (c == 'g')
            gid = parse_id(optarg, &o->gid);
        else
            return false;
    }
    o->change_user = uid && gid && geteuid() == 0;
    return o->data != NULL && uid == gid && optind == argc;
}

/* Return a descriptor of DIR/vault, made if need be and owned by who will use it. */
static int
open_folder(const struct options *o, struct err *err)
{
    OWN_FD data = open(o->data, O_PATH | O_DIRECTORY | O_CLOEXEC);
    OWN_FD fd = -1;

    if (data < 0)
        return err_sys(err, errno, "cannot open the data folder %s", o->data);
    if (mkdirat(data, FOLDER, 0700) != 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make the folder %s/%s", o->data, FOLDER);
    fd = openat(data, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0700) != 0 || (o->change_user && fchown(fd, o->uid, o->gid) != 0))
        return err_sys(err, errno, "cannot open the folder %s/%s", o->data, FOLDER);
    return give_fd(&fd);
}

static int
run(const struct options *o, struct err *err)
{
    OWN_FD folder = open_folder(o, err);

    if (folder < 0)
        return -1;
    if (o->change_user && sandbox_drop_user(o->uid, o->gid, err) < 0)
        return -1;
    key_lock_memory(LOCKED_BYTES);
    if (sandbox_enter(err) < 0)
        return -1;
    return signer_serve(CHANNEL_FD, folder, NULL, err);
}

int
main(int argc, char **argv)
{
    struct options o = { NULL, false, 0, 0 };
    struct err err = { 0 };

    if (!parse_options(argc, argv, &o)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    log_start("vaultd", LOG_LEVEL_INFO);
    if (run(&o, &err) == 0)
        _exit(0); /* nothing is left to do: whatever exit() would run needs more than the sandbox */
    log_err(LOG_LEVEL_ERROR, "the key service ends", NULL, &err);
    _exit(1);
}
