/* SPDX-License-Identifier: Apache-2.0 */
#include "term/number.h"

#include <ei.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FLOAT_TEXT_SIZE = 31, EXPONENT_MAX = 9999 };

/* Decoding. */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * FLOAT_EXT holds C's "%.20e" and NULs. Libei gives it to sscanf, which knows no bound and obeys
 * the locale's decimal point: so libei gets the same number without a point and with a NUL behind.
 */
static bool without_point(struct nx_span field, char *out, size_t size)
{
    char text[FLOAT_TEXT_SIZE + 1] = "", *rest = text;
    size_t n = 0;
    long fraction = 0, exponent = 0;
    memcpy(text, field.ptr, field.len < FLOAT_TEXT_SIZE ? field.len : FLOAT_TEXT_SIZE);
    const char *p = text;
    if (*p == '-' || *p == '+')
        out[n++] = *p++;
    if (!is_digit(*p))
        return false;
    while (is_digit(*p))
        out[n++] = *p++;
    if (*p++ != '.' || !is_digit(*p))
        return false;
    for (; is_digit(*p); fraction++)
        out[n++] = *p++;
    if ((*p == 'e' || *p == 'E') &&
        (is_digit(p[1]) || ((p[1] == '-' || p[1] == '+') && is_digit(p[2])))) {
        exponent = strtol(p + 1, &rest, 10);
        p = rest;
    }
    if (*p || exponent < -EXPONENT_MAX || exponent > EXPONENT_MAX)
        return false;
    snprintf(out + n, size - n, "e%ld", exponent - fraction);
    return true;
}

bool nx_tok_double(const struct nx_tok *tok, double *value)
{
    enum { FLOAT_EXT = 99 };
    char text[1 + 2 * FLOAT_TEXT_SIZE] = {FLOAT_EXT};
    const char *bytes = (const char *)tok->raw.ptr;
    double decoded;
    int index = 0;
    if (tok->kind != NX_TOK_FLOAT || !bytes)
        return false;
    if (tok->tag == FLOAT_EXT) {
        if (!without_point(tok->data, text + 1, sizeof text - 1))
            return false;
        bytes = text;
    }
    if (ei_decode_double(bytes, &index, &decoded) || !isfinite(decoded))
        return false;
    *value = decoded;
    return true;
}

bool nx_tok_int(const struct nx_tok *tok, int64_t *value)
{
    EI_LONGLONG decoded;
    int index = 0;
    if ((tok->kind != NX_TOK_INT && tok->kind != NX_TOK_BIG) || !tok->raw.ptr ||
        tok->raw.len > INT_MAX || ei_decode_longlong((const char *)tok->raw.ptr, &index, &decoded))
        return false;
    *value = decoded;
    return true;
}

bool nx_tok_magnitude(const struct nx_tok *tok, bool *negative, uint64_t *magnitude)
{
    uint64_t value = 0;
    if (tok->kind == NX_TOK_INT) {
        *negative = tok->value < 0;
        *magnitude = *negative ? 0 - (uint64_t)tok->value : (uint64_t)tok->value;
        return true;
    }
    if (tok->kind != NX_TOK_BIG)
        return false;
    for (size_t i = tok->data.len; i; i--) {
        if (value >> 56)
            return false;
        value = value << 8 | tok->data.ptr[i - 1];
    }
    *negative = tok->negative && value;
    *magnitude = value;
    return true;
}

/* The text of a float. */

enum { FLOAT_DIGITS_MAX = 17, FLOAT_DIGITS_SURE = 15 };

/* More than a number without an exponent ever has in a row. */
static const char zeros[] = "00000000000000000000";

/* A decimal number 0.DIGITS * 10^place, in which a decimal point of the locale has no part. */
struct decimal {
    char digits[FLOAT_DIGITS_MAX + 1];
    int len;
    int place;
};

static struct decimal round_to(double value, int len)
{
    struct decimal d = {.len = 0};
    char text[40];
    const char *at = text;
    snprintf(text, sizeof text, "%.*e", len - 1, value);
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            d.digits[d.len++] = *at;
    d.place = (int)strtol(at + 1, NULL, 10) + 1;
    return d;
}

static bool reads_back(const struct decimal *d, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%se%d", d->digits, d->place - d->len);
    return strtod(text, NULL) == value;
}

static struct decimal next_up(struct decimal d)
{
    int i = d.len - 1;
    for (; i >= 0 && d.digits[i] == '9'; i--)
        d.digits[i] = '0';
    if (i >= 0) {
        d.digits[i]++;
    } else {
        d.digits[0] = '1';
        d.place++;
    }
    return d;
}

/*
 * The shortest decimal that reads back as the same value. Fifteen digits survive a double, so fewer
 * need a try only where doubles lose precision. Below a power of two doubles lie closer than above
 * it: there a short decimal may be found above the value although the nearest one of that length,
 * below it, is already another double.
 */
static struct decimal shortest(double value)
{
    int exponent;
    int low = fpclassify(value) == FP_SUBNORMAL ? 1 : FLOAT_DIGITS_SURE, high = FLOAT_DIGITS_MAX;
    while (low < high) {
        int middle = (low + high) / 2;
        struct decimal d = round_to(value, middle);
        if (reads_back(&d, value))
            high = middle;
        else
            low = middle + 1;
    }
    struct decimal d = round_to(value, low);
    if (low == FLOAT_DIGITS_MAX && frexp(value, &exponent) == 0.5) {
        struct decimal up = next_up(round_to(value, low - 1));
        if (reads_back(&up, value))
            d = up;
    }
    while (d.len > 1 && d.digits[d.len - 1] == '0')
        d.digits[--d.len] = '\0';
    return d;
}

/* Erlang's choice: the shorter of both notations, but no long one where integers are not exact. */
static int write_decimal(const struct decimal *d, bool exact, char *text, size_t size)
{
    char exponent[16];
    int cost = snprintf(exponent, sizeof exponent, "%d", d->place - 1) + (d->len == 1 ? 3 : 2);
    if (d->place > 0 && d->place < d->len)
        return snprintf(text, size, "%.*s.%s", d->place, d->digits, d->digits + d->place);
    if (d->place == 0 || (d->place < 0 && 2 - d->place <= cost))
        return snprintf(text, size, "0.%.*s%s", -d->place, zeros, d->digits);
    if (d->place > 0 && d->place - d->len + 2 <= cost && exact)
        return snprintf(text, size, "%s%.*s.0", d->digits, d->place - d->len, zeros);
    return snprintf(text, size, "%c.%se%s", d->digits[0], d->len == 1 ? "0" : d->digits + 1,
                    exponent);
}

size_t nx_double_text(double value, char text[NX_DOUBLE_TEXT])
{
    int sign = snprintf(text, NX_DOUBLE_TEXT, "%s", signbit(value) ? "-" : "");
    char *at = text + sign;
    size_t size = NX_DOUBLE_TEXT - (size_t)sign;
    value = fabs(value);
    if (value == 0)
        return (size_t)(sign + snprintf(at, size, "0.0"));
    struct decimal d = shortest(value);
    return (size_t)(sign + write_decimal(&d, value < 0x1p53, at, size));
}
