/* Where the atoms stand in a term, for those who put references to the atom cache in their place or
 * the other way round. Protocol.md sections 4 and 5. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_WALK_H
#define NX_WIRE_WALK_H

#include "base/span.h"

enum nx_walk_stop {
    NX_WALK_END,   /* the terms are over: p stands behind them */
    NX_WALK_ATOM,  /* an atom of any form or a reference (82), also inside a pid: at[0..p) */
    NX_WALK_FUN,   /* a fun: at is its size field; its parts come next */
    NX_WALK_BROKEN /* what stands at p is cut short or no term */
};

/** A walk of one pass, without a stack: it judges no more than it needs to find its way. */
struct nx_walk {
    const uint8_t *p;
    const uint8_t *end;
    uint64_t pending; /* terms that are still to come */
    uint32_t node;    /* bytes of a pid, port or reference behind the name of its node, next */
    uint32_t tail;    /* the same, once the name was given out */
    const uint8_t *at;
};

/** A walk over the `terms` terms at the head of `in`. */
static inline struct nx_walk nx_walk(struct nx_span in, uint64_t terms)
{
    struct nx_walk w = {in.ptr, in.ptr ? in.ptr + in.len : NULL, terms, 0, 0, NULL};
    return w;
}

/** Goes on to the next stop. After NX_WALK_END and NX_WALK_BROKEN it stays there. */
enum nx_walk_stop nx_walk_next(struct nx_walk *w);

#endif
