/* own.h - ownership you can see: the declaration says who frees. */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <errno.h>
#include <unistd.h>

/* OWN(type): this local owns the object; type##_free() runs when it goes out of scope. */
#define OWN(type) __attribute__((cleanup(type##_own_cleanup_))) struct type *

/* DEFINE_OWN(type): once, next to the prototype of type##_free() in the module's header. */
#define DEFINE_OWN(type)                                                                           \
    static inline void type##_own_cleanup_(struct type **p) { type##_free(*p); }                   \
    struct type

/* GIVE(p): the pointer leaves this scope; the local forgets it. */
#define GIVE(p)                                                                                    \
    (__extension__({                                                                               \
        __typeof__(p) *own_p_ = &(p);                                                              \
        __typeof__(p) own_v_ = *own_p_;                                                            \
        *own_p_ = NULL;                                                                            \
        own_v_;                                                                                    \
    }))

/* OWN_FD: a descriptor closed at scope end; -1 means none.  errno survives. */
#define OWN_FD __attribute__((cleanup(own_fd_cleanup_))) int

static inline void
own_fd_cleanup_(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd);
    errno = saved;
}

/* give_fd(fd): as GIVE() for a descriptor. */
static inline int
give_fd(int *fd)
{
    int v = *fd;

    *fd = -1;
    return v;
}

#endif /* BASE_OWN_H */
