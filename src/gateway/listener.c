#include "gateway/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"

#define BACKLOG 1024

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

static int
find_address(const struct gateway_listener *what, union address *out, socklen_t *n, struct err *err)
{
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char port[8];
    int rc;

    (void)snprintf(port, sizeof(port), "%u", (unsigned)what->port);
    if ((rc = getaddrinfo(what->host, port, &hints, &found)) != 0)
        return err_set(err, ERR_INVALID, "cannot listen on \"%s\": %s", what->host,
                       gai_strerror(rc));
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *n = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static void
set_option(int fd, int level, int option)
{
    int on = 1;

    (void)setsockopt(fd, level, option, &on, sizeof(on));
}

/* Return a bound socket, or -1 with errno. */
static int
bind_socket(const union address *address, socklen_t n, bool shared)
{
    OWN_FD fd =
        socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (shared)
        set_option(fd, SOL_SOCKET, SO_REUSEPORT);
    if (address->any.sa_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY); /* accepted sockets inherit it */
    return bind(fd, &address->any, n) == 0 ? give_fd(&fd) : -1;
}

static int
failure(const struct gateway_listener *what, struct err *err)
{
    int why = errno;

    if (what->optional && (why == EAFNOSUPPORT || why == EADDRNOTAVAIL))
        return 1;
    return err_sys(err, why, "cannot listen on %s port %u: %s", what->host, (unsigned)what->port,
                   strerrordesc_np(why));
}

/* SO_REUSEPORT would silently share a port with another server of ours: ask without it first. */
static int
take_port(const struct gateway_listener *what, union address *address, socklen_t n, int *first,
          struct err *err)
{
    OWN_FD probe = bind_socket(address, n, false);
    union address bound;
    socklen_t bound_n = sizeof(bound);

    if (probe < 0 || (what->port != 0 && listen(probe, 1) != 0) ||
        getsockname(probe, &bound.any, &bound_n) != 0)
        return failure(what, err);
    *address = bound;
    (void)close(give_fd(&probe));
    *first = bind_socket(address, n, true);
    return *first < 0 ? failure(what, err) : 0;
}

static uint16_t
port_of(const union address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->in6.sin6_port
                                                    : address->in.sin_port);
}

int
listener_open(const struct gateway_listener *what, int *fds, size_t n, uint16_t *port,
              struct err *err)
{
    union address address;
    socklen_t address_n = 0;
    int first = -1, rc;

    if (find_address(what, &address, &address_n, err) != 0)
        return what->optional ? (err_clear(err), 1) : -1;
    if ((rc = take_port(what, &address, address_n, &first, err)) != 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        int fd = i == 0 ? first : bind_socket(&address, address_n, true);

        fds[i] = fd;
        if (fd >= 0 && listen(fd, BACKLOG) == 0)
            continue;
        rc = failure(what, err);
        for (size_t k = 0; k <= i; k++)
            if (fds[k] >= 0)
                (void)close(fds[k]);
        return rc < 0 ? rc : err_set(err, ERR_IO, "cannot listen on %s", what->host);
    }
    *port = port_of(&address);
    return 0;
}
