/* sweep.h - run one operation with its first, second, ... allocation failing. */
#ifndef TEST_WIRE_SWEEP_H
#define TEST_WIRE_SWEEP_H

#include "base/mem.h"

/*
 * SWEEP(call, live): ${call} is 0 when it worked.  Until it does, one more allocation is let
 * through each time; every failure must leave nothing behind and no more than ${live} allocations.
 */
#define SWEEP(call, live)                                                                          \
    do {                                                                                           \
        long sweep_n_ = 0;                                                                         \
                                                                                                   \
        for (;; sweep_n_++) {                                                                      \
            int sweep_got_;                                                                        \
                                                                                                   \
            mem_fail_after(sweep_n_);                                                              \
            sweep_got_ = (call);                                                                   \
            mem_fail_after(-1);                                                                    \
            assert_int_equal(mem_live(), (live));                                                  \
            if (sweep_got_ == 0)                                                                   \
                break;                                                                             \
            assert_true(sweep_n_ < 10000);                                                         \
        }                                                                                          \
        assert_true(sweep_n_ > 0); /* it did allocate */                                           \
    } while (0)

#endif /* TEST_WIRE_SWEEP_H */
