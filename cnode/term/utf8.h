/* UTF-8, one character at a time, strict. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_UTF8_H
#define NX_TERM_UTF8_H

#include "base/span.h"

enum { NX_UTF8_MAX = 4 };

/** How many bytes the character takes that starts with this byte; 0 where none starts so. */
static inline size_t nx_utf8_size(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/**
 * Takes one character. False, and nothing taken, at the end and where the bytes are none: cut,
 * overlong, a surrogate, or above U+10FFFF.
 */
static inline bool nx_utf8_next(struct nx_rd *in, uint32_t *c)
{
    static const uint32_t smallest[NX_UTF8_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};
    static const uint8_t lead_bits[NX_UTF8_MAX + 1] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n = nx_rd_left(in) ? nx_utf8_size(in->p[0]) : 0;
    if (n == 0 || n > nx_rd_left(in))
        return false;
    uint32_t v = in->p[0] & lead_bits[n];
    for (size_t i = 1; i < n; i++) {
        if ((in->p[i] & 0xc0) != 0x80)
            return false;
        v = v << 6 | (in->p[i] & 0x3f);
    }
    if (v < smallest[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return false;
    in->p += n;
    *c = v;
    return true;
}

/** Takes one character of a text in Latin-1 or UTF-8; as nx_utf8_next. */
static inline bool nx_char_next(struct nx_rd *in, bool latin1, uint32_t *c)
{
    uint8_t byte;
    if (!latin1)
        return nx_utf8_next(in, c);
    if (!nx_rd_u8(in, &byte))
        return false;
    *c = byte;
    return true;
}

/** Writes one character, which must be at most U+10FFFF; returns its number of bytes. */
static inline size_t nx_utf8_put(uint8_t out[NX_UTF8_MAX], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(0xf00 >> n | c);
    return n;
}

#endif
