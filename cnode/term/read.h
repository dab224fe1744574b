/* Values out of checked bytes, through libei. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_READ_H
#define NX_TERM_READ_H

#include "term/token.h"

/**
 * A cursor over bytes that passed nx_term_check. Each function takes one term (or the head of a
 * container) and says true, or leaves the cursor where it was and says false when what stands there
 * is of another kind or does not fit.
 */
bool nx_read_atom(struct nx_rd *in, struct nx_span *text);
/** True, and the cursor moved, where the next term is exactly this atom. */
bool nx_read_atom_is(struct nx_rd *in, const char *text);
bool nx_read_int(struct nx_rd *in, int64_t *value);
bool nx_read_double(struct nx_rd *in, double *value);
bool nx_read_binary(struct nx_rd *in, struct nx_span *bytes);
bool nx_read_tuple_head(struct nx_rd *in, uint32_t *arity);
/** A proper or improper list of 1 element or more in the 108 form: the elements and a tail follow.
 */
bool nx_read_list_head(struct nx_rd *in, uint32_t *elements);
/** True where this one term is a list, in whatever form, without an improper tail: how many
 * elements it has. */
bool nx_read_list_len(struct nx_span term, uint64_t *count);
/** The 107 form: a list of bytes. */
bool nx_read_string(struct nx_rd *in, struct nx_span *bytes);
bool nx_read_nil(struct nx_rd *in);
bool nx_read_map_head(struct nx_rd *in, uint32_t *pairs);
/** Any one term, whole. */
bool nx_read_term(struct nx_rd *in, struct nx_span *term);

#endif
