/*
 * G1: a packet of any bytes is refused, or every text in it ends inside it and its length is the
 * one its type has.
 */
#include "../property.h"
#include <string.h>

#include "runner/message.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct runner_packet packet;
    struct err err = { 0 };

    if (n > sizeof(packet))
        return 0;
    memset(&packet, 0xff, sizeof(packet)); /* what was not received must not be believed */
    memcpy(&packet, bytes, n);
    if (message_check(&packet, n, &err) != 0) {
        PROPERTY(err.kind == ERR_INVALID);
        return 0;
    }
    PROPERTY(message_length(&packet) == n);
    if (packet.type == RUNNER_LOG || packet.type == RUNNER_STOP)
        PROPERTY(strlen(packet.body.group.id) == ID_LEN &&
                 strlen(packet.body.group.container) <= PLAN_NAME_MAX);
    return 0;
}
