/* What vaultd takes for a message prints back to the very same bytes (G1, G2 of vault/message.h).
 */
#include <string.h>

#include "../property.h"
#include "base/id.h"
#include "vault/message.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct text body = text_from(bytes, n), rest;
    struct vault_checkpoint c;
    struct vault_memory m;
    enum vault_key key;
    struct err a = { 0 }, b = { 0 }, d = { 0 };
    OWN_BUF(again, VAULT_CHECKPOINT_MAX);

    if (vault_message_checkpoint(body, &c, &a) == 0) {
        vault_message_print_checkpoint(&c, &again);
        PROPERTY(text_equal(buf_view(&again), body));
        PROPERTY(c.n_proof <= VAULT_PROOF_MAX && id_is(text_of(c.epoch)));
    } else {
        PROPERTY(a.kind == ERR_INVALID);
    }
    buf_clear(&again);
    if (vault_message_memory(body, &m, &b) == 0) {
        vault_message_print_memory(&m, &again);
        PROPERTY(text_equal(buf_view(&again), body));
    }
    if (vault_message_key(body, &key, &rest, &d) == 0)
        PROPERTY((unsigned)key < VAULT_KEY_COUNT && rest.n == n - 1);
    return 0;
}
