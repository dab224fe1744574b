/* The characters of Erlang text, and errors that name their place.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_SCAN_H
#define NX_TERM_SCAN_H

#include "base/err.h"
#include "base/span.h"

struct nx_scan {
    struct nx_rd in;
    const uint8_t *start;
    struct noex_error *err; /* may be NULL */
};

/** Records "byte N: ..." about this place of the text, N counted from 0; returns NOEX_EINVALID. */
int nx_scan_fail(struct nx_scan *s, const uint8_t *at, const char *fmt, ...) NX_PRINTF(3, 4);

/** The same for the next character: "expected WHAT, found ...". */
int nx_scan_expected(struct nx_scan *s, const char *what);

/** Steps over white space and comments. */
void nx_scan_space(struct nx_scan *s);

/** The next byte, or 0 at the end. */
static inline uint8_t nx_scan_peek(const struct nx_scan *s)
{
    return nx_rd_left(&s->in) ? *s->in.p : 0;
}

/** The word that follows, not taken: as many characters of an atom without quotes as there are. */
struct nx_span nx_scan_word(const struct nx_scan *s);

/** Takes `token` where that is what follows, behind white space or not. */
bool nx_scan_take(struct nx_scan *s, const char *token);

/** Takes a character as it stands in quotes or behind '$', which may be an escape. Errors:
 * NOEX_EINVALID. */
NOEX_MUST_USE int nx_scan_char(struct nx_scan *s, uint32_t *c);

/** The same up to the closing quote: *more says whether there was one more. */
NOEX_MUST_USE int nx_scan_quoted(struct nx_scan *s, char quote, uint32_t *c, bool *more);

/** The same in a string, its opening quote being taken, and in those that follow it: they are one.
 */
NOEX_MUST_USE int nx_scan_string(struct nx_scan *s, uint32_t *c, bool *more);

#endif
