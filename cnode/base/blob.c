/* SPDX-License-Identifier: Apache-2.0 */
#include "base/blob.h"

#include "base/alloc.h"

struct nx_blob *nx_blob_new(const struct noex_allocator *a, struct nx_span bytes)
{
    struct nx_blob *b =
        bytes.len <= SIZE_MAX - sizeof *b ? nx_alloc(a, sizeof *b + bytes.len) : NULL;
    if (!b)
        return NULL;
    b->holds = 1;
    b->len = bytes.len;
    if (bytes.len)
        memcpy(b->bytes, bytes.ptr, bytes.len);
    return b;
}

struct nx_blob *nx_blob_hold(struct nx_blob *b)
{
    b->holds++;
    return b;
}

void nx_blob_release(const struct noex_allocator *a, struct nx_blob *b)
{
    if (b && --b->holds == 0)
        nx_free(a, b);
}
