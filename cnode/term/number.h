/* Numbers: their values through libei, and the text of a float as Erlang writes it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_NUMBER_H
#define NX_TERM_NUMBER_H

#include "term/token.h"

/** The value of a FLOAT token (both tags). False where it is not finite or no number. */
bool nx_tok_double(const struct nx_tok *tok, double *value);

/** The value of an INT or BIG token that fits in 64 bits. */
bool nx_tok_int(const struct nx_tok *tok, int64_t *value);

/** Sign and magnitude of an INT or BIG token; false where the magnitude is over 64 bits. Zero is
 * not negative. */
bool nx_tok_magnitude(const struct nx_tok *tok, bool *negative, uint64_t *magnitude);

enum { NX_DOUBLE_TEXT = 32 };

/** The shortest text that reads back as the same value, in Erlang's notation, with a NUL behind;
 * returns its length. `value` is finite. */
size_t nx_double_text(double value, char text[NX_DOUBLE_TEXT]);

#endif
