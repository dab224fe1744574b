/* Numbers as Erlang text has them: read, and then worked out into bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_NUMERAL_H
#define NX_TERM_NUMERAL_H

#include "term/scan.h"

enum nx_numeral_kind { NX_NUMERAL_INT, NX_NUMERAL_FLOAT, NX_NUMERAL_CHAR };

/** Spans point into the text and may hold underscores. */
struct nx_numeral {
    enum nx_numeral_kind kind;
    bool negative;
    const uint8_t *start;
    uint32_t character;    /* CHAR: $c */
    unsigned base;         /* INT: 2 to 36 */
    struct nx_span digits; /* INT: without leading zeros; FLOAT: up to the exponent */
    size_t count;          /* INT: the digits among them */
    int64_t exponent;      /* FLOAT */
};

/** Whether a number or a character may begin with this byte. */
static inline bool nx_numeral_starts(uint8_t c)
{
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '$';
}

/**
 * Takes a number or a character, with its sign. Errors: NOEX_EINVALID; NOEX_ELIMIT for an integer
 * of more than 524,280 bytes, which no BEAM of OTP 27 takes, or of more than 10,000 digits in a
 * base that is no power of two, which would need quadratic time.
 */
NOEX_MUST_USE int nx_numeral_scan(struct nx_scan *s, struct nx_numeral *n);

/** How many bytes the magnitude of an INT or CHAR can take: its leading zeros are none. */
size_t nx_numeral_size(const struct nx_numeral *n);

/** Writes it into as many, lowest first; returns how many of them there are below leading zeros. */
size_t nx_numeral_magnitude(const struct nx_numeral *n, uint8_t *bytes);

/** The magnitude of an INT or CHAR where 64 bits are enough for it; else false. */
bool nx_numeral_small(const struct nx_numeral *n, uint64_t *magnitude);

/** How many bytes nx_numeral_double needs for a moment. */
size_t nx_numeral_scratch(const struct nx_numeral *n);

/** The value of a FLOAT; false where it is too large for one. */
bool nx_numeral_double(const struct nx_numeral *n, char *scratch, double *value);

#endif
