/*
 * place.h - where one runner keeps its things, and the names it may use on this machine.
 *
 * Everything a runner makes carries its tag (derived from its state folder), so that several
 * runners share a machine and none ever touches what it did not make.
 *
 *   STATE/            0711          RUN/              0711
 *     lock                            g/ID/           0711, per group
 *     subnet, runtime  choices kept     control       the supervisor's socket
 *     layers/  0700   sha256-HEX/       etc/          resolv.conf, hosts, hostname
 *     slots/   0700   N -> ID           c0/ c1/ ...   bundle: config.json, rootfs (mount point)
 *     trash/   0700                     l/            mount points of idmapped layers
 *     groups/  0711   ID/               rt/           the runtime's own state
 *       plan, ready, deleting, journal, supervisor.log, logs/ c0/ c1/ ...
 */
#ifndef RUNNER_PLACE_H
#define RUNNER_PLACE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/id.h"
#include "base/own.h"

#define PLACE_PATH_MAX  200 /* of the state and run folders */
#define PLACE_TAG_LEN   6
#define PLACE_UID_BASE  0x70000000u /* beside every range systemd.org/UIDS-GIDS.html hands out */
#define PLACE_UIDS      65536u      /* of one group */
#define PLACE_SLOTS_MAX 4096u
#define PLACE_SLOT_NONE UINT32_MAX

struct place {
    char state[PLACE_PATH_MAX];
    char run[PLACE_PATH_MAX];
    char libexec[PLACE_PATH_MAX]; /* where our other programs are */
    char tag[PLACE_TAG_LEN + 1];
    uint32_t uid_base;
    uint32_t subnet; /* of the bridge, host order; /16 */
    int state_fd;
    int layers_fd;
    int slots_fd;
    int trash_fd;
    int groups_fd;
    int run_groups_fd;
    int lock_fd;
};

/* place_open(p, err): make and open the folders named in ${p}, and take the lock; for good. */
MUST_CHECK int place_open(struct place *p, struct err *err);

uint32_t place_slot_uid(const struct place *p, uint32_t slot);     /* first uid of the group */
uint32_t place_slot_address(const struct place *p, uint32_t slot); /* host order */
void place_address_text(uint32_t address, char out[static 16]);

/* place_file_write(dirfd, name, p, n, mode, err): a whole file, or none: written aside, renamed. */
MUST_CHECK int place_file_write(int dirfd, const char *name, const void *p, size_t n, mode_t mode,
                                struct err *err);

/* place_file_read(dirfd, name, out, cap, err): bytes read, 0 also when absent; at most cap. */
MUST_CHECK ssize_t place_file_read(int dirfd, const char *name, void *out, size_t cap,
                                   struct err *err);

/* place_folder(dirfd, name, mode, err): make it if it is not there; an open descriptor. */
MUST_CHECK int place_folder(int dirfd, const char *name, mode_t mode, struct err *err);

#endif /* RUNNER_PLACE_H */
