#include "runner/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/text.h"

#define LOCK_TRIES 100 /* of 50 ms: a killed runner's last children may still be dying */

int
place_folder(int dirfd, const char *name, mode_t mode, struct err *err)
{
    int fd;

    if (mkdirat(dirfd, name, mode) != 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make the folder %s", name);
    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_sys(err, errno, "cannot open the folder %s", name);
    if (fchmod(fd, mode) != 0) { /* whatever the umask was */
        (void)close(fd);
        return err_sys(err, errno, "cannot set the mode of %s", name);
    }
    return fd;
}

/* Parents are made 0755; a link in the given path is the operator's own decision. */
static int
open_path(const char *path, mode_t mode, struct err *err)
{
    char part[PLACE_PATH_MAX];
    int fd;

    for (size_t i = 1; path[i] != '\0'; i++) {
        if (path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return err_sys(err, errno, "cannot make the folder %s", part);
    }
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return err_sys(err, errno, "cannot make the folder %s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, mode) != 0) {
        int saved = errno;

        if (fd >= 0)
            (void)close(fd);
        return err_sys(err, saved, "cannot open the folder %s", path);
    }
    return fd;
}

static int
take_lock(struct place *p, struct err *err)
{
    static const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };

    p->lock_fd = openat(p->state_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->lock_fd < 0)
        return err_sys(err, errno, "cannot open %s/lock", p->state);
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(p->lock_fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        (void)nanosleep(&pause, NULL);
    }
    return err_set(err, ERR_CONFLICT, "another runner works on %s", p->state);
}

int
place_open(struct place *p, struct err *err)
{
    OWN_FD run_fd = -1;
    char real[PATH_MAX];

    p->layers_fd = p->slots_fd = p->trash_fd = p->groups_fd = p->run_groups_fd = p->lock_fd = -1;
    p->state_fd = open_path(p->state, 0711, err);
    if (p->state_fd < 0)
        return -1;
    run_fd = open_path(p->run, 0711, err);
    if (run_fd < 0 || take_lock(p, err) != 0)
        return -1;
    if (realpath(p->state, real) == NULL)
        return err_sys(err, errno, "cannot resolve %s", p->state);
    (void)snprintf(p->tag, sizeof(p->tag), "%06x",
                   (unsigned)(text_hash(text_of(real), 0x686f6c64u) & 0xffffff));
    p->layers_fd = place_folder(p->state_fd, "layers", 0700, err);
    p->slots_fd = place_folder(p->state_fd, "slots", 0700, err);
    p->trash_fd = place_folder(p->state_fd, "trash", 0700, err);
    p->groups_fd = place_folder(p->state_fd, "groups", 0711, err);
    p->run_groups_fd = place_folder(run_fd, "g", 0711, err);
    return err->kind == ERR_OK ? 0 : -1;
}

uint32_t
place_slot_uid(const struct place *p, uint32_t slot)
{
    return p->uid_base + slot * PLACE_UIDS;
}

uint32_t
place_slot_address(const struct place *p, uint32_t slot)
{
    return p->subnet + 2 + slot; /* .0.0 is the network, .0.1 the bridge */
}

void
place_address_text(uint32_t address, char out[static 16])
{
    (void)snprintf(out, 16, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
                   address & 0xff);
}

int
place_file_write(int dirfd, const char *name, const void *p, size_t n, mode_t mode, struct err *err)
{
    const char *bytes = p;
    char aside[80];
    OWN_FD fd = -1;

    (void)snprintf(aside, sizeof(aside), "%s.new", name);
    fd = openat(dirfd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 || fchmod(fd, mode) != 0)
        return err_sys(err, errno, "cannot make the file %s", name);
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_sys(err, errno, "cannot write the file %s", name);
        bytes += done;
        n -= (size_t)done;
    }
    if (renameat(dirfd, aside, dirfd, name) != 0)
        return err_sys(err, errno, "cannot name the file %s", name);
    return 0;
}

ssize_t
place_file_read(int dirfd, const char *name, void *out, size_t cap, struct err *err)
{
    OWN_FD fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t got = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, errno, "cannot open the file %s", name);
    while (got < cap) {
        ssize_t n = read(fd, (char *)out + got, cap - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, errno, "cannot read the file %s", name);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}
