/* A slot is a symbolic link slots/N -> ID: taken by making it, which only one can. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "runner/group.h"

static void
slot_name(uint32_t slot, char out[static 16])
{
    (void)snprintf(out, 16, "%u", slot);
}

/* Slots are taken in turn, so that names the kernel is still clearing away are not used at once. */
int
slot_take(struct host *h, const char *id, uint32_t *slot, struct err *err)
{
    char name[16];

    for (uint32_t i = 0; i < PLACE_SLOTS_MAX; i++) {
        uint32_t at = (h->next_slot + i) % PLACE_SLOTS_MAX;

        slot_name(at, name);
        if (symlinkat(id, h->place.slots_fd, name) == 0) {
            h->next_slot = at + 1;
            *slot = at;
            return 0;
        }
        if (errno != EEXIST)
            return err_sys(err, errno, "cannot take a slot for a group");
    }
    return err_set(err, ERR_BUSY, "this runner has its %u groups already", PLACE_SLOTS_MAX);
}

void
slot_give(struct host *h, uint32_t slot)
{
    char name[16];

    slot_name(slot, name);
    if (slot != PLACE_SLOT_NONE)
        (void)unlinkat(h->place.slots_fd, name, 0);
}

uint32_t
slot_of(struct host *h, const char *id)
{
    int fd = openat(h->place.slots_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    uint32_t found = PLACE_SLOT_NONE;
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char target[ID_LEN + 2];
        uint64_t slot = 0;
        ssize_t n = readlinkat(h->place.slots_fd, entry->d_name, target, sizeof(target));

        if (n == ID_LEN && memcmp(target, id, ID_LEN) == 0 &&
            text_to_u64(text_of(entry->d_name), PLACE_SLOTS_MAX - 1, &slot))
            found = (uint32_t)slot;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return found;
}
