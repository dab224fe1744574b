/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/walk.h"

enum form {
    NO_TERM = 0,
    DATA,  /* n bytes follow the head */
    ATOM,  /* the same, and it is a stop */
    TERMS, /* n * times + plus terms follow */
    NODE,  /* the name of a node, an atom, and n * times + plus bytes follow */
    FUN
};

/* The head is the tag, n in so many bytes, and what else stands before the data. */
struct shape {
    uint8_t form;
    uint8_t head;
    uint8_t width;
    uint8_t times;
    uint8_t plus;
};

/* Protocol.md section 5, by tag. */
static const struct shape shapes[256] = {
    [67] = {TERMS, 6, 4, 2, 2},  /* record: a module, a name, field names, values */
    [70] = {DATA, 9, 0, 0, 0},   /* float */
    [77] = {DATA, 6, 4, 0, 0},   /* bit string */
    [82] = {ATOM, 2, 0, 0, 0},   /* reference to the atom cache */
    [88] = {NODE, 1, 0, 0, 12},  /* pid */
    [89] = {NODE, 1, 0, 0, 8},   /* port */
    [90] = {NODE, 3, 2, 4, 4},   /* reference */
    [97] = {DATA, 2, 0, 0, 0},   /* integers */
    [98] = {DATA, 5, 0, 0, 0},   /* */
    [99] = {DATA, 32, 0, 0, 0},  /* float, as text */
    [100] = {ATOM, 3, 2, 0, 0},  /* */
    [101] = {NODE, 1, 0, 0, 5},  /* old reference */
    [102] = {NODE, 1, 0, 0, 5},  /* old port */
    [103] = {NODE, 1, 0, 0, 9},  /* old pid */
    [104] = {TERMS, 2, 1, 1, 0}, /* tuples */
    [105] = {TERMS, 5, 4, 1, 0}, /* */
    [106] = {DATA, 1, 0, 0, 0},  /* nil */
    [107] = {DATA, 3, 2, 0, 0},  /* string */
    [108] = {TERMS, 5, 4, 1, 1}, /* list, and its tail */
    [109] = {DATA, 5, 4, 0, 0},  /* binary */
    [110] = {DATA, 3, 1, 0, 0},  /* big integers */
    [111] = {DATA, 6, 4, 0, 0},  /* */
    [112] = {FUN, 30, 4, 0, 0},  /* fun */
    [113] = {TERMS, 1, 0, 0, 3}, /* external fun */
    [114] = {NODE, 3, 2, 4, 1},  /* newer old reference */
    [115] = {ATOM, 2, 1, 0, 0},  /* */
    [116] = {TERMS, 5, 4, 2, 0}, /* map */
    [118] = {ATOM, 3, 2, 0, 0},  /* */
    [119] = {ATOM, 2, 1, 0, 0},  /* */
    [120] = {NODE, 1, 0, 0, 12}, /* wide port */
};

/* A fun has a module, an index, a unique number and a maker; how many free terms ends its head. */
enum { FUN_PARTS = 4, FUN_FREE = 26 };

static uint32_t number(const uint8_t *p, unsigned width)
{
    return width == 1 ? *p : width == 2 ? nx_get_u16(p) : width == 4 ? nx_get_u32(p) : 0;
}

/* One token, whose head is whole; false where it cannot stand here. */
static bool step(struct nx_walk *w, const struct shape *s, enum nx_walk_stop *stop)
{
    const size_t left = (size_t)(w->end - w->p) - s->head;
    const uint32_t n = number(w->p + 1, s->width);
    const bool data = s->form == DATA || s->form == ATOM;
    if (s->form == NO_TERM || (w->node && s->form != ATOM) || (data && n > left))
        return false;
    w->at = w->p;
    w->p += s->head + (data ? n : 0);
    w->pending--;
    switch ((enum form)s->form) {
    case ATOM:
        w->tail = w->node;
        w->node = 0;
        *stop = NX_WALK_ATOM;
        break;
    case TERMS:
        w->pending += (uint64_t)n * s->times + s->plus;
        break;
    case NODE:
        w->node = n * s->times + s->plus;
        w->pending++;
        break;
    case FUN:
        w->pending += FUN_PARTS + (uint64_t)nx_get_u32(w->at + FUN_FREE);
        w->at++;
        *stop = NX_WALK_FUN;
        break;
    case DATA:
    case NO_TERM:
        break;
    }
    return true;
}

enum nx_walk_stop nx_walk_next(struct nx_walk *w)
{
    enum nx_walk_stop stop = NX_WALK_END;
    if (w->tail > (size_t)(w->end - w->p))
        return NX_WALK_BROKEN;
    w->p += w->tail;
    w->tail = 0;
    while (stop == NX_WALK_END && w->pending) {
        if (w->p == w->end)
            return NX_WALK_BROKEN;
        const struct shape *s = &shapes[*w->p];
        if ((size_t)(w->end - w->p) < s->head || !step(w, s, &stop))
            return NX_WALK_BROKEN;
    }
    return stop;
}
