#include "vault/checkpoint_note.h"

#include <inttypes.h>

#include "base/clock.h"
#include "wire/base64.h"

void
checkpoint_note(const char *epoch, uint64_t size, const uint8_t root[static 32], int64_t time_us,
                struct buf *out)
{
    char when[CLOCK_TEXT_LEN + 1];

    clock_text(time_us, when);
    buf_printf(out, "holdfast audit checkpoint v1\n%s\n%" PRIu64 "\n", epoch, size);
    base64_print(out, BASE64_STANDARD, root, 32);
    buf_printf(out, "\n%s\n", when);
}
