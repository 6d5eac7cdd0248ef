/*
 * exposition.h - metrics as Prometheus reads them (text format 0.0.4).
 *
 * Invariants:
 *   M1  every metric has its HELP and TYPE line once, before its samples;
 *   M2  label values are escaped; names are static and never come from outside.
 */
#ifndef MONITOR_EXPOSITION_H
#define MONITOR_EXPOSITION_H

#include <stdint.h>

#include "base/buf.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric_type {
    METRIC_COUNTER, /* the name ends in _total */
    METRIC_GAUGE,
};

/* exposition_metric(b, name, type, help): begin a metric. */
void exposition_metric(struct buf *b, const char *name, enum metric_type type, const char *help);

/* exposition_sample(b, name, label, value_of_label, v): ${label} NULL for a metric without one. */
void exposition_sample(struct buf *b, const char *name, const char *label, const char *label_value,
                       uint64_t v);

/* exposition_one(...): a metric that has one sample and no label. */
void exposition_one(struct buf *b, const char *name, enum metric_type type, const char *help,
                    uint64_t v);

#endif /* MONITOR_EXPOSITION_H */
