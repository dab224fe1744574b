/* Terms of the kinds that reasons and messages are mostly made of, checked and made plain in one
 * pass. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_USUAL_H
#define NX_WIRE_USUAL_H

#include "wire/expand.h"

/**
 * Does what nx_expand and then nx_term_check do to the term at the head of `in`, where it holds
 * atoms (references, or of ASCII), integers, strings, binaries, tuples and lists only, and `out`
 * has room for it. False, and nothing done: it is another term, or a malformed one, and has to be
 * read in their way. `refs` NULL: the term has no references.
 */
bool nx_usual_term(struct nx_span in, const struct nx_atom_refs *refs, struct nx_buf *out,
                   struct nx_span *plain, size_t *used);

#endif
