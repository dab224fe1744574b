/* Terms as text of any length. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TERM_TEXT_H
#define CLI_TERM_TEXT_H

#include "text.h"
#include <noex/term.h>

/** Adds a term as the Erlang shell prints it on `node`, whole. Ends in "..." where the term is cut.
 */
void term_text_add(struct text *t, struct noex_term term, const char *node);

/** Adds an entry of a stack in words: "lists:map/2 (lists.erl, line 1559)". One that is none is
 * added as the term it is. */
void term_text_add_frame(struct text *t, struct noex_term frame, const char *node);

#endif
