/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/alloc.h"

enum { FIRST_CAP = 256 };

void nx_buf_init(struct nx_buf *b, const struct noex_allocator *a, size_t max)
{
    *b = (struct nx_buf){.alloc = a, .max = max};
}

void nx_buf_free(struct nx_buf *b)
{
    nx_free(b->alloc, b->data);
    nx_buf_init(b, b->alloc, b->max);
}

void nx_buf_shrink(struct nx_buf *b, size_t cap)
{
    if (nx_buf_len(b) || b->cap <= cap)
        return;
    uint8_t *data = nx_realloc(b->alloc, b->data, cap, 1);
    b->cap = data ? cap : b->cap;
    b->data = data ? data : b->data;
}

static size_t grown_cap(const struct nx_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    return cap < b->max ? cap : b->max;
}

int nx_buf_reserve(struct nx_buf *b, size_t n)
{
    size_t len = nx_buf_len(b);
    if (n <= b->cap - b->end)
        return 0;
    if (n > b->max - len)
        return NOEX_ELIMIT;
    /* Moving is cheaper than growing only while less than half of the buffer is alive: else a
     * nearly full queue would be moved again for each message. Without memory it does in any case.
     */
    bool fits = b->start && len + n <= b->cap;
    if (!fits || (len + n > b->cap / 2 && b->cap < b->max)) {
        size_t cap = grown_cap(b, len + n);
        uint8_t *data = nx_realloc(b->alloc, b->data, cap, 1);
        if (!data && !fits)
            return NOEX_ENOMEM;
        b->cap = data ? cap : b->cap;
        b->data = data ? data : b->data;
    }
    if (b->start)
        memmove(b->data, b->data + b->start, len);
    b->start = 0;
    b->end = len;
    return 0;
}

int nx_buf_put(struct nx_buf *b, const void *bytes, size_t n)
{
    int rc = nx_buf_reserve(b, n);
    if (rc)
        return rc;
    if (n)
        memcpy(b->data + b->end, bytes, n);
    b->end += n;
    return 0;
}

int nx_buf_put_span(struct nx_buf *b, struct nx_span s)
{
    return nx_buf_put(b, s.ptr, s.len);
}

int nx_buf_put_u8(struct nx_buf *b, uint8_t v)
{
    return nx_buf_put(b, &v, 1);
}

int nx_buf_put_u16(struct nx_buf *b, uint16_t v)
{
    uint8_t be[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    return nx_buf_put(b, be, sizeof be);
}

int nx_buf_put_u32(struct nx_buf *b, uint32_t v)
{
    uint8_t be[4];
    nx_put_u32(be, v);
    return nx_buf_put(b, be, sizeof be);
}

int nx_buf_put_u64(struct nx_buf *b, uint64_t v)
{
    int rc = nx_buf_reserve(b, 8);
    if (rc)
        return rc;
    rc = nx_buf_put_u32(b, (uint32_t)(v >> 32));
    return rc ? rc : nx_buf_put_u32(b, (uint32_t)v);
}

void nx_buf_consume(struct nx_buf *b, size_t n)
{
    size_t len = nx_buf_len(b);
    b->start += n < len ? n : len;
    if (b->start == b->end)
        b->start = b->end = 0;
}
