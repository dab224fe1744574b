/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/usual.h"

#include "term/check.h"

enum {
    REF = 82,
    BYTE = 97,
    INTEGER = 98,
    TUPLE = 104,
    NIL = 106,
    STRING = 107,
    LIST = 108,
    BINARY = 109,
    BIG = 110,
    ATOM = 119,
    HEAD_MAX = 5 /* bytes before what is counted */
};

/* Each container may stand in all others, and then they nest as deep as is allowed. */
struct usual {
    const uint8_t *p;
    const uint8_t *end;
    const uint8_t *from; /* what is not copied yet begins here */
    uint8_t *to;
    const uint8_t *to_end;
    uint64_t left; /* terms */
    uint32_t containers;
    bool copied;
};

static bool is_ascii(const uint8_t *p, size_t n)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits |= p[i];
    return bits < 0x80;
}

static bool copy(struct usual *u, const uint8_t *bytes, size_t n)
{
    if ((size_t)(u->to_end - u->to) < n)
        return false;
    memcpy(u->to, bytes, n);
    u->to += n;
    return true;
}

static bool replace(struct usual *u, const struct nx_atom_refs *refs)
{
    if (!refs || u->p[1] >= refs->count || !refs->atom[u->p[1]].ptr)
        return false;
    const struct nx_span atom = refs->atom[u->p[1]];
    if (!copy(u, u->from, (size_t)(u->p - u->from)) || !copy(u, atom.ptr, atom.len))
        return false;
    u->p += 2;
    u->from = u->p;
    u->copied = true;
    return true;
}

/* The size of one token, 0 where it is none of these; `h` has HEAD_MAX bytes. */
static uint64_t token_size(struct usual *u, const uint8_t *h)
{
    switch (h[0]) {
    case BYTE:
        return 2;
    case INTEGER:
        return 5;
    case NIL:
        return 1;
    case TUPLE:
        u->left += h[1];
        u->containers += h[1] != 0;
        return 2;
    case LIST:
        u->left += (uint64_t)nx_get_u32(h + 1) + 1;
        u->containers++;
        return 5;
    case STRING:
        return 3 + (uint64_t)nx_get_u16(h + 1);
    case BINARY:
        return 5 + (uint64_t)nx_get_u32(h + 1);
    case BIG:
        return h[2] <= 1 ? 3 + (uint64_t)h[1] : 0;
    case ATOM:
        return 2 + (uint64_t)h[1];
    default:
        return 0;
    }
}

static bool step(struct usual *u, const struct nx_atom_refs *refs)
{
    const size_t rest = (size_t)(u->end - u->p);
    uint8_t short_head[HEAD_MAX] = {0};
    const uint8_t *h = u->p;
    if (rest < HEAD_MAX) { /* the last of it: missing bytes are zeroes, and the size tells */
        memcpy(short_head, u->p, rest);
        h = short_head;
    }
    u->left--;
    if (h[0] == REF)
        return rest >= 2 && replace(u, refs);
    const uint64_t size = token_size(u, h);
    if (!size || size > rest || u->left > rest - size || u->containers > NX_TERM_DEPTH_MAX)
        return false;
    if (h[0] == ATOM && !is_ascii(u->p + 2, h[1]))
        return false;
    u->p += size;
    return true;
}

bool nx_usual_term(struct nx_span in, const struct nx_atom_refs *refs, struct nx_buf *out,
                   struct nx_span *plain, size_t *used)
{
    uint8_t *start = out->data ? out->data + out->end : NULL;
    struct usual u = {.p = in.ptr,
                      .end = in.ptr + in.len,
                      .from = in.ptr,
                      .to = start,
                      .to_end = start ? out->data + out->cap : NULL,
                      .left = 1};
    while (u.left)
        if (u.p == u.end || !step(&u, refs))
            return false;
    *used = (size_t)(u.p - in.ptr);
    *plain = nx_span(in.ptr, *used);
    if (!u.copied)
        return true;
    if (!copy(&u, u.from, (size_t)(u.p - u.from)))
        return false;
    *plain = nx_span(start, (size_t)(u.to - start));
    nx_buf_commit(out, plain->len);
    return true;
}
