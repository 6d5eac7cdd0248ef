#include "base/secret.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/mem.h"

struct secret {
    size_t n;
    size_t mapped; /* bytes of the mapping that holds this struct */
    unsigned char bytes[];
};

struct secret *
secret_new(const void *p, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t mapped = (sizeof(struct secret) + n + page - 1) / page * page;
    struct secret *s =
        mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (s == MAP_FAILED)
        return NULL;
    /* Best effort: RLIMIT_MEMLOCK may be small; a secret that swaps beats a daemon that stops. */
    (void)mlock(s, mapped);
    (void)madvise(s, mapped, MADV_DONTDUMP);
    (void)madvise(s, mapped, MADV_WIPEONFORK);
    s->n = n;
    s->mapped = mapped;
    if (p != NULL && n > 0)
        memcpy(s->bytes, p, n);
    return s;
}

struct secret *
secret_random(size_t n)
{
    struct secret *s = secret_new(NULL, n);

    if (s != NULL && getrandom(s->bytes, n, 0) != (ssize_t)n) {
        secret_free(s);
        return NULL;
    }
    return s;
}

void
secret_free(struct secret *s)
{
    if (s == NULL)
        return;
    mem_wipe(s->bytes, s->n);
    (void)munmap(s, s->mapped);
}

struct text
secret_view(const struct secret *s)
{
    return text_from(s->bytes, s->n);
}

unsigned char *
secret_bytes(struct secret *s)
{
    return s->bytes;
}

bool
secret_equal(struct text a, struct text b)
{
    unsigned diff = a.n != b.n;
    size_t n = a.n < b.n ? a.n : b.n;

    for (size_t i = 0; i < n; i++)
        diff |= (uint8_t)a.p[i] ^ (uint8_t)b.p[i];
    return diff == 0;
}
