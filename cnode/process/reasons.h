/* The bytes of exit reasons that wait for delivery: a queue under a budget, so that a storm of
 * DOWNs costs no allocation each. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_REASONS_H
#define NX_PROCESS_REASONS_H

#include "base/span.h"
#include <noex/alloc.h>

/** One reason as it waits. Lives until it is popped; reasons are popped in the order of pushing. */
struct nx_reason {
    uint64_t full_len; /* what len would be had nothing been cut */
    size_t len;
    uint8_t bytes[];
};

struct nx_reason_chunk;

struct nx_reasons {
    const struct noex_allocator *alloc;
    size_t budget;
    size_t used;
    struct nx_reason_chunk *first;
    struct nx_reason_chunk *last;
};

void nx_reasons_init(struct nx_reasons *q, const struct noex_allocator *a, size_t budget);
void nx_reasons_free(struct nx_reasons *q);

/** Copies a reason in. NULL when the budget or the memory does not allow it: then nothing is kept.
 */
struct nx_reason *nx_reasons_push(struct nx_reasons *q, struct nx_span term, uint64_t full_len);

/** Drops a reason. In any order; its space is free again once those before it were dropped, too. */
void nx_reasons_drop(struct nx_reasons *q, struct nx_reason *r);

#endif
