#include "monitor/exposition.h"

#include <inttypes.h>

void
exposition_metric(struct buf *b, const char *name, enum metric_type type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
               type == METRIC_COUNTER ? "counter" : "gauge");
}

static void
label_text(struct buf *b, const char *value)
{
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '\\' || *p == '"')
            buf_char(b, '\\');
        if (*p == '\n')
            buf_str(b, "\\n");
        else
            buf_char(b, *p);
    }
}

void
exposition_sample(struct buf *b, const char *name, const char *label, const char *label_value,
                  uint64_t v)
{
    buf_str(b, name);
    if (label != NULL) {
        buf_printf(b, "{%s=\"", label);
        label_text(b, label_value);
        buf_str(b, "\"}");
    }
    buf_printf(b, " %" PRIu64 "\n", v);
}

void
exposition_one(struct buf *b, const char *name, enum metric_type type, const char *help, uint64_t v)
{
    exposition_metric(b, name, type, help);
    exposition_sample(b, name, NULL, NULL, v);
}
