#include "runner/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

#define PREFIX       16
#define FIRST_CHOICE 213 /* 10.213.0.0/16 and on: away from what docker, podman and VPNs take */

static bool
parse_subnet(struct text t, uint32_t *out)
{
    uint64_t part[4] = { 0 };
    struct text piece, rest = t;

    if (!text_ends(t, ".0.0/16"))
        return false;
    for (int i = 0; i < 2; i++)
        if (!text_cut(&rest, '.', &piece) || !text_to_u64(piece, 255, &part[i]))
            return false;
    if (!text_is(rest, "0.0/16") || part[0] == 0 || part[0] == 127 || part[0] >= 224)
        return false;
    *out = (uint32_t)(part[0] << 24 | part[1] << 16);
    return true;
}

static int
choose(struct host *h, struct err *err)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t subnet = 10u << 24 | (FIRST_CHOICE + i) % 256 << 16;
        bool taken = true;

        if (link_route_overlaps(subnet, PREFIX, &taken, err) != 0)
            return -1;
        if (!taken) {
            h->place.subnet = subnet;
            return 0;
        }
    }
    return err_set(err, ERR_CONFLICT, "no free subnet in 10.0.0.0/8: give one with --subnet");
}

static int
keep_subnet(struct host *h, const char *wanted, struct err *err)
{
    char bytes[32], address[16];
    ssize_t n = place_file_read(h->place.state_fd, "subnet", bytes, sizeof(bytes), err);
    uint32_t kept = 0;

    if (n < 0)
        return -1;
    if (wanted != NULL) {
        if (!parse_subnet(text_of(wanted), &h->place.subnet))
            return err_set(err, ERR_INVALID, "--subnet takes A.B.0.0/16, not %s", wanted);
    } else if (parse_subnet(text_trim(text_from(bytes, (size_t)n)), &kept)) {
        h->place.subnet = kept;
    } else if (choose(h, err) != 0) {
        return -1;
    }
    place_address_text(h->place.subnet, address);
    n = snprintf(bytes, sizeof(bytes), "%s/%d", address, PREFIX);
    return place_file_write(h->place.state_fd, "subnet", bytes, (size_t)n, 0644, err);
}

static int
set_sysctl(const char *path, const char *value, struct err *err)
{
    OWN_FD fd = open(path, O_RDWR | O_CLOEXEC);
    char now = 0;

    if (fd >= 0 && read(fd, &now, 1) == 1 && now == value[0])
        return 0;
    if (fd < 0 || pwrite(fd, value, strlen(value), 0) < 0)
        return err_sys(err, errno, "cannot set %s to %s", path, value);
    return 0;
}

int
network_up(struct host *h, const char *wanted, struct err *err)
{
    char path[96];

    (void)snprintf(h->bridge, sizeof(h->bridge), "hf%s", h->place.tag);
    h->packet.tag = h->place.tag;
    h->packet.bridge = h->bridge;
    if (packet_find(&h->packet, err) != 0 || keep_subnet(h, wanted, err) != 0 ||
        link_bridge(h->bridge, h->place.subnet + 1, PREFIX, err) != 0)
        return -1;
    if (set_sysctl("/proc/sys/net/ipv4/ip_forward", "1", err) != 0)
        return -1;
    /* Ports published on 127.0.0.1 are routed from there; packet.c drops the way back in. */
    (void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/route_localnet", h->bridge);
    if (set_sysctl(path, "1", err) != 0)
        return -1;
    (void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", h->bridge);
    (void)set_sysctl(path, "1", &(struct err){ 0 }); /* none, where the kernel has no IPv6 */
    return 0;
}
