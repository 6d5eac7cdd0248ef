#include "gateway/space.h"

#include <string.h>

#include "base/mem.h"

struct space *
space_new(size_t arena_limit)
{
    OWN(space) s = mem_zalloc(sizeof(*s));

    if (s == NULL)
        return NULL;
    s->x.answer.fd = -1;
    s->out.max = SPACE_HEAD_MAX;
    if ((s->arena = arena_new(arena_limit)) == NULL)
        return NULL;
    return GIVE(s);
}

void
space_free(struct space *s)
{
    if (s == NULL)
        return;
    answer_done(&s->x.answer);
    buf_done(&s->out);
    arena_free(s->arena);
    mem_free(s);
}

void
space_reset(struct space *s)
{
    answer_done(&s->x.answer);
    memset(&s->x, 0, sizeof(s->x));
    s->x.answer.fd = -1;
    arena_reset(s->arena);
}
