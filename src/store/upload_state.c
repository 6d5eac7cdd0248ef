#include "store/upload_state.h"

#include <errno.h>
#include <string.h>

#include "base/number.h"
#include "store/disk.h"

#define HEADER   24
#define CHECKSUM (UPLOAD_SLOT - 32)

static const uint8_t magic[4] = { 'H', 'F', 'U', '1' };

_Static_assert(HEADER + HASHER_SAVED_MAX <= CHECKSUM, "a hash record must fit into its slot");

/* Take the slot into ${s} when it is whole and newer than what ${s} has. */
static void
take_slot(const uint8_t *slot, struct upload_state *s)
{
    uint64_t sequence = number_get(slot + 8, 8);
    size_t n = (size_t)number_get(slot + 4, 4);
    struct digest sum;
    struct err err = { 0 };

    if (memcmp(slot, magic, sizeof(magic)) != 0 || sequence <= s->sequence || n > CHECKSUM - HEADER)
        return;
    hasher_of(DIGEST_SHA256, slot, CHECKSUM, &sum);
    if (memcmp(sum.bytes, slot + CHECKSUM, 32) != 0)
        return;
    s->sequence = sequence;
    s->kept = number_get(slot + 16, 8);
    s->hash_lost = hasher_restore(&s->hash, slot + HEADER, n, &err) < 0 || s->hash.size != s->kept;
}

int
upload_state_read(const struct disk_ops *disk, int fd, struct upload_state *s)
{
    uint8_t slots[2 * UPLOAD_SLOT] = { 0 };
    ssize_t r = disk->read(fd, slots, sizeof(slots), 0);

    if (r < 0)
        return (int)r;
    *s = (struct upload_state){ 0 };
    take_slot(slots, s);
    take_slot(slots + UPLOAD_SLOT, s);
    return 0;
}

int
upload_state_write(const struct disk_ops *disk, int fd, const struct upload_state *s)
{
    uint8_t slot[UPLOAD_SLOT] = { 0 };
    struct digest sum;
    ssize_t r;

    memcpy(slot, magic, sizeof(magic));
    number_put(slot + 8, s->sequence, 8);
    number_put(slot + 16, s->kept, 8);
    number_put(slot + 4, hasher_save(&s->hash, slot + HEADER), 4);
    hasher_of(DIGEST_SHA256, slot, CHECKSUM, &sum);
    memcpy(slot + CHECKSUM, sum.bytes, 32);
    r = disk->write(fd, slot, sizeof(slot), (off_t)(s->sequence % 2 * UPLOAD_SLOT));
    if (r != (ssize_t)sizeof(slot))
        return r < 0 ? (int)r : -EIO;
    return disk->datasync(fd);
}
