/* MONITOR_P by pid as it goes out by the hundred thousand: a frame that was sent once, with other
 * numbers in it. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CONN_STENCIL_H
#define NX_CONN_STENCIL_H

#include "base/span.h"

enum { NX_STENCIL_SIZE = 192 };

/** The numbers of one frame. */
struct nx_stencil_numbers {
    uint32_t from[3];   /* id, serial and creation of the pid that watches, */
    uint32_t target[3]; /* and of the one that is watched */
    uint32_t ref[3];    /* slot, generation and use */
};

/** All zeroes: none yet. */
struct nx_stencil {
    uint8_t bytes[NX_STENCIL_SIZE];
    size_t len; /* 0: it is not known yet */
    size_t from_at;
    size_t target_at;
    size_t seen; /* length of the frame that was looked at last */
};

/** Looks at a frame that goes out with these numbers. The second of one length is it: then both
 * names are in the peer's cache of atoms, where they stay. */
void nx_stencil_learn(struct nx_stencil *s, struct nx_span frame,
                      const struct nx_stencil_numbers *numbers);

/** Writes the frame, s->len bytes. */
void nx_stencil_write(const struct nx_stencil *s, const struct nx_stencil_numbers *numbers,
                      uint8_t *to);

#endif
