#include "runner/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/own.h"

#define MAGIC 0x48464a31u /* "HFJ1" */
#define ASIDE JOURNAL_NAME ".new"

struct record {
    uint32_t magic;
    uint32_t crc; /* of all that follows */
    uint64_t sequence;
    uint32_t index;
    uint32_t stopped;
    struct runner_container_state state;
};

static uint32_t
crc_of(const struct record *r)
{
    const unsigned char *p = (const unsigned char *)r + offsetof(struct record, sequence);

    return (uint32_t)crc32(0, p, sizeof(*r) - offsetof(struct record, sequence));
}

static bool
is_good(const struct record *r, const struct runner_group_state *state)
{
    return r->magic == MAGIC && r->crc == crc_of(r) && r->sequence > state->sequence &&
           r->index < state->container_count &&
           strncmp(r->state.name, state->containers[r->index].name, sizeof(r->state.name)) == 0 &&
           memchr(r->state.message, '\0', sizeof(r->state.message)) != NULL;
}

/* Where the last good record ends. */
static int
read_all(int fd, struct runner_group_state *state, uint64_t *end, uint64_t *records,
         struct err *err)
{
    struct record r;

    *end = 0;
    *records = 0;
    for (;;) {
        ssize_t n = pread(fd, &r, sizeof(r), (off_t)*end);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, errno, "cannot read a group's journal");
        if (n != (ssize_t)sizeof(r) || !is_good(&r, state))
            return 0;
        state->sequence = r.sequence;
        state->stopped = r.stopped;
        state->containers[r.index] = r.state;
        *end += sizeof(r);
        (*records)++;
    }
}

int
journal_replay(int dirfd, struct runner_group_state *state, uint64_t *records, struct err *err)
{
    OWN_FD fd = openat(dirfd, JOURNAL_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint64_t end = 0;

    *records = 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, errno, "cannot open a group's journal");
    return read_all(fd, state, &end, records, err);
}

int
journal_open(struct journal *j, int dirfd, struct runner_group_state *state, struct err *err)
{
    uint64_t end = 0, records = 0;

    *j = (struct journal){ .dirfd = dirfd, .fd = -1 };
    j->fd = openat(dirfd, JOURNAL_NAME, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (j->fd < 0)
        return err_sys(err, errno, "cannot open a group's journal");
    if (read_all(j->fd, state, &end, &records, err) != 0)
        return -1;
    if (ftruncate(j->fd, (off_t)end) != 0) /* half a record would hide those behind it */
        return err_sys(err, errno, "cannot cut a group's journal");
    j->size = end;
    return 0;
}

void
journal_close(struct journal *j)
{
    if (j->fd >= 0)
        (void)close(j->fd);
    j->fd = -1;
}

static int
put(int fd, const struct runner_group_state *state, uint32_t index, uint64_t sequence,
    struct err *err)
{
    struct record r = { .magic = MAGIC,
                        .sequence = sequence,
                        .index = index,
                        .stopped = state->stopped,
                        .state = state->containers[index] };

    r.crc = crc_of(&r);
    if (write(fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
        return err_sys(err, errno != 0 ? errno : ENOSPC, "cannot write a group's journal");
    return 0;
}

/* One record per container into a new file, which then takes the old one's place. */
static int
shorten(struct journal *j, const struct runner_group_state *state, struct err *err)
{
    OWN_FD fd = openat(j->dirfd, ASIDE,
                       O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    uint64_t first;

    if (fd < 0 || state->sequence < state->container_count)
        return err_sys(err, errno, "cannot shorten a group's journal");
    first = state->sequence - state->container_count + 1;
    for (uint32_t i = 0; i < state->container_count; i++)
        if (put(fd, state, i, first + i, err) != 0)
            return -1;
    if (renameat(j->dirfd, ASIDE, j->dirfd, JOURNAL_NAME) != 0)
        return err_sys(err, errno, "cannot shorten a group's journal");
    (void)close(j->fd);
    j->fd = give_fd(&fd);
    j->size = state->container_count * sizeof(struct record);
    return 0;
}

int
journal_append(struct journal *j, const struct runner_group_state *state, uint32_t index,
               struct err *err)
{
    if (j->size >= JOURNAL_MAX)
        return shorten(j, state, err);
    if (put(j->fd, state, index, state->sequence, err) != 0) {
        (void)!ftruncate(j->fd, (off_t)j->size);
        return -1;
    }
    j->size += sizeof(struct record);
    return 0;
}
