#include "runner/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/own.h"
#include "runner/launch.h"
#include "runner/place.h"

#define SCRIPT_MAX  (8u * 1024 * 1024)
#define MESSAGE_MAX 512

/* Where clouds answer the machine itself, credentials included, beside 169.254.0.0/16: Azure's wire
 * server, Alibaba's and Oracle's metadata.  Some are the machine's name server too. */
#define MACHINE_SERVICES "168.63.129.16, 100.100.100.200, 192.0.0.192"

/* $T: the tag, $B: the bridge.  The tables are replaced whole: add, delete, add again. */
static const char no_tables[] = "add table inet holdfast_$T\n"
                                "delete table inet holdfast_$T\n"
                                "add table bridge holdfast_$T\n"
                                "delete table bridge holdfast_$T\n";

static const char tables[] =
    "table inet holdfast_$T {\n"
    "  map pub_any { type inet_service : ipv4_addr . inet_service; }\n"
    "  map pub_at { type ipv4_addr . inet_service : ipv4_addr . inet_service; }\n"
    "  chain raw { type filter hook prerouting priority raw; policy accept;\n"
    "    iifname \"$B\" ip daddr 127.0.0.0/8 drop\n"
    "    iifname \"$B\" ip saddr 127.0.0.0/8 drop\n"
    "  }\n"
    "  chain from_group {\n"
    "    meta nfproto ipv6 drop\n"
    "    ct state established,related accept\n"
    "    ct original ip daddr 169.254.0.0/16 drop\n"
    "    ct original ip daddr { " MACHINE_SERVICES
    " } meta l4proto { udp, tcp } th dport != 53 drop\n"
    "    ct status dnat accept\n"
    "    oifname \"$B\" drop\n"
    "    accept\n"
    "  }\n"
    "  chain to_group {\n"
    "    ct state established,related accept\n"
    "    ct status dnat accept\n"
    "    drop\n"
    "  }\n"
    "  chain forward { type filter hook forward priority filter; policy accept;\n"
    "    iifname \"$B\" jump from_group\n"
    "    oifname \"$B\" jump to_group\n"
    "  }\n"
    "  chain input { type filter hook input priority filter; policy accept;\n"
    "    iifname != \"$B\" accept\n"
    "    ct state established,related accept\n"
    "    meta l4proto { udp, tcp } th dport 53 accept\n"
    "    icmp type echo-request accept\n"
    "    drop\n"
    "  }\n"
    "  chain prerouting { type nat hook prerouting priority dstnat; policy accept;\n"
    "    meta l4proto tcp fib daddr type local dnat ip to ip daddr . tcp dport map @pub_at\n"
    "    meta l4proto tcp fib daddr type local dnat ip to tcp dport map @pub_any\n"
    "  }\n"
    "  chain output { type nat hook output priority -100; policy accept;\n"
    "    meta l4proto tcp fib daddr type local dnat ip to ip daddr . tcp dport map @pub_at\n"
    "    meta l4proto tcp fib daddr type local dnat ip to tcp dport map @pub_any\n"
    "  }\n"
    "  chain postrouting { type nat hook postrouting priority srcnat; policy accept;\n"
    "    iifname \"$B\" oifname != \"$B\" masquerade\n"
    "    ip saddr 127.0.0.0/8 oifname \"$B\" masquerade\n"
    "    ct status dnat iifname \"$B\" oifname \"$B\" masquerade\n"
    "  }\n"
    "}\n"
    "table bridge holdfast_$T {\n"
    "  set ports { type ifname . ether_addr . ipv4_addr; }\n"
    "  chain pre { type filter hook prerouting priority 0; policy accept;\n"
    "    iifname != \"hv$T.*\" accept\n"
    "    meta protocol ip iifname . ether saddr . ip saddr @ports accept\n"
    "    meta protocol arp iifname . ether saddr . arp saddr ip @ports accept\n"
    "    drop\n"
    "  }\n"
    "}\n";

static void
put_tables(const struct packet *p, const char *text, struct buf *out)
{
    for (const char *s = text; *s != '\0'; s++) {
        if (s[0] == '$' && (s[1] == 'T' || s[1] == 'B'))
            buf_str(out, *++s == 'T' ? p->tag : p->bridge);
        else
            buf_char(out, *s);
    }
}

static void
put_port(const struct packet *p, const struct packet_group *g, const struct plan_port *port,
         const char *verb, struct buf *out)
{
    static const uint8_t any[4] = { 0 };
    bool everywhere = memcmp(port->host_address, any, 4) == 0;
    char address[16];

    place_address_text(g->address, address);
    buf_printf(out, "%s element inet holdfast_%s %s { ", verb, p->tag,
               everywhere ? "pub_any" : "pub_at");
    if (!everywhere)
        buf_printf(out, "%u.%u.%u.%u . ", port->host_address[0], port->host_address[1],
                   port->host_address[2], port->host_address[3]);
    buf_printf(out, "%u : %s . %u }\n", port->host_port, address, port->container_port);
}

static void
put_group(const struct packet *p, const struct packet_group *g, const char *verb, struct buf *out)
{
    char address[16];

    place_address_text(g->address, address);
    buf_printf(out,
               "%s element bridge holdfast_%s ports { \"%s\" . %02x:%02x:%02x:%02x:%02x:%02x . %s "
               "}\n",
               verb, p->tag, g->link, g->mac[0], g->mac[1], g->mac[2], g->mac[3], g->mac[4],
               g->mac[5], address);
    for (size_t i = 0; i < g->port_count; i++)
        put_port(p, g, &g->ports[i], verb, out);
}

int
packet_find(struct packet *p, struct err *err)
{
    if (launch_find("nft", p->nft, sizeof(p->nft)))
        return 0;
    return err_set(err, ERR_UNSUPPORTED, "there is no nft program: install nftables");
}

/* nft reads its script from a memory file: no pipe that could fill up while nobody reads. */
static pid_t
run(const struct packet *p, const struct buf *script, int *output_fd, struct err *err)
{
    const char *const argv[] = { "nft", "-f", "-", NULL };
    OWN_FD in = memfd_create("nft", MFD_CLOEXEC);
    int out[2];
    pid_t pid;

    if (buf_check(script, err) != 0)
        return -1;
    if (in < 0 || write(in, script->p, script->n) != (ssize_t)script->n ||
        lseek(in, 0, SEEK_SET) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return err_sys(err, errno, "cannot hand nft its rules");
    pid = launch_start(&(struct launch){ .path = p->nft,
                                         .argv = argv,
                                         .in = in,
                                         .out = out[1],
                                         .errors = out[1],
                                         .dies_with_us = true },
                       err);
    (void)close(out[1]);
    if (pid < 0)
        (void)close(out[0]);
    else
        *output_fd = out[0];
    return pid;
}

pid_t
packet_begin(const struct packet *p, const struct packet_group *group, int add, int *output_fd,
             struct err *err)
{
    OWN_BUF(script, SCRIPT_MAX);

    put_group(p, group, add ? "add" : "delete", &script);
    return run(p, &script, output_fd, err);
}

int
packet_end(pid_t pid, int output_fd, struct err *err)
{
    char said[MESSAGE_MAX];
    size_t n = launch_read(output_fd, said, sizeof(said));
    int code = launch_end(pid);
    struct text first = { 0 }, rest = text_from(said, n);

    (void)close(output_fd);
    if (code == 0)
        return 0;
    (void)text_cut(&rest, '\n', &first);
    return err_set(err, ERR_IO, "nft refused the packet rules: %.*s", TEXT_ARG(first));
}

int
packet_load(const struct packet *p, const struct packet_group *groups, size_t n, struct err *err)
{
    OWN_BUF(script, SCRIPT_MAX);
    int output_fd = -1;
    pid_t pid;

    put_tables(p, no_tables, &script);
    put_tables(p, tables, &script);
    for (size_t i = 0; i < n; i++)
        put_group(p, &groups[i], "add", &script);
    pid = run(p, &script, &output_fd, err);
    return pid < 0 ? -1 : packet_end(pid, output_fd, err);
}

int
packet_unload(const struct packet *p, struct err *err)
{
    OWN_BUF(script, SCRIPT_MAX);
    int output_fd = -1;
    pid_t pid;

    put_tables(p, no_tables, &script);
    pid = run(p, &script, &output_fd, err);
    return pid < 0 ? -1 : packet_end(pid, output_fd, err);
}
