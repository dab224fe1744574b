/* The one growable byte buffer: a queue of bytes with a ceiling given at birth.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_BUF_H
#define NX_BASE_BUF_H

#include "base/span.h"
#include <noex/alloc.h>
#include <noex/error.h>

/**
 * Bytes data[start..end) wait to be consumed. Appending may move `data`, so spans into the buffer
 * are valid only until the next append. `alloc` is borrowed for the buffer's life.
 */
struct nx_buf {
    const struct noex_allocator *alloc;
    uint8_t *data;
    size_t start;
    size_t end;
    size_t cap;
    size_t max;
};

/** An empty buffer that will never hold more than `max` bytes. Allocates nothing. */
void nx_buf_init(struct nx_buf *b, const struct noex_allocator *a, size_t max);

/** An empty buffer over the caller's `size` bytes: it never grows and must not be freed. */
static inline void nx_buf_fixed(struct nx_buf *b, void *bytes, size_t size)
{
    struct nx_buf fixed = {NULL, (uint8_t *)bytes, 0, 0, size, size};
    *b = fixed;
}

static inline size_t nx_buf_len(const struct nx_buf *b)
{
    return b->end - b->start;
}

/** The same over a caller's text of `size` bytes (at least 1), with room left for its NUL and a
 * length that an int holds: end it with nx_buf_end_text. */
static inline void nx_buf_text(struct nx_buf *b, char *text, size_t size)
{
    nx_buf_fixed(b, text, size < INT32_MAX ? size - 1 : INT32_MAX - 1);
}

/** Puts the NUL behind; the length without it. */
static inline int nx_buf_end_text(struct nx_buf *b)
{
    b->data[b->end] = '\0';
    return (int)nx_buf_len(b);
}

/** Gives the memory back; the buffer is then empty and usable again. */
void nx_buf_free(struct nx_buf *b);

/** Gives the memory of an empty buffer back but for `cap` bytes (not 0), as far as that works. */
void nx_buf_shrink(struct nx_buf *b, size_t cap);

/** What waits, borrowed until the buffer changes. */
static inline struct nx_span nx_buf_span(const struct nx_buf *b)
{
    return nx_span(b->data ? b->data + b->start : NULL, b->end - b->start);
}

/**
 * Makes room for `n` more bytes at data + end, compacting or growing as needed.
 * Errors: NOEX_ENOMEM; NOEX_ELIMIT when `max` would be passed. Either leaves the contents as they
 * were.
 */
NOEX_MUST_USE int nx_buf_reserve(struct nx_buf *b, size_t n);

/** Appends; errors as nx_buf_reserve. */
NOEX_MUST_USE int nx_buf_put(struct nx_buf *b, const void *bytes, size_t n);
NOEX_MUST_USE int nx_buf_put_span(struct nx_buf *b, struct nx_span s);
NOEX_MUST_USE int nx_buf_put_u8(struct nx_buf *b, uint8_t v);
NOEX_MUST_USE int nx_buf_put_u16(struct nx_buf *b, uint16_t v);
NOEX_MUST_USE int nx_buf_put_u32(struct nx_buf *b, uint32_t v);
NOEX_MUST_USE int nx_buf_put_u64(struct nx_buf *b, uint64_t v);

/** Says that `n` bytes written behind the end (after nx_buf_reserve) now belong to the contents. */
static inline void nx_buf_commit(struct nx_buf *b, size_t n)
{
    b->end += n;
}

/** Drops the first `n` bytes (at most all). */
void nx_buf_consume(struct nx_buf *b, size_t n);

/** Drops the contents behind the first `len` bytes: takes back a half-written message. */
static inline void nx_buf_truncate(struct nx_buf *b, size_t len)
{
    if (len < nx_buf_len(b))
        b->end = b->start + len;
}

#endif
