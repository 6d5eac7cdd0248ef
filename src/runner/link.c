#include "runner/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>

#include "base/own.h"

#define REQUEST_MAX 1024
#define ANSWER_MAX  16384

/* One socket, one network namespace. */
struct wire {
    struct mnl_socket *nl;
    uint32_t sequence;
};

static void
wire_close(struct wire *w)
{
    if (w->nl != NULL)
        (void)mnl_socket_close(w->nl);
}

#define OWN_WIRE __attribute__((cleanup(wire_close))) struct wire

static int
wire_open(struct wire *w, struct err *err)
{
    w->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (w->nl == NULL || mnl_socket_bind(w->nl, 0, MNL_SOCKET_AUTOPID) < 0)
        return err_sys(err, errno, "cannot open a netlink socket");
    return 0;
}

/* A netlink socket belongs for good to the namespace it was made in: go there, make it, come back.
 * This process has one thread. */
static int
wire_open_in(struct wire *w, int netns_fd, struct err *err)
{
    OWN_FD home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int rc;

    if (home < 0 || setns(netns_fd, CLONE_NEWNET) != 0)
        return err_sys(err, errno, "cannot enter a network namespace");
    rc = wire_open(w, err);
    if (setns(home, CLONE_NEWNET) != 0)
        return err_sys(err, errno, "cannot return from a network namespace");
    return rc;
}

static struct nlmsghdr *
request(struct wire *w, char *bytes, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(bytes);

    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    h->nlmsg_seq = ++w->sequence;
    return h;
}

/* Send, and hand every answer to ${fn}; 0, or -1 with errno: the kernel's verdict. */
static int
talk(struct wire *w, const struct nlmsghdr *h, mnl_cb_t fn, void *self)
{
    char answer[ANSWER_MAX];
    int rc = 1;

    if (mnl_socket_sendto(w->nl, h, h->nlmsg_len) < 0)
        return -1;
    while (rc > 0) {
        ssize_t n = mnl_socket_recvfrom(w->nl, answer, sizeof(answer));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        rc = mnl_cb_run(answer, (size_t)n, h->nlmsg_seq, mnl_socket_get_portid(w->nl), fn, self);
    }
    return rc;
}

static int
acted(struct wire *w, struct nlmsghdr *h)
{
    h->nlmsg_flags |= NLM_F_ACK;
    return talk(w, h, NULL, NULL);
}

static struct ifinfomsg *
link_header(struct nlmsghdr *h, unsigned index, unsigned flags)
{
    struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

    m->ifi_family = AF_UNSPEC;
    m->ifi_index = (int)index;
    m->ifi_flags = flags;
    m->ifi_change = flags;
    return m;
}

static int
index_seen(const struct nlmsghdr *h, void *self)
{
    const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);

    *(unsigned *)self = (unsigned)m->ifi_index;
    return MNL_CB_OK;
}

/* 0 when there is no such interface. */
static unsigned
index_of(struct wire *w, const char *name)
{
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h = request(w, bytes, RTM_GETLINK, NLM_F_ACK);
    unsigned index = 0;

    (void)link_header(h, 0, 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    return talk(w, h, index_seen, &index) == 0 ? index : 0;
}

static int
set_up(struct wire *w, unsigned index)
{
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h = request(w, bytes, RTM_NEWLINK, 0);

    (void)link_header(h, index, IFF_UP);
    return acted(w, h);
}

static int
add_address(struct wire *w, unsigned index, uint32_t address, uint32_t prefix)
{
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h = request(w, bytes, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
    struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    uint32_t mask = prefix == 0 ? 0 : ~0u << (32 - prefix);

    m->ifa_family = AF_INET;
    m->ifa_prefixlen = (uint8_t)prefix;
    m->ifa_index = index;
    mnl_attr_put_u32(h, IFA_LOCAL, htonl(address));
    mnl_attr_put_u32(h, IFA_ADDRESS, htonl(address));
    mnl_attr_put_u32(h, IFA_BROADCAST, htonl(address | ~mask));
    return acted(w, h);
}

static int
add_default_route(struct wire *w, unsigned index, uint32_t gateway)
{
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h = request(w, bytes, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

    m->rtm_family = AF_INET;
    m->rtm_table = RT_TABLE_MAIN;
    m->rtm_protocol = RTPROT_STATIC;
    m->rtm_scope = RT_SCOPE_UNIVERSE;
    m->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(h, RTA_GATEWAY, htonl(gateway));
    mnl_attr_put_u32(h, RTA_OIF, index);
    return acted(w, h);
}

static int
make_bridge(struct wire *w, const char *name)
{
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h = request(w, bytes, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct nlattr *kind;

    (void)link_header(h, 0, 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    kind = mnl_attr_nest_start(h, IFLA_LINKINFO);
    mnl_attr_put_strz(h, IFLA_INFO_KIND, "bridge");
    mnl_attr_nest_end(h, kind);
    return acted(w, h);
}

int
link_bridge(const char *name, uint32_t address, uint32_t prefix, struct err *err)
{
    OWN_WIRE w = { 0 };
    unsigned index;

    if (wire_open(&w, err) != 0)
        return -1;
    index = index_of(&w, name);
    if (index == 0 && make_bridge(&w, name) != 0)
        return err_sys(err, errno, "cannot make the bridge %s", name);
    if (index == 0)
        index = index_of(&w, name);
    if (index == 0 || add_address(&w, index, address, prefix) != 0 || set_up(&w, index) != 0)
        return err_sys(err, errno, "cannot set up the bridge %s", name);
    return 0;
}

/* IFF_UP inside the peer's part would give ENOTCONN: it is set up afterwards, from inside. */
static int
make_veth(struct wire *w, const struct link_attach *a, unsigned bridge)
{
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h = request(w, bytes, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct nlattr *kind, *data, *peer;

    (void)link_header(h, 0, 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, a->name);
    mnl_attr_put_u32(h, IFLA_MASTER, bridge);
    kind = mnl_attr_nest_start(h, IFLA_LINKINFO);
    mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
    data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
    peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
    (void)link_header(h, 0, 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, "eth0");
    mnl_attr_put(h, IFLA_ADDRESS, sizeof(a->mac), a->mac);
    mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)a->netns_fd);
    mnl_attr_nest_end(h, peer);
    mnl_attr_nest_end(h, data);
    mnl_attr_nest_end(h, kind);
    return acted(w, h);
}

/* An isolated port talks to the bridge only, never to another isolated port. */
static int
isolate_port(struct wire *w, unsigned index)
{
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h = request(w, bytes, RTM_SETLINK, 0);
    struct ifinfomsg *m = link_header(h, index, 0);
    struct nlattr *port;

    m->ifi_family = AF_BRIDGE;
    port = mnl_attr_nest_start(h, IFLA_PROTINFO);
    mnl_attr_put_u8(h, IFLA_BRPORT_ISOLATED, 1);
    mnl_attr_nest_end(h, port);
    return acted(w, h);
}

static int
set_up_inside(const struct link_attach *a, struct err *err)
{
    OWN_WIRE w = { 0 };
    unsigned index;

    if (wire_open_in(&w, a->netns_fd, err) != 0)
        return -1;
    index = index_of(&w, "eth0");
    if (index == 0 || set_up(&w, index_of(&w, "lo")) != 0 || set_up(&w, index) != 0 ||
        add_address(&w, index, a->address, a->prefix) != 0 ||
        add_default_route(&w, index, a->gateway) != 0)
        return err_sys(err, errno, "cannot set up the network of a group");
    return 0;
}

int
link_attach(const struct link_attach *a, struct err *err)
{
    OWN_WIRE w = { 0 };
    unsigned bridge, index;

    if (wire_open(&w, err) != 0)
        return -1;
    bridge = index_of(&w, a->bridge);
    if (bridge == 0)
        return err_set(err, ERR_IO, "the bridge %s is gone: restart the runner", a->bridge);
    if (make_veth(&w, a, bridge) != 0) {
        /* A group deleted a moment ago had this slot, and the kernel is still at it. */
        if (errno != EEXIST || link_delete(a->name, err) != 0 || make_veth(&w, a, bridge) != 0)
            return err_sys(err, errno, "cannot make the veth pair %s", a->name);
    }
    index = index_of(&w, a->name);
    if (index == 0 || isolate_port(&w, index) != 0)
        return err_sys(err, errno, "cannot isolate the port %s", a->name);
    if (set_up_inside(a, err) != 0)
        return -1;
    if (set_up(&w, index) != 0)
        return err_sys(err, errno, "cannot set up %s", a->name);
    return 0;
}

int
link_delete(const char *name, struct err *err)
{
    OWN_WIRE w = { 0 };
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h;

    if (wire_open(&w, err) != 0)
        return -1;
    h = request(&w, bytes, RTM_DELLINK, 0);
    (void)link_header(h, 0, 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    if (acted(&w, h) != 0 && errno != ENODEV)
        return err_sys(err, errno, "cannot remove the interface %s", name);
    return 0;
}

/* ---- looking ---- */

/* mnl_attr_for_each() without its careless conversions. */
static const struct nlattr *
first_attr(const struct nlmsghdr *h, size_t offset)
{
    return mnl_nlmsg_get_payload_offset(h, offset);
}

static bool
has_attr(const struct nlmsghdr *h, const struct nlattr *attr)
{
    return mnl_attr_ok(attr,
                       (int)((const char *)mnl_nlmsg_get_payload_tail(h) - (const char *)attr));
}

struct seen {
    const char *prefix;
    void (*fn)(void *self, const char *name);
    void *self;
};

static int
link_seen(const struct nlmsghdr *h, void *self)
{
    const struct seen *s = self;
    const struct nlattr *attr;

    for (attr = first_attr(h, sizeof(struct ifinfomsg)); has_attr(h, attr);
         attr = mnl_attr_next(attr)) {
        if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
            strncmp(mnl_attr_get_str(attr), s->prefix, strlen(s->prefix)) == 0)
            s->fn(s->self, mnl_attr_get_str(attr));
    }
    return MNL_CB_OK;
}

int
link_each(const char *prefix, void (*fn)(void *self, const char *name), void *self, struct err *err)
{
    struct seen seen = { prefix, fn, self };
    OWN_WIRE w = { 0 };
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h;

    if (wire_open(&w, err) != 0)
        return -1;
    h = request(&w, bytes, RTM_GETLINK, NLM_F_DUMP);
    (void)link_header(h, 0, 0);
    if (talk(&w, h, link_seen, &seen) != 0)
        return err_sys(err, errno, "cannot list the network interfaces");
    return 0;
}

struct overlap {
    uint32_t network, prefix;
    bool found;
};

static int
route_seen(const struct nlmsghdr *h, void *self)
{
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    struct overlap *o = self;
    const struct nlattr *attr;
    uint32_t shorter = m->rtm_dst_len < o->prefix ? m->rtm_dst_len : o->prefix;
    uint32_t mask = shorter == 0 ? 0 : ~0u << (32 - shorter);

    for (attr = first_attr(h, sizeof(*m)); has_attr(h, attr); attr = mnl_attr_next(attr)) {
        if (mnl_attr_get_type(attr) == RTA_DST && m->rtm_dst_len > 0 &&
            ((ntohl(mnl_attr_get_u32(attr)) ^ o->network) & mask) == 0)
            o->found = true;
    }
    return MNL_CB_OK;
}

int
link_route_overlaps(uint32_t network, uint32_t prefix, bool *out, struct err *err)
{
    struct overlap o = { network, prefix, false };
    OWN_WIRE w = { 0 };
    char bytes[REQUEST_MAX];
    struct nlmsghdr *h;
    struct rtmsg *m;

    if (wire_open(&w, err) != 0)
        return -1;
    h = request(&w, bytes, RTM_GETROUTE, NLM_F_DUMP);
    m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->rtm_family = AF_INET;
    if (talk(&w, h, route_seen, &o) != 0)
        return err_sys(err, errno, "cannot list the routes");
    *out = o.found;
    return 0;
}
