/* A borrowed run of bytes, and a bounded big-endian reader over one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_SPAN_H
#define NX_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Borrowed bytes: valid as long as whatever they point into. {NULL, 0} is the empty span. */
struct nx_span {
    const uint8_t *ptr;
    size_t len;
};

static inline struct nx_span nx_span(const void *ptr, size_t len)
{
    struct nx_span s = {(const uint8_t *)ptr, len};
    return s;
}

static inline struct nx_span nx_span_str(const char *text)
{
    return nx_span(text, strlen(text));
}

static inline bool nx_span_eq(struct nx_span a, struct nx_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool nx_span_is(struct nx_span a, const char *text)
{
    return nx_span_eq(a, nx_span_str(text));
}

static inline uint16_t nx_get_u16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t nx_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/** Returns the place behind. */
static inline uint8_t *nx_put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
    return p + 4;
}

static inline uint64_t nx_get_u64(const uint8_t *p)
{
    return (uint64_t)nx_get_u32(p) << 32 | nx_get_u32(p + 4);
}

/**
 * A reader that cannot pass the end: each function takes its bytes and says true, or takes nothing
 * and says false.
 */
struct nx_rd {
    const uint8_t *p;
    const uint8_t *end;
};

static inline struct nx_rd nx_rd(struct nx_span s)
{
    struct nx_rd r = {s.ptr, s.ptr ? s.ptr + s.len : NULL};
    return r;
}

static inline size_t nx_rd_left(const struct nx_rd *r)
{
    return (size_t)(r->end - r->p);
}

static inline struct nx_span nx_rd_rest(const struct nx_rd *r)
{
    return nx_span(r->p, nx_rd_left(r));
}

static inline bool nx_rd_bytes(struct nx_rd *r, size_t n, struct nx_span *out)
{
    if (nx_rd_left(r) < n)
        return false;
    *out = nx_span(r->p, n);
    r->p += n;
    return true;
}

static inline bool nx_rd_u8(struct nx_rd *r, uint8_t *v)
{
    struct nx_span s;
    if (!nx_rd_bytes(r, 1, &s))
        return false;
    *v = s.ptr[0];
    return true;
}

static inline bool nx_rd_u16(struct nx_rd *r, uint16_t *v)
{
    struct nx_span s;
    if (!nx_rd_bytes(r, 2, &s))
        return false;
    *v = nx_get_u16(s.ptr);
    return true;
}

static inline bool nx_rd_u32(struct nx_rd *r, uint32_t *v)
{
    struct nx_span s;
    if (!nx_rd_bytes(r, 4, &s))
        return false;
    *v = nx_get_u32(s.ptr);
    return true;
}

static inline bool nx_rd_u64(struct nx_rd *r, uint64_t *v)
{
    struct nx_span s;
    if (!nx_rd_bytes(r, 8, &s))
        return false;
    *v = nx_get_u64(s.ptr);
    return true;
}

#endif
