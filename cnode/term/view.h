/* The head of a borrowed term: what the functions of noex/term.h that read one have in common.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_VIEW_H
#define NX_TERM_VIEW_H

#include "term/token.h"
#include <noex/term.h>

/** Kinds of token as a set. */
static inline unsigned nx_kind(enum nx_tok_kind kind)
{
    return 1u << kind;
}

/** The first token of a term, and `in` behind it. A list head of no elements is nothing but its
 * tail, and is stepped over. Results as nx_tok_next. */
enum nx_tok_result nx_view_head(struct noex_term term, struct nx_rd *in, struct nx_tok *tok);

/** As nx_view_head, for a token that must be of one of these kinds. Errors: NOEX_ETYPE, NOEX_ETERM.
 */
NOEX_MUST_USE int nx_view_of(struct noex_term term, unsigned kinds, struct nx_rd *in,
                             struct nx_tok *tok);

#endif
