/* DOWNs as they come by the hundred thousand: most are like the one before but for the numbers of
 * their process and monitor, and are not read anew. The counterpart of stencil.h.
 * Protocol.md section 6.4. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CONN_SAME_H
#define NX_CONN_SAME_H

#include "wire/ctrl.h"
#include "wire/frame.h"

enum { NX_SAME_CONTROL = 64, NX_SAME_PLAIN = 896 };

/** What was learned. Frames whose headers name the same atoms (nx_atom_refs.version) can be alike;
 * the second of them is learned. */
struct nx_same {
    uint64_t seen; /* version of the frame before */
    uint64_t version;
    struct nx_ctrl ctrl; /* its terms are in `plain` */
    uint8_t control[NX_SAME_CONTROL];
    size_t control_len; /* 0: none */
    uint8_t plain[NX_SAME_PLAIN];
    uint8_t *target_numbers; /* in it */
    uint8_t *ref_numbers;
    uint64_t payload_version;
    struct nx_buf payload; /* as it came, */
    struct nx_buf reason;  /* and made plain */
};

/** Nothing learned. Allocates nothing; `a` is borrowed for the object's life. */
void nx_same_init(struct nx_same *s, const struct noex_allocator *a);
void nx_same_free(struct nx_same *s);

/** Whether a frame begins with the control term of a DOWN like the one learned: then s->ctrl is its
 * own, and `*used` its length. */
bool nx_same_control(struct nx_same *s, const struct nx_frame *f, size_t *used);
/** A control term of `used` bytes that was read from a frame with references. */
void nx_same_learn_control(struct nx_same *s, const struct nx_frame *f, size_t used,
                           const struct nx_ctrl *ctrl);

/** Whether a payload is the one learned: then `*plain` is what it is made plain, borrowed until
 * something else is learned. */
bool nx_same_payload(const struct nx_same *s, const struct nx_atom_refs *refs,
                     struct nx_span payload, struct nx_span *plain);
/** The payload of the frame whose control term was seen last: whole, and `plain` what it is. */
void nx_same_learn_payload(struct nx_same *s, const struct nx_atom_refs *refs,
                           struct nx_span payload, struct nx_span plain);

#endif
