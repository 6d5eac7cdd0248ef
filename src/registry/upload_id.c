#include "registry/upload_id.h"

#include <string.h>

#include "base/digest.h"
#include "base/secret.h"

#define FREE_TEXT 18 /* "xxxxxxxx-xxxx-4xxx": what was drawn at random */

/* Print the second half of an id from the hash: "-vxxx-xxxxxxxxxxxx" with the variant in v. */
static void
print_bound(const struct hmac_key *key, struct text registry, struct text repository, char *id)
{
    uint8_t code[HMAC_LEN];
    char hex[2 * 8 + 1];
    struct hmac h;

    hmac_begin(&h, key);
    hmac_add(&h, id, FREE_TEXT);
    hmac_add(&h, registry.p, registry.n);
    hmac_add(&h, "", 1); /* a NUL, which no name has */
    hmac_add(&h, repository.p, repository.n);
    hmac_end(&h, code);
    code[0] = (uint8_t)(0x80u | (code[0] & 0x3fu));
    hex_print(code, 8, hex);
    id[FREE_TEXT] = '-';
    memcpy(id + FREE_TEXT + 1, hex, 4);
    id[FREE_TEXT + 5] = '-';
    memcpy(id + FREE_TEXT + 6, hex + 4, 12);
    id[ID_LEN] = '\0';
}

void
upload_id_new(const struct hmac_key *key, struct text registry, struct text repository,
              char out[static ID_LEN + 1])
{
    id_new(out);
    print_bound(key, registry, repository, out);
}

bool
upload_id_belongs(const struct hmac_key *key, struct text registry, struct text repository,
                  struct text id)
{
    char want[ID_LEN + 1];

    if (id.n != ID_LEN || !id_is(id))
        return false;
    memcpy(want, id.p, FREE_TEXT);
    print_bound(key, registry, repository, want);
    return secret_equal(id, text_from(want, ID_LEN));
}
