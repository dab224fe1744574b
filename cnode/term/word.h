/* Which words are atoms without quotes: for who writes them and who reads them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_WORD_H
#define NX_TERM_WORD_H

#include "base/span.h"

/** Whether an atom without quotes may begin with this character, or go on with it: letters of
 * Latin-1 and no others. */
bool nx_word_starts(uint32_t c);
bool nx_word_goes_on(uint32_t c);

/** Whether this word means something else to Erlang, unless it stands in quotes. */
bool nx_word_is_reserved(struct nx_span word);

#endif
