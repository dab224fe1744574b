/* Bytes that are kept once for all who need them, counted. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_BLOB_H
#define NX_BASE_BLOB_H

#include "base/span.h"
#include <noex/alloc.h>

struct nx_blob {
    size_t holds;
    size_t len;
    uint8_t bytes[];
};

/** A copy of these bytes, held once. NULL: no memory. */
struct nx_blob *nx_blob_new(const struct noex_allocator *a, struct nx_span bytes);
/** One holder more; returns the blob. */
struct nx_blob *nx_blob_hold(struct nx_blob *b);
/** One holder less; without any it is gone. NULL is allowed. */
void nx_blob_release(const struct noex_allocator *a, struct nx_blob *b);

static inline struct nx_span nx_blob_span(const struct nx_blob *b)
{
    return nx_span(b->bytes, b->len);
}

#endif
