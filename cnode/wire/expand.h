/* Terms with references to the atom cache made plain, so that everybody else knows plain terms
 * only. Protocol.md section 4 "Atom cache". SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_EXPAND_H
#define NX_WIRE_EXPAND_H

#include "base/buf.h"
#include "wire/atom_cache.h"

/** A plain term, borrowed from where it was read where it had no references, from `refs` where it
 * was one, else from the buffer. */
struct nx_plain {
    struct nx_span term;
    size_t used;   /* bytes read for it */
    uint64_t full; /* what term.len would be had it not been cut */
    int why;       /* it was cut: NOEX_ELIMIT, NOEX_ENOMEM; else 0 */
};

/**
 * Makes the term at the head of `in` plain; what has to be copied is appended to `out`, at most
 * `max` bytes of it. What is malformed or cut short in `in`, and all behind it, stays as it is:
 * whoever checks the result finds it. One pass, no recursion, no allocation but that of `out`;
 * out of memory, the term is cut to what fits. Errors: NOEX_EPROTOCOL for a reference that the
 * header has not.
 */
NOEX_MUST_USE int nx_expand(struct nx_span in, const struct nx_atom_refs *refs, struct nx_buf *out,
                            size_t max, struct nx_plain *plain, struct noex_error *err);

#endif
