/* SPDX-License-Identifier: Apache-2.0 */
#include "random_term.h"

#include <stdio.h>
#include <stdlib.h>

uint32_t random_below(uint32_t *seed, uint32_t limit)
{
    *seed = *seed * 1103515245 + 12345;
    return (*seed >> 16 | *seed << 16) % limit;
}

static void must(int rc)
{
    if (rc)
        abort();
}

static void put(struct nx_buf *out, const void *bytes, size_t n)
{
    must(nx_buf_put(out, bytes, n));
}

static void put_noise(struct nx_buf *out, uint32_t *seed, size_t n)
{
    while (n--)
        must(nx_buf_put_u8(out, (uint8_t)random_below(seed, 256)));
}

/* Of every seventh the name is 3 * 100 bytes long, of every fifth it is not Latin-1. */
static void put_atom(struct nx_buf *out, uint32_t *seed, unsigned atoms)
{
    char text[512];
    const unsigned n = random_below(seed, atoms);
    size_t len = (size_t)snprintf(text, sizeof text, n % 5 ? "a%u" : "\xe2\x82\xac%u", n);
    for (unsigned i = 0; n % 7 == 3 && i < 100; i++, len += 3)
        memcpy(text + len, "\xe2\x82\xac", 3);
    if (n % 11 == 6)
        len = 0;
    must(nx_buf_put_u8(out, len < 256 ? 119 : 118));
    if (len >= 256)
        must(nx_buf_put_u8(out, (uint8_t)(len >> 8)));
    must(nx_buf_put_u8(out, (uint8_t)len));
    put(out, text, len);
}

static void put_named(struct nx_buf *out, uint32_t *seed, unsigned atoms)
{
    static const struct {
        uint8_t tag, tail;
    } kinds[] = {{88, 12}, {88, 12}, {89, 8}, {120, 12}, {103, 9}, {102, 5}, {101, 5}};
    const unsigned k = random_below(seed, 7);
    must(nx_buf_put_u8(out, kinds[k].tag));
    put_atom(out, seed, atoms);
    put_noise(out, seed, kinds[k].tail);
}

static void put_ref(struct nx_buf *out, uint32_t *seed, unsigned atoms)
{
    const unsigned words = 1 + random_below(seed, 5);
    const bool old = random_below(seed, 8) == 0;
    must(nx_buf_put_u8(out, old ? 114 : 90));
    must(nx_buf_put_u16(out, (uint16_t)words));
    put_atom(out, seed, atoms);
    put_noise(out, seed, (old ? 1 : 4) + 4 * words);
}

static void put_leaf(struct nx_buf *out, uint32_t *seed)
{
    const unsigned n = random_below(seed, 300);
    switch (random_below(seed, 8)) {
    case 0:
        put(out, "\x61\x52", 2); /* 82, the tag of references, as an integer */
        break;
    case 1:
        put(out, "\x62\0\0\x52\x01", 5);
        break;
    case 2:
        put(out, "\x46\x3f\xf0\0\0\0\0\0\0", 9);
        break;
    case 3:
        must(nx_buf_put_u8(out, 109));
        must(nx_buf_put_u32(out, n));
        put_noise(out, seed, n);
        break;
    case 4:
        must(nx_buf_put_u8(out, 107));
        must(nx_buf_put_u16(out, (uint16_t)(n + 1)));
        put_noise(out, seed, n + 1);
        break;
    case 5:
        put(out, "\x6e\x03\x01RRR", 6);
        break;
    case 6:
        put(out, "\x4d\0\0\0\x02\x03RR", 8);
        break;
    default:
        must(nx_buf_put_u8(out, 106));
    }
}

static void put_fun(struct nx_buf *out, uint32_t *seed, unsigned size, unsigned atoms)
{
    const size_t at = nx_buf_len(out);
    const unsigned free_terms = random_below(seed, 3);
    put(out, "\x70\0\0\0\0\x01", 6);
    put_noise(out, seed, 16 + 4);
    must(nx_buf_put_u32(out, free_terms));
    put_atom(out, seed, atoms);
    put(out, "\x61\x01\x62\0\1\2\3", 7);
    must(nx_buf_put_u8(out, 88));
    put_atom(out, seed, atoms);
    put_noise(out, seed, 12);
    for (unsigned i = 0; i < free_terms; i++)
        random_term(out, seed, size / 2, atoms);
    nx_put_u32(out->data + out->start + at + 1, (uint32_t)(nx_buf_len(out) - at - 1));
}

static void put_many(struct nx_buf *out, uint32_t *seed, unsigned size, unsigned atoms, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        random_term(out, seed, size / n, atoms);
}

static void put_container(struct nx_buf *out, uint32_t *seed, unsigned size, unsigned atoms)
{
    const unsigned n = 1 + random_below(seed, 5);
    switch (random_below(seed, 6)) {
    case 0:
        must(nx_buf_put_u8(out, 104));
        must(nx_buf_put_u8(out, (uint8_t)n));
        put_many(out, seed, size, atoms, n);
        break;
    case 1:
        must(nx_buf_put_u8(out, 105));
        must(nx_buf_put_u32(out, n));
        put_many(out, seed, size, atoms, n);
        break;
    case 2:
        must(nx_buf_put_u8(out, 108));
        must(nx_buf_put_u32(out, n));
        put_many(out, seed, size, atoms, n + 1);
        break;
    case 3:
        must(nx_buf_put_u8(out, 116));
        must(nx_buf_put_u32(out, n));
        put_many(out, seed, size, atoms, 2 * n);
        break;
    case 4:
        must(nx_buf_put_u8(out, 67));
        must(nx_buf_put_u32(out, n));
        must(nx_buf_put_u8(out, 0));
        for (unsigned i = 0; i < 2 + n; i++)
            put_atom(out, seed, atoms);
        put_many(out, seed, size, atoms, n);
        break;
    default:
        put_fun(out, seed, size, atoms);
    }
}

void random_term(struct nx_buf *out, uint32_t *seed, unsigned size, unsigned atoms)
{
    const unsigned kind = random_below(seed, size > 3 ? 12 : 6);
    if (kind < 2) {
        put_atom(out, seed, atoms);
    } else if (kind == 2) {
        put_named(out, seed, atoms);
    } else if (kind == 3) {
        put_ref(out, seed, atoms);
    } else if (kind == 4) {
        must(nx_buf_put_u8(out, 113));
        put_atom(out, seed, atoms);
        put_atom(out, seed, atoms);
        put(out, "\x61\x02", 2);
    } else if (kind == 5) {
        put_leaf(out, seed);
    } else {
        put_container(out, seed, size, atoms);
    }
}

/* ---- the plain way ---- */

struct naive {
    struct nx_buf *out;
    struct nx_rd in;
    const struct nx_atom_refs *refs;
};

static bool copy(struct naive *n, uint64_t size)
{
    struct nx_span s;
    if (size > nx_rd_left(&n->in) || !nx_rd_bytes(&n->in, (size_t)size, &s))
        return false;
    put(n->out, s.ptr, s.len);
    return true;
}

/* The number in the next `width` bytes, which are copied. */
static bool copy_number(struct naive *n, unsigned width, uint64_t *value)
{
    *value = 0;
    if (nx_rd_left(&n->in) < width)
        return false;
    for (unsigned i = 0; i < width; i++)
        *value = *value << 8 | n->in.p[i];
    return copy(n, width);
}

static bool expand(struct naive *n, unsigned depth);

static bool expand_all(struct naive *n, uint64_t terms, unsigned depth)
{
    for (; terms; terms--)
        if (!expand(n, depth))
            return false;
    return true;
}

static bool expand_node(struct naive *n, uint64_t tail)
{
    if (!nx_rd_left(&n->in))
        return false;
    const uint8_t tag = n->in.p[0];
    return (tag == 82 || tag == 100 || tag == 115 || tag == 118 || tag == 119) && expand(n, 1) &&
           copy(n, tail);
}

static bool expand_fun(struct naive *n, unsigned depth)
{
    const size_t at = nx_buf_len(n->out);
    const uint8_t *start = n->in.p;
    uint64_t size, free_terms;
    if (!copy_number(n, 4, &size) || !copy(n, 1 + 16 + 4) || !copy_number(n, 4, &free_terms) ||
        !expand_all(n, 4, depth - 1) || !expand_all(n, free_terms, depth - 1))
        return false;
    nx_put_u32(n->out->data + n->out->start + at, (uint32_t)(nx_buf_len(n->out) - at));
    return (uint64_t)(n->in.p - start) == size;
}

static bool expand_ref(struct naive *n)
{
    const uint8_t i = nx_rd_left(&n->in) > 1 ? n->in.p[1] : 255;
    if (i >= n->refs->count || !n->refs->atom[i].ptr)
        return false;
    put(n->out, n->refs->atom[i].ptr, n->refs->atom[i].len);
    n->in.p += 2;
    return true;
}

static bool expand(struct naive *n, unsigned depth)
{
    uint64_t i;
    if (!depth || !nx_rd_left(&n->in))
        return false;
    const uint8_t tag = n->in.p[0];
    if (tag == 82)
        return expand_ref(n);
    copy(n, 1);
    switch (tag) {
    case 106:
        return true;
    case 97:
        return copy(n, 1);
    case 98:
        return copy(n, 4);
    case 70:
        return copy(n, 8);
    case 99:
        return copy(n, 31);
    case 115:
    case 119:
        return copy_number(n, 1, &i) && copy(n, i);
    case 100:
    case 107:
    case 118:
        return copy_number(n, 2, &i) && copy(n, i);
    case 109:
        return copy_number(n, 4, &i) && copy(n, i);
    case 77:
    case 111:
        return copy_number(n, 4, &i) && copy(n, 1 + i);
    case 110:
        return copy_number(n, 1, &i) && copy(n, 1 + i);
    case 88:
    case 120:
        return expand_node(n, 12);
    case 103:
        return expand_node(n, 9);
    case 89:
        return expand_node(n, 8);
    case 101:
    case 102:
        return expand_node(n, 5);
    case 90:
        return copy_number(n, 2, &i) && expand_node(n, 4 + 4 * i);
    case 114:
        return copy_number(n, 2, &i) && expand_node(n, 1 + 4 * i);
    case 104:
        return copy_number(n, 1, &i) && expand_all(n, i, depth - 1);
    case 105:
        return copy_number(n, 4, &i) && expand_all(n, i, depth - 1);
    case 108:
        return copy_number(n, 4, &i) && expand_all(n, i + 1, depth - 1);
    case 116:
        return copy_number(n, 4, &i) && expand_all(n, 2 * i, depth - 1);
    case 67:
        return copy_number(n, 4, &i) && copy(n, 1) && expand_all(n, 2 + 2 * i, depth - 1);
    case 113:
        return expand_all(n, 3, depth - 1);
    case 112:
        return expand_fun(n, depth);
    default:
        return false;
    }
}

size_t naive_expand(struct nx_buf *out, struct nx_span in, const struct nx_atom_refs *refs,
                    unsigned depth)
{
    struct naive n = {out, nx_rd(in), refs};
    return expand(&n, depth) ? (size_t)(n.in.p - in.ptr) : 0;
}
